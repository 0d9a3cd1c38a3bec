//! The containers of a Compose project: what becomes of them is done with the Docker client.

use std::{env, process::Command};

use serde_json::Value;

use crate::{
    control::upstreams,
    poll::{SOON, eventually},
    shop::client,
};

/// Where a container tells how those are that it calls.
const ADMIN_PORT: u16 = 9090;

/// The containers of the project that `SHOP_CONTAINERS` names.
#[derive(Debug, Clone)]
pub struct Containers {
    project: String,
    client: reqwest::Client,
}

impl Containers {
    /// The project, if one is given.
    pub fn given() -> Option<Self> {
        let project = env::var("SHOP_CONTAINERS").ok()?;
        Some(Self {
            project,
            client: client(),
        })
    }

    /// The ids of a service's containers, running or not.
    pub async fn of(&self, service: &str) -> Vec<String> {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let service = format!("label=com.docker.compose.service={service}");
        let listed = [
            "ps", "--all", "--quiet", "--filter", &project, "--filter", &service,
        ];
        let listed = run("docker", &listed).await;
        listed.lines().map(str::to_owned).collect()
    }

    /// `kill`, `pause`, `unpause`, `stop`, `start` or `restart` for one container.
    pub async fn docker(&self, what: &str, container: &str) {
        run("docker", &[what, container]).await;
    }

    /// The same for every container of a service.
    pub async fn each(&self, what: &str, service: &str) {
        for container in self.of(service).await {
            self.docker(what, &container).await;
        }
    }

    /// Has so many containers of each of these services run, and waits until all are healthy. Compose finds its files by the
    /// environment, as it did when they were started.
    pub async fn scale(&self, services: &[&str], replicas: usize) {
        let scales = services
            .iter()
            .map(|service| format!("--scale={service}={replicas}"));
        let scales: Vec<String> = scales.collect();
        let up = [
            "compose",
            "--project-name",
            &self.project,
            "up",
            "--detach",
            "--wait",
        ];
        let mut arguments = up.to_vec();
        arguments.extend(["--no-build", "--no-recreate", "--no-deps", "--quiet-pull"]);
        arguments.extend(scales.iter().map(String::as_str));
        arguments.extend(services);
        run("docker", &arguments).await;
    }

    /// Waits until a container is healthy.
    pub async fn is_healthy(&self, container: &str) {
        eventually(SOON * 2, "the container is healthy", async || {
            let format = "{{.State.Health.Status}}";
            let said = run("docker", &["inspect", "--format", format, container]).await;
            if said.trim() == "healthy" {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
    }

    /// Drops whatever one service sends another, which is what a network does that is cut.
    pub async fn cut(&self, from: &str, to: &str) {
        let mut addresses = Vec::new();
        for container in self.of(to).await {
            addresses.extend(addresses_of(&container).await);
        }
        assert!(!addresses.is_empty(), "{to} has no address");
        for container in self.of(from).await {
            for address in &addresses {
                tables(&container, &["-A", "OUTPUT", "-d", address, "-j", "DROP"]).await;
            }
        }
    }

    /// Takes back what was cut.
    pub async fn mend(&self, from: &str) {
        for container in self.of(from).await {
            tables(&container, &["-F", "OUTPUT"]).await;
        }
    }

    /// How the first container of a service finds those to be that it calls.
    pub async fn upstreams(&self, service: &str) -> Vec<Value> {
        let Some(container) = self.of(service).await.into_iter().next() else {
            return Vec::new();
        };
        let Some(address) = addresses_of(&container).await.pop() else {
            return Vec::new();
        };
        let asked = upstreams(&self.client, &format!("{address}:{ADMIN_PORT}")).await;
        asked.unwrap_or_default()
    }
}

/// Its address in each of its networks; none while it does not run.
async fn addresses_of(container: &str) -> Vec<String> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let said = run("docker", &["inspect", "--format", format, container]).await;
    said.split_whitespace().map(str::to_owned).collect()
}

/// iptables in the network that a container sees.
async fn tables(container: &str, arguments: &[&str]) {
    let pid = run(
        "docker",
        &["inspect", "--format", "{{.State.Pid}}", container],
    )
    .await;
    let enter = ["--target", pid.trim(), "--net", "iptables"];
    run("nsenter", &[&enter, arguments].concat()).await;
}

/// Runs a command, which must succeed, while other tasks go on; what it printed.
async fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    command.args(arguments).current_dir(root);
    let ran = tokio::task::spawn_blocking(move || (command.output(), format!("{command:?}")));
    let (output, command) = ran.await.expect("no panic inside");
    let output = output.unwrap_or_else(|error| panic!("{command}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
