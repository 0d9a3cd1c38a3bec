//! The process itself: what it answered survives `kill -9`, and it stops when told to.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::Value;

use crate::app::{KEY, Reply, client};

struct Process {
    child: Child,
    url: String,
    client: Client,
}

impl Process {
    /// Starts the binary and waits until it says where it listens.
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_payment-sandbox-service"))
            .env("LISTEN", "127.0.0.1:0")
            .env(
                "DATABASE_URL",
                format!("sqlite://{}/{{context}}.db", folder.display()),
            )
            .env("PAYMENT_KEY", KEY)
            .env("EXIT_WITH_STDIN", "1")
            .env("LOG", "info")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut log = BufReader::new(child.stderr.take().expect("a log")).lines();
        let address = log
            .find_map(|line| Some(line.expect("a line").split_once("address=")?.1.to_owned()))
            .expect("it says where it listens");
        // Whoever logs into a closed pipe would fail.
        std::thread::spawn(move || log.for_each(drop));
        let url = format!("http://{}", address.trim());
        Self {
            child,
            url,
            client: client(),
        }
    }

    async fn post(&self, path: &str, key: &str, params: &[(&str, &str)]) -> Reply {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY);
        Reply::of(request.header("idempotency-key", key).form(params)).await
    }

    async fn get(&self, path: &str) -> Value {
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .bearer_auth(KEY);
        Reply::of(request).await.json()
    }

    /// SIGKILL, and gone.
    fn kill(mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CREATE: [(&str, &str); 4] = [
    ("amount", "1299"),
    ("currency", "usd"),
    ("capture_method", "manual"),
    ("payment_method", "pm_card_visa"),
];

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path());
    let created = process.post("/v1/payment_intents", "create", &CREATE).await;
    let path = format!("/v1/payment_intents/{}", created.str("id"));
    let confirmed = process
        .post(&format!("{path}/confirm"), "confirm", &[])
        .await;
    assert_eq!(confirmed.str("status"), "requires_capture");
    process.kill();

    let process = Process::start(folder.path());
    assert_eq!(process.get(&path).await, confirmed.json());
    let replayed = process.post("/v1/payment_intents", "create", &CREATE).await;
    assert_eq!(replayed.text, created.text);
    assert!(replayed.replayed());
    let captured = process
        .post(&format!("{path}/capture"), "capture", &[])
        .await;
    assert_eq!(captured.str("status"), "succeeded");
    process.kill();

    let process = Process::start(folder.path());
    assert_eq!(process.get(&path).await["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_work_leaves_whole_steps_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path());
    let (client, url) = (process.client.clone(), process.url.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for buyer in 0..20 {
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move {
            let mut answered = Vec::new();
            for n in 0.. {
                let mut params = CREATE.to_vec();
                params.push(("confirm", "true"));
                let request = client
                    .post(format!("{url}/v1/payment_intents"))
                    .bearer_auth(KEY);
                let request = request
                    .header("idempotency-key", format!("{buyer}-{n}"))
                    .form(&params);
                match request.send().await {
                    Ok(response) => answered.push(response.json::<Value>().await),
                    Err(_) => break,
                }
            }
            answered.into_iter().flatten().collect::<Vec<_>>()
        });
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while process.get("/v1/charges?limit=50").await["has_more"] == false {
        assert!(Instant::now() < deadline, "no progress");
    }
    process.kill();
    let answered = tasks.join_all().await.concat();

    let process = Process::start(folder.path());
    assert!(answered.len() > 50);
    for intent in answered {
        let id = intent["id"].as_str().expect("an id");
        let charges = process
            .get(&format!("/v1/charges?payment_intent={id}"))
            .await;
        assert_eq!(charges["data"].as_array().map(Vec::len), Some(1), "{id}");
        assert_eq!(
            process.get(&format!("/v1/payment_intents/{id}")).await,
            intent
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_standard_input_ends_even_while_an_answer_is_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path());
    let mut params = CREATE.to_vec();
    params[3].1 = "pm_sandbox_timeout";
    params.push(("confirm", "true"));
    let held = process
        .client
        .post(format!("{}/v1/payment_intents", process.url))
        .bearer_auth(KEY)
        .form(&params);
    let held = tokio::spawn(held.send());
    let deadline = Instant::now() + Duration::from_secs(30);
    while process.get("/v1/payment_intents").await["data"][0]["status"] != "requires_capture" {
        assert!(Instant::now() < deadline, "not authorised");
    }
    drop(process.child.stdin.take());
    let status = loop {
        if let Some(status) = process.child.try_wait().expect("waits") {
            break status;
        }
        assert!(Instant::now() < deadline, "it goes on");
        tokio::task::yield_now().await;
    };
    assert!(status.success());
    assert!(held.await.expect("ends").is_err());
}
