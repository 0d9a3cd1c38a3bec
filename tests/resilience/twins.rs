//! Both architectures, side by side over the seed catalogue: a search is answered with the same bytes.

use std::{collections::BTreeSet, path::Path};

use bothways_tests::{Case, Launcher, Options, RECOVERY, Shop, cases, eventually};
use futures::{StreamExt as _, stream};
use serde_json::Value;

pub(crate) fn cases() -> Vec<Case> {
    cases![searches_are_answered_with_the_same_bytes]
}

const ARCHITECTURES: [&str; 2] = ["microservices", "serverless"];
/// Questions under way at once.
const AT_ONCE: usize = 4;
/// What shoppers ask besides names: misspelt, run together, with units, synonyms, refusals, filters, orders and pages,
/// and what is no question at all. Only the newest come as each shop came to know them.
const QUERIES: &[&[(&str, &str)]] = &[
    &[("q", "headphones")],
    &[("q", "hedphones")],
    &[("q", "wireles headphnes for kids")],
    &[("q", "kettle without lid")],
    &[("q", "tonercartridge")],
    &[("q", "micro sd 256 gb")],
    &[("q", "256gb")],
    &[("q", "tv 65\"")],
    &[("q", "running shoes"), ("sort", "price_asc")],
    &[("q", "running shoes"), ("sort", "price_desc")],
    &[("q", "set of 4"), ("page", "2"), ("per_page", "5")],
    &[("q", "for the"), ("per_page", "100")],
    &[("q", "toner"), ("brand", "Inkwarden"), ("in_stock", "true")],
    &[("q", "lamp"), ("min_price", "1000"), ("max_price", "5000")],
    &[("q", "lead"), ("category", "Pet Supplies")],
    &[("q", "garden"), ("in_stock", "false")],
    &[("category", "Printing & Office"), ("sort", "price_asc")],
    &[
        ("category", "Shoes"),
        ("category", "Garden"),
        ("per_page", "50"),
    ],
    &[("brand", "Velquist"), ("brand", "Solvarry")],
    &[("per_page", "100"), ("page", "4")],
    &[("per_page", "1")],
    &[("q", "zzzzqqqq")],
    &[("q", "(a+)+$ OR name:* \"")],
    &[("q", "\u{202e}\u{1f469}\u{200d}\u{1f4bb} \u{627}\u{644}")],
    &[("q", "crème brûlée")],
    &[("q", "the"), ("min_price", "9"), ("max_price", "1")],
    &[("q", "lamp"), ("sort", "sideways")],
    &[("q", "lamp"), ("page", "1000000")],
];

async fn searches_are_answered_with_the_same_bytes(_given: &Shop) {
    let launcher = Launcher::start(Options::of("both").seeded().argument("--no-pictures"));
    let shops = ARCHITECTURES.map(|architecture| launcher.shop(architecture));
    for shop in &shops {
        knows_all(shop).await;
    }
    let names = catalogue("products.ndjson");
    let names = names.iter().map(|product| text(&product["name"]));
    let queries = QUERIES.iter().map(|query| {
        let members = query.iter();
        members
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    });
    let queries: Vec<_> = queries
        .chain(names.map(|name| vec![("q".to_owned(), name)]))
        .collect();
    let typed: BTreeSet<String> = queries
        .iter()
        .flatten()
        .flat_map(|(_, value)| beginnings(value))
        .collect();
    let prefixes = typed
        .into_iter()
        .map(|typed| ("/api/search/suggest", vec![("q".to_owned(), typed)]));
    let searches = queries.into_iter().map(|query| ("/api/search", query));
    let asked: Vec<_> = searches.chain(prefixes).collect();
    let different = stream::iter(&asked)
        .map(|(path, query)| difference(&shops, path, query))
        .buffer_unordered(AT_ONCE)
        .filter_map(async |difference| difference);
    let different: Vec<_> = different.collect().await;
    assert!(
        different.is_empty(),
        "{} of {} answers differ:\n{}",
        different.len(),
        asked.len(),
        different.join("\n")
    );
}

/// What both answered, unless it is the same. A problem names its request, so of one only the rest counts.
async fn difference(shops: &[Shop; 2], path: &str, query: &[(String, String)]) -> Option<String> {
    let members = query.iter();
    let members: Vec<_> = members
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut answers = Vec::new();
    for shop in shops {
        let reply = shop.get(path).query(&members).send().await;
        let body = if reply.status == 200 {
            reply.text()
        } else {
            let mut problem = reply.value();
            problem["request_id"].take();
            problem.to_string()
        };
        answers.push(format!("{} {body}", reply.status));
    }
    (answers[0] != answers[1]).then(|| format!("{path} {query:?}: {answers:#?}"))
}

/// Waits until search has the whole catalogue, and its stock.
async fn knows_all(shop: &Shop) {
    let products = catalogue("products.ndjson").len();
    let stock = catalogue("stock.ndjson");
    let available = stock
        .iter()
        .filter(|level| level["on_hand"].as_u64() > Some(0));
    let available = available.count();
    eventually(RECOVERY, "search knows the catalogue", async || {
        let mut known = Vec::new();
        for in_stock in ["true", "false"] {
            let found = shop.get("/api/search").query(&[("in_stock", in_stock)]);
            known.push(found.try_send().await?.value()["total"].as_u64());
        }
        let expected = [available, products - available].map(|count| u64::try_from(count).ok());
        if known == expected {
            Ok(())
        } else {
            Err(format!("{known:?}, not {expected:?}"))
        }
    })
    .await;
}

/// What of a text is typed on the way to it.
fn beginnings(text: &str) -> [String; 3] {
    [3, 5, 9].map(|count| text.chars().take(count).collect())
}

/// A file of the seed catalogue.
fn catalogue(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../data")
        .join(file);
    let lines = std::fs::read_to_string(path).expect("the seed catalogue");
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
