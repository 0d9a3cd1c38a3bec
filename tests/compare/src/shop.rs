//! A shop to be measured: one that is somewhere, or one that the launcher runs here.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::processes;

/// How long a shop may take to open, seeding included.
const OPEN: Duration = Duration::from_mins(5);
/// How long a launcher may take to end everything.
const CLOSED: Duration = Duration::from_secs(30);
/// What the part is called that stands in for what AWS runs: API Gateway, Lambda itself, SQS.
pub const HOST: &str = "(local Lambda host)";

/// The services that shoppers wait for. The gateway is the one door, and what follows events has nobody waiting for it and
/// is done by one replica at a time.
const REPLICATED: [&str; 6] = [
    "inventory",
    "product",
    "identity",
    "cart",
    "checkout",
    "search",
];

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// Services, started here.
    Microservices,
    /// Functions, started here on the local Lambda host.
    Serverless,
    /// Whatever answers there.
    Url(String),
}

/// A side as the user names it: `[NAME=]microservices`, `[NAME=]serverless` or `[NAME=]URL`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// What it is called in the report.
    pub name: String,
    /// Where it is.
    pub place: Where,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let (name, place) = named.map_or((None, text), |(name, place)| (Some(name), place));
        let (usual, place) = match place {
            "microservices" => ("microservices", Where::Microservices),
            "serverless" | "functions" => ("functions", Where::Serverless),
            url if url.starts_with("http://") || url.starts_with("https://") => {
                (url, Where::Url(url.trim_end_matches('/').to_owned()))
            }
            _ => return Err(format!("{text}: microservices, serverless or a URL")),
        };
        Ok(Self {
            name: name.unwrap_or(usual).to_owned(),
            place,
        })
    }
}

/// How shops are started here.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The launcher's program; the one beside this program, if none is named. Shops that are elsewhere need neither.
    pub program: Option<PathBuf>,
    /// Where shops keep their data, a folder each.
    pub folder: PathBuf,
    /// PostgreSQL server for both, instead of SQLite.
    pub database_url: Option<String>,
}

impl Launcher {
    fn program(&self) -> Result<PathBuf, String> {
        self.program.clone().map_or_else(beside, Ok)
    }
}

fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let launcher = own.with_file_name("bothways");
    let there = launcher.is_file().then_some(launcher);
    there.ok_or_else(|| {
        "there is no launcher beside this program; `cargo run --release -- compare` builds both"
            .to_owned()
    })
}

/// CPU seconds so far and memory of every part.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// By part: CPU seconds of each of its processes, by process id.
    pub cpu: BTreeMap<String, BTreeMap<u32, f64>>,
    /// By part, in MB.
    pub memory_mb: BTreeMap<String, f64>,
    /// What the host says of its functions, if it runs any.
    pub functions: Vec<Value>,
}

impl Sample {
    /// CPU seconds spent by each part since an earlier sample. What ended in between is not seen.
    pub fn since(&self, before: &Self) -> BTreeMap<String, f64> {
        let spent = |part: &String, processes: &BTreeMap<u32, f64>| {
            let earlier = before.cpu.get(part);
            let start = |pid| earlier.and_then(|known| known.get(pid)).copied();
            processes
                .iter()
                .map(|(pid, now)| (now - start(pid).unwrap_or_default()).max(0.0))
                .sum()
        };
        self.cpu
            .iter()
            .map(|(part, processes)| (part.clone(), spent(part, processes)))
            .collect()
    }

    /// How many instances each function has; nothing of services.
    pub fn instances(&self) -> BTreeMap<String, usize> {
        let one = |function: &Value| {
            let name = function["name"].as_str().unwrap_or_default().to_owned();
            (name, list(&function["instances"]).len())
        };
        self.functions.iter().map(one).collect()
    }
}

/// A shop that answers.
pub struct Shop {
    /// What it is called.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// Which architecture, if it runs here.
    pub place: Where,
    local: Option<Local>,
}

struct Local {
    launcher: Child,
    control: String,
    token: String,
}

impl Shop {
    /// Opens the shop, or finds it open; how long it took to the first right answer, if it was started. So many `copies`
    /// run, if that is said: replicas of each service that answers shoppers, instances of each function at most.
    pub async fn open(
        target: &Target,
        number: usize,
        launcher: &Launcher,
        copies: Option<usize>,
    ) -> Result<(Self, Option<Duration>), String> {
        if let Where::Url(url) = &target.place {
            first_answer(url, Duration::from_secs(30), || Ok(())).await?;
            let (name, place) = (target.name.clone(), target.place.clone());
            let url = url.clone();
            return Ok((
                Self {
                    name,
                    url,
                    place,
                    local: None,
                },
                None,
            ));
        }
        let folder = launcher.folder.join(number.to_string());
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let began = Instant::now();
        let mut command = command(target, launcher, number, &folder, port)?;
        command.args(copies.map_or_else(Vec::new, |copies| scaled(&target.place, copies)));
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", command.as_std().get_program().display()))?;
        let alive = || match child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(format!(
                "the launcher ended; see {}",
                folder.join("launcher.log").display()
            )),
        };
        first_answer(&url, OPEN, alive).await?;
        let took = began.elapsed();
        let (control, token) = control(&folder, &mut child).await?;
        let local = Some(Local {
            launcher: child,
            control,
            token,
        });
        let (name, place) = (target.name.clone(), target.place.clone());
        Ok((
            Self {
                name,
                url,
                place,
                local,
            },
            Some(took),
        ))
    }

    /// Whether it was started here, so that its processes can be looked at.
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// CPU and memory of its parts now; nothing of a shop elsewhere.
    pub async fn sample(&self) -> Result<Sample, String> {
        let mut sample = Sample::default();
        let Some(local) = &self.local else {
            return Ok(sample);
        };
        let status = local.ask(reqwest::Method::GET, "/status").await?;
        let mut add = |part: &str, pid: &Value| {
            let Some(pid) = pid.as_u64().and_then(|pid| u32::try_from(pid).ok()) else {
                return;
            };
            let cpu = processes::cpu_seconds(pid).unwrap_or_default();
            sample
                .cpu
                .entry(part.to_owned())
                .or_default()
                .insert(pid, cpu);
            let memory = processes::memory_mb(pid).unwrap_or_default();
            *sample.memory_mb.entry(part.to_owned()).or_default() += memory;
        };
        for process in list(&status["processes"]) {
            // The payment provider is somebody else's.
            if process["name"] != "payment-sandbox" {
                add(
                    process["name"].as_str().unwrap_or_default(),
                    &process["pid"],
                );
            }
        }
        for function in list(&status["functions"]) {
            for pid in list(&function["instances"]) {
                add(function["name"].as_str().unwrap_or_default(), pid);
            }
        }
        if self.place == Where::Serverless {
            add(HOST, &Value::from(local.launcher.id()));
        }
        sample.functions = list(&status["functions"]).to_vec();
        Ok(sample)
    }

    /// Makes it idle as it would be in time: of functions no instance is left. Services stay as they are.
    pub async fn cool_down(&self) -> Result<(), String> {
        let Some(local) = self
            .local
            .as_ref()
            .filter(|_| self.place == Where::Serverless)
        else {
            return Ok(());
        };
        let status = local.ask(reqwest::Method::GET, "/status").await?;
        for function in list(&status["functions"]) {
            let name = function["name"].as_str().unwrap_or_default();
            let path = format!("/functions/{name}/kill-instances");
            local.ask(reqwest::Method::POST, &path).await?;
        }
        Ok(())
    }

    /// Crashes a part: a service, or every instance of a function. The launcher starts it again.
    pub async fn crash(&self, part: &str) -> Result<(), String> {
        let Some(local) = &self.local else {
            return Err("only what runs here can be made to fail".to_owned());
        };
        let path = match self.place {
            Where::Serverless => format!("/functions/{part}/kill-instances"),
            _ => format!("/processes/microservices/{part}/crash"),
        };
        local.ask(reqwest::Method::POST, &path).await.map(|_| ())
    }

    /// Closes what was opened here.
    pub async fn close(self) {
        if let Some(mut local) = self.local {
            // It ends with its standard input.
            drop(local.launcher.stdin.take());
            if tokio::time::timeout(CLOSED, local.launcher.wait())
                .await
                .is_err()
            {
                let _ = local.launcher.kill().await;
            }
        }
    }
}

impl Local {
    async fn ask(&self, method: reqwest::Method, path: &str) -> Result<Value, String> {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.control));
        let answer = request
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(30))
            .send();
        let answer = answer.await.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(|error| format!("the launcher: {error}"))?;
        answer
            .json()
            .await
            .map_err(|error| format!("the launcher: {error}"))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn free_port() -> Result<u16, String> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    free.map(|address| address.port())
        .map_err(|error| error.to_string())
}

fn command(
    target: &Target,
    launcher: &Launcher,
    number: usize,
    folder: &Path,
    port: u16,
) -> Result<Command, String> {
    let log =
        std::fs::File::create(folder.join("launcher.log")).map_err(|error| error.to_string())?;
    let (choice, option) = match target.place {
        Where::Microservices => ("microservices", "--port"),
        _ => ("serverless", "--serverless-port"),
    };
    let mut command = Command::new(launcher.program()?);
    command
        .args([
            "up",
            choice,
            option,
            &port.to_string(),
            "--no-build",
            "--no-pictures",
            "--quiet",
        ])
        // A gateway's limit for an address would be measured, as all shoppers come from one. Logs as in production.
        .args([
            "--exit-with-stdin",
            "--env",
            "RATE_LIMIT_PER_SECOND=0",
            "--env",
            "LOG_FORMAT=json",
        ])
        .arg("--data")
        .arg(folder);
    if let Some(url) = &launcher.database_url {
        let prefix = format!("compare_{number}");
        command.args(["--database-url", url, "--database-prefix", &prefix]);
    }
    let output = log.try_clone().map_err(|error| error.to_string())?;
    command
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

/// What the launcher is told so that so many copies run.
fn scaled(place: &Where, copies: usize) -> Vec<String> {
    if *place == Where::Serverless {
        return vec!["--function-instances".to_owned(), copies.to_string()];
    }
    REPLICATED
        .iter()
        .flat_map(|service| ["--replicas".to_owned(), format!("{service}={copies}")])
        .collect()
}

/// Asks until the shop finds something to sell.
async fn first_answer(
    url: &str,
    patience: Duration,
    mut alive: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let client = reqwest::Client::new();
    let began = Instant::now();
    loop {
        alive()?;
        let answer = client
            .get(format!("{url}/api/search?per_page=1"))
            .timeout(Duration::from_secs(5));
        let found: Value = match answer.send().await {
            Ok(answer) if answer.status().is_success() => answer.json().await.unwrap_or_default(),
            _ => Value::Null,
        };
        if !list(&found["hits"]).is_empty() {
            return Ok(());
        }
        if began.elapsed() > patience {
            return Err(format!(
                "{url} does not answer as a shop within {} s",
                patience.as_secs()
            ));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The control API of the launcher, which says where it is when everything is open.
async fn control(folder: &Path, child: &mut Child) -> Result<(String, String), String> {
    let began = Instant::now();
    loop {
        let text = std::fs::read(folder.join("state.json")).unwrap_or_default();
        let state: Value = serde_json::from_slice(&text).unwrap_or_default();
        if state["pid"].as_u64() == child.id().map(u64::from) && child.id().is_some() {
            let text = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
            return Ok((text("control"), text("control_token")));
        }
        if began.elapsed() > OPEN || child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return Err(format!(
                "the launcher does not open the shop; see {}",
                folder.display()
            ));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Gives everything in stock so much of it that a run cannot sell it out.
pub async fn fill_stock(shop: &Shop, number: usize, launcher: &Launcher) -> Result<(), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/stock.ndjson");
    let text = std::fs::read_to_string(&source)
        .map_err(|error| format!("{}: {error}", source.display()))?;
    let mut plenty = String::new();
    for line in text.lines() {
        let mut stock: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if stock["on_hand"].as_i64().is_some_and(|count| count > 0) {
            stock["on_hand"] = 500_000.into();
        }
        plenty += &stock.to_string();
        plenty.push('\n');
    }
    let folder = launcher.folder.join(number.to_string());
    let file = folder.join("plenty.ndjson");
    std::fs::write(&file, plenty).map_err(|error| error.to_string())?;
    let mut command = Command::new(launcher.program()?);
    command
        .arg("import")
        .arg(&file)
        .args(["--stock", "--to", &shop.url, "--data"])
        .arg(&folder);
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "filling the stock: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_an_architecture_or_a_place_with_a_name_if_it_is_given_one() {
        let side = |text: &str| {
            text.parse::<Target>()
                .map(|target| (target.name, target.place))
        };
        assert_eq!(
            side("microservices"),
            Ok(("microservices".to_owned(), Where::Microservices))
        );
        assert_eq!(
            side("serverless"),
            Ok(("functions".to_owned(), Where::Serverless))
        );
        let url = || Where::Url("http://shop:1/x?a=b".to_owned());
        assert_eq!(
            side("http://shop:1/x?a=b"),
            Ok(("http://shop:1/x?a=b".to_owned(), url()))
        );
        assert_eq!(
            side("old=http://shop:1/x?a=b"),
            Ok(("old".to_owned(), url()))
        );
        assert_eq!(
            side("again=microservices"),
            Ok(("again".to_owned(), Where::Microservices))
        );
        assert!(side("shop").is_err() && side("ftp://shop").is_err());
    }

    #[test]
    fn copies_are_replicas_of_what_shoppers_wait_for_or_the_most_instances_of_each_function() {
        let said = |place: &Where| scaled(place, 2).join(" ");
        assert_eq!(said(&Where::Serverless), "--function-instances 2");
        let services = said(&Where::Microservices);
        assert!(services.contains("--replicas search=2") && services.contains("checkout=2"));
        assert_eq!(services.matches("=2").count(), REPLICATED.len());
    }

    #[test]
    fn instances_are_counted_function_by_function() {
        let sample = Sample {
            functions: vec![
                serde_json::json!({"name": "cart", "instances": [7, 8]}),
                serde_json::json!({"name": "search", "instances": []}),
            ],
            ..Sample::default()
        };
        let instances = sample.instances();
        assert_eq!(
            instances,
            BTreeMap::from([("cart".to_owned(), 2), ("search".to_owned(), 0)])
        );
    }

    #[test]
    fn what_started_in_between_counts_from_nothing() {
        let cpu = |processes: &[(u32, f64)]| Sample {
            cpu: BTreeMap::from([("cart".to_owned(), processes.iter().copied().collect())]),
            ..Sample::default()
        };
        let spent = cpu(&[(2, 5.0), (3, 0.5)]).since(&cpu(&[(1, 9.0), (2, 4.0)]));
        assert_eq!(spent, BTreeMap::from([("cart".to_owned(), 1.5)]));
    }
}
