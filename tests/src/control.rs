//! The launcher's control API: what runs, and stopping, killing and starting parts of it.

use reqwest::Method;
use serde_json::Value;

use crate::{
    ask::{Ask, Reply, entries},
    poll::{SOON, eventually},
};

/// A process the launcher keeps.
#[derive(Debug, Clone)]
pub struct Process {
    /// The architecture it belongs to.
    pub architecture: String,
    /// Its name, e.g. `search`.
    pub name: String,
    /// Its process id, while it runs.
    pub pid: Option<i32>,
    /// Where it listens.
    pub port: u16,
    /// Where it tells how those are that it calls.
    pub admin_port: u16,
    /// `running`, `stopped`, `starting` or `crashed`.
    pub state: String,
}

/// The control API of one launcher.
#[derive(Debug, Clone)]
pub struct Control {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Control {
    /// The control API at `url`, which wants `token`.
    pub fn new(url: &str, token: &str) -> Self {
        Self {
            client: crate::shop::client(),
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    async fn ask(&self, method: &Method, path: &str) -> Reply {
        let url = format!("{}{path}", self.url);
        let reply = Ask::new(&self.client, method, &url, path)
            .bearer(&self.token)
            .send()
            .await;
        assert!((200..300).contains(&reply.status), "{}", reply.summary());
        reply
    }

    async fn status(&self) -> Value {
        self.ask(&Method::GET, "/status").await.value()
    }

    /// The long-lived processes of one architecture.
    pub async fn processes(&self, architecture: &str) -> Vec<Process> {
        let status = self.status().await;
        let mut found: Vec<Process> = entries(&status["processes"]).iter().map(process).collect();
        found.retain(|process| process.architecture == architecture);
        found
    }

    /// One process of an architecture, by the name of its service.
    pub async fn process(&self, architecture: &str, name: &str) -> Process {
        let all = self.processes(architecture).await;
        let found = all.iter().find(|process| process.name == name);
        found
            .cloned()
            .unwrap_or_else(|| panic!("{architecture} has no process {name}: {all:?}"))
    }

    /// How a service finds those to be that it calls, each with its replicas.
    pub async fn upstreams(&self, architecture: &str, name: &str) -> Vec<Value> {
        let said = self.try_upstreams(architecture, name).await;
        said.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The same of a service that may not answer: then it is an `Err` in words.
    pub async fn try_upstreams(
        &self,
        architecture: &str,
        name: &str,
    ) -> Result<Vec<Value>, String> {
        let port = self.process(architecture, name).await.admin_port;
        upstreams(&self.client, &format!("127.0.0.1:{port}")).await
    }

    /// The pids of everything the launcher started: services and function instances.
    pub async fn pids(&self) -> Vec<i32> {
        let status = self.status().await;
        let services = entries(&status["processes"])
            .iter()
            .map(|process| &process["pid"]);
        let instances = entries(&status["functions"]).iter();
        let instances = instances.flat_map(|function| entries(&function["instances"]).iter());
        services.chain(instances).filter_map(pid).collect()
    }

    /// The pids of one function's instances.
    pub async fn instances(&self, function: &str) -> Vec<i32> {
        let status = self.status().await;
        let found = entries(&status["functions"])
            .iter()
            .find(|entry| entry["name"] == function);
        let found = found.unwrap_or_else(|| panic!("no function {function}: {status}"));
        entries(&found["instances"])
            .iter()
            .filter_map(pid)
            .collect()
    }

    /// `stop`, `kill`, `crash` or `start` for one process.
    pub async fn order(&self, architecture: &str, name: &str, what: &str) {
        self.ask(
            &Method::POST,
            &format!("/processes/{architecture}/{name}/{what}"),
        )
        .await;
    }

    /// What a function makes of an event; an `Err` in words if it fails, or can't be invoked now.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, String> {
        let path = format!("/functions/{function}/invocations");
        let url = format!("{}{path}", self.url);
        let ask = Ask::new(&self.client, &Method::POST, &url, &path).bearer(&self.token);
        let reply = ask.json(event).try_send().await?;
        if reply.status == 200 {
            Ok(reply.value())
        } else {
            Err(reply.summary())
        }
    }

    /// Kills every instance of a function, in the middle of a request too.
    pub async fn kill_instances(&self, function: &str) {
        self.ask(
            &Method::POST,
            &format!("/functions/{function}/kill-instances"),
        )
        .await;
    }

    /// Starts whatever an earlier case left down, and waits until all of it runs.
    pub async fn mend(&self, architecture: &str) {
        for process in self.processes(architecture).await {
            if process.state == "stopped" {
                self.order(architecture, &process.name, "start").await;
            }
        }
        eventually(SOON, "every process runs", async || {
            let down = self.processes(architecture).await;
            let down: Vec<_> = down
                .into_iter()
                .filter(|process| process.state != "running")
                .collect();
            if down.is_empty() {
                Ok(())
            } else {
                Err(format!("{down:?}"))
            }
        })
        .await;
    }
}

/// How the service with this internal port finds those to be that it calls; `Err` if it does not answer.
pub(crate) async fn upstreams(client: &reqwest::Client, at: &str) -> Result<Vec<Value>, String> {
    let path = "/internal/upstreams";
    let ask = Ask::new(client, &Method::GET, &format!("http://{at}{path}"), path);
    Ok(entries(&ask.try_send().await?.value()).to_vec())
}

fn process(value: &Value) -> Process {
    let text = |member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let port = |member: &str| {
        let port = value[member].as_u64().map(u16::try_from);
        port.and_then(Result::ok).unwrap_or_default()
    };
    Process {
        architecture: text("architecture"),
        name: text("name"),
        pid: pid(&value["pid"]),
        port: port("port"),
        admin_port: port("admin_port"),
        state: text("state"),
    }
}

fn pid(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|pid| i32::try_from(pid).ok())
}
