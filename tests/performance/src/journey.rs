//! What a shopper's way through the shop has the services do: statements, round trips to the databases, and requests of
//! each other, step by step.

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::{
    ask::ask,
    postgres::Server,
    recorder::{Recorder, Said, Statement},
    running::Running,
    services::{PRODUCT, fill, sqlite_url, start},
};

/// Journeys before the one that is listed.
const WARM: usize = 5;

const ABOVE: &str = "<!-- journey: made by the same command -->";
const BELOW: &str = "<!-- until here -->";

/// What the services do now and then by themselves, by a part of the statement.
const BACKGROUND: [&str; 4] = [
    "outbox_lease",
    "FROM outbox AS due",
    "WITH abandoned",
    "WITH expired",
];

/// A service whose words with its database and with others are recorded.
struct Recorded {
    name: &'static str,
    _running: Running,
    /// Where others, and shoppers, ask it.
    requests: Recorder,
    statements: Recorder,
}

/// The services that a journey takes.
struct Shop {
    services: Vec<Recorded>,
    _payment: Running,
    provider: Recorder,
}

impl Shop {
    fn start(bins: &Path, server: &Server, folder: &Path) -> Result<Self, String> {
        let (payment, payment_at) = start(bins, "payment-sandbox", &sqlite_url(folder), &[])?;
        let provider = Recorder::of_requests(payment_at)?;
        let mut known = vec![("PAYMENT", provider.address)];
        let mut services = Vec::new();
        for (name, variable) in [
            ("inventory", "INVENTORY"),
            ("product", "PRODUCT"),
            ("cart", "CART"),
            ("checkout", "CHECKOUT"),
        ] {
            let statements = Recorder::of_statements(server.address)?;
            let url = Server::url(statements.address);
            let (running, at) = start(bins, name, &url, &known)?;
            let requests = Recorder::of_requests(at)?;
            known.push((variable, requests.address));
            services.push(Recorded {
                name,
                _running: running,
                requests,
                statements,
            });
        }
        Ok(Self {
            services,
            _payment: payment,
            provider,
        })
    }

    fn at(&self, name: &str) -> Result<SocketAddr, String> {
        let service = self.services.iter().find(|service| service.name == name);
        let service = service.ok_or_else(|| format!("no service {name}"))?;
        Ok(service.requests.address)
    }

    /// Goes the way once: what each step had the services do.
    fn go(&self, key: &str) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        self.forget();
        let cart = ask(self.at("cart")?, "POST /api/carts", "", &Value::Null)?;
        let cart = cart["id"].as_str().ok_or("a cart has no id")?.to_owned();
        steps.push(self.step("make a cart"));
        let put = format!("PUT /api/carts/{cart}/items/{PRODUCT}");
        ask(self.at("cart")?, &put, "", &json!({ "quantity": 1 }))?;
        steps.push(self.step("add to the cart"));
        let body = json!({
            "cart_id": cart, "email": "ann@example.com", "payment_method": "pm_card_visa",
            "shipping_address": {
                "name": "Ann", "line1": "1 High Street", "city": "Town", "postal_code": "1", "country": "US",
            },
        });
        let key = format!("idempotency-key: {key}\r\n");
        ask(self.at("checkout")?, "POST /api/checkout", &key, &body)?;
        steps.push(self.step("check out, pay, confirm"));
        Ok(steps)
    }

    fn forget(&self) {
        self.provider.take();
        for service in &self.services {
            service.requests.take();
            service.statements.take();
        }
    }

    fn step(&self, what: &'static str) -> Step {
        // The last answer overtakes nothing: whoever answered had said all it had to say.
        let asked = |recorder: &Recorder| {
            let said = recorder.take().into_iter();
            said.filter_map(|said| match said {
                Said::Asked(what) => Some(what),
                _ => None,
            })
            .collect()
        };
        let of_services = self.services.iter().map(|service| {
            let said = service.statements.take();
            Part {
                name: service.name,
                requests: asked(&service.requests),
                said: said
                    .into_iter()
                    .filter(|said| !is_background(said))
                    .collect(),
            }
        });
        let mut parts: Vec<_> = of_services.collect();
        parts.push(Part {
            name: "payment provider",
            requests: asked(&self.provider),
            said: Vec::new(),
        });
        Step { what, parts }
    }
}

fn is_background(said: &Said) -> bool {
    matches!(said, Said::Did(statement) if BACKGROUND.iter().any(|part| statement.sql.contains(part)))
}

/// What a step of the journey had the services do.
struct Step {
    what: &'static str,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    /// What it was asked, by the shopper or by others.
    requests: Vec<String>,
    said: Vec<Said>,
}

/// Goes the way a few times, then once with every statement prepared, and lists that.
pub(crate) fn measure(bins: &Path) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let server = Server::start()?;
    let shop = Shop::start(bins, &server, folder.path())?;
    fill(&server)?;
    // Several times, as a service has several connections, each of which prepares for itself.
    for time in 0..WARM {
        shop.go(&format!("warm-{time}"))?;
    }
    Ok(listing(&shop.go("measured")?))
}

fn listing(steps: &[Step]) -> String {
    let mut table = "| step | service | requests | statements | round trips |\n\
                     | --- | --- | ---: | ---: | ---: |\n"
        .to_owned();
    let mut details = String::new();
    for Step { what, parts } in steps {
        let _ = writeln!(details, "\n{what}:");
        for Part {
            name,
            requests,
            said,
        } in parts
        {
            if requests.is_empty() && said.is_empty() {
                continue;
            }
            let statements = said.iter().filter(|said| matches!(said, Said::Did(_)));
            let (asked, done, trips) = (requests.len(), statements.count(), said.len());
            let _ = writeln!(table, "| {what} | {name} | {asked} | {done} | {trips} |");
            for request in requests {
                let _ = writeln!(details, "  {name} is asked: {}", plain(request));
            }
            for said in said {
                let _ = match said {
                    Said::Did(Statement { sql, .. }) => {
                        writeln!(details, "  {name} does: {}", short(sql))
                    }
                    Said::Prepared => writeln!(details, "  {name} prepares"),
                    Said::Pinged => writeln!(details, "  {name} pings"),
                    Said::Asked(_) => Ok(()),
                };
            }
        }
    }
    format!("{table}\n```text{details}```\n")
}

/// The beginning of a statement, on one line.
fn short(sql: &str) -> String {
    const SHOWN: usize = 100;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A request without what is another each time: ids of carts, intents and the like.
fn plain(request: &str) -> String {
    let segments = request
        .split('/')
        .map(|segment| if segment.len() > 20 { "{id}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Puts the listing into its place in the document.
pub(crate) fn write(file: &Path, listing: &str) -> Result<(), String> {
    let problem = |error: String| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| problem(error.to_string()))?;
    let (before, rest) = text
        .split_once(ABOVE)
        .ok_or_else(|| problem("no journey begins".to_owned()))?;
    let (_, after) = rest
        .split_once(BELOW)
        .ok_or_else(|| problem("the journey does not end".to_owned()))?;
    let text = format!("{before}{ABOVE}\n\n{listing}\n{BELOW}{after}");
    fs::write(file, text).map_err(|error| problem(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_another_each_time_is_left_out() {
        let request = "POST /v1/payment_intents/pi_0123456789abcdef0123/confirm";
        assert_eq!(plain(request), "POST /v1/payment_intents/{id}/confirm");
        assert_eq!(short("SELECT  1\n FROM a"), "SELECT 1 FROM a");
        assert!(short(&"x".repeat(200)).ends_with("x…"));
    }

    #[test]
    fn a_step_is_listed_with_what_was_waited_for() {
        let did = |sql: &str| {
            let (sql, arguments) = (sql.to_owned(), Vec::new());
            Said::Did(Statement { sql, arguments })
        };
        let part = Part {
            name: "cart",
            requests: vec!["POST /api/carts".to_owned()],
            said: vec![did("BEGIN"), did("COMMIT"), Said::Pinged],
        };
        let (what, parts) = ("make a cart", vec![part]);
        let listed = listing(&[Step { what, parts }]);
        assert!(
            listed.contains("| make a cart | cart | 1 | 2 | 3 |"),
            "{listed}"
        );
        assert!(listed.contains("  cart does: BEGIN\n"));
    }
}
