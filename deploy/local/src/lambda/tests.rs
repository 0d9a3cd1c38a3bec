//! The host end to end: a real function process on the real runtime client, behind the emulated API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

mod buckets;
mod queues;

const TEMPLATE: &str = r"
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: target/lambda/misbehaving_function/
      Timeout: 2
      MemorySize: 1024
      Environment: {Variables: {GREETING: hello}}
      Events:
        All: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/{proxy+}', Method: ANY}}
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: queue.fifo
      FifoQueue: true
      VisibilityTimeout: 2
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: dead.fifo, FifoQueue: true}
";

/// A host in a folder of its own.
struct Fixture {
    host: Host,
    url: String,
    client: reqwest::Client,
    folder: tempfile::TempDir,
}

/// Options of a fixture.
struct Options {
    template: String,
    only: Option<BTreeSet<String>>,
    account_concurrency: usize,
    instances: usize,
    idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            template: TEMPLATE.to_owned(),
            only: None,
            account_concurrency: 1000,
            instances: 4,
            idle: Duration::from_mins(1),
        }
    }
}

async fn start(options: Options) -> Fixture {
    start_in(options, tempfile::tempdir().unwrap()).await
}

async fn start_in(options: Options, folder: tempfile::TempDir) -> Fixture {
    crate::crypto::install();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Cargo puts tests into `deps` and examples beside it.
    let own = std::env::current_exe().unwrap();
    let binaries = own.parent().unwrap().parent().unwrap().join("examples");
    let options = HostOptions {
        template: options.template,
        parameters: BTreeMap::new(),
        binaries,
        queues: folder.path().join("queues"),
        buckets: folder.path().join("buckets"),
        environment: BTreeMap::new(),
        only: options.only,
        account_concurrency: options.account_concurrency,
        instances_per_function: options.instances,
        concurrent_starts: 2,
        idle: options.idle,
        visibility_timeout: None,
        reaper: None,
        logs: Logs::open(folder.path().join("logs")).unwrap(),
    };
    let host = Host::start(options, listener).await.unwrap();
    Fixture {
        host,
        url,
        client: reqwest::Client::new(),
        folder,
    }
}

impl Fixture {
    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    fn pool(&self) -> &Arc<Pool> {
        &self.host.pools["Function"]
    }

    fn log(&self) -> String {
        let path = self
            .folder
            .path()
            .join("logs/serverless-misbehaving_function.log");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn internal_error() -> (u16, Value) {
    (500, json!({"message": "Internal Server Error"}))
}

#[tokio::test]
async fn a_request_reaches_an_unmodified_function_and_comes_back() {
    let fixture = start(Options::default()).await;
    let (status, body) = fixture.get("/hello?a=1").await;
    assert_eq!(status, 200);
    assert_eq!(body["greeting"], "hello");
    assert_eq!(body["function"], "Function");
    assert_eq!(body["region"], template::REGION);
    assert_eq!(body["event"]["routeKey"], "ANY /{proxy+}");
    assert_eq!(body["event"]["rawQueryString"], "a=1");
    let (_, again) = fixture.get("/hello").await;
    assert_eq!(again["pid"], body["pid"], "the instance is used again");
    assert_ne!(again["request_id"], body["request_id"]);
    assert_eq!(
        fixture.get("/").await,
        (404, json!({"message": "Not Found"}))
    );

    let totals = fixture.pool().totals();
    assert_eq!(
        (totals.invocations, totals.cold_starts, totals.errors),
        (2, 1, 0)
    );
    assert!(totals.gb_seconds > 0.0 && totals.init_ms_mean > 0.0);
    let reports: Vec<String> = fixture
        .log()
        .lines()
        .filter(|line| line.starts_with("REPORT"))
        .map(str::to_owned)
        .collect();
    assert_eq!(reports.len(), 2);
    assert!(reports[0].contains("Init Duration") && reports[0].contains("Memory Size: 1024 MB"));
    assert!(!reports[1].contains("Init Duration"));
    fixture.host.stop().await;
    assert!(fixture.pool().pids().is_empty());
}

#[tokio::test]
async fn an_invocation_brings_its_deadline_its_trace_and_the_functions_name() {
    let fixture = start(Options::default()).await;
    let timeout = 2_000;
    let earliest = ids::now_ms() + timeout;
    let (_, body) = fixture.get("/hello").await;
    let latest = ids::now_ms() + timeout;
    let deadline = body["deadline"].as_u64().expect("a deadline");
    assert!((earliest..=latest).contains(&deadline), "{body}");
    assert_eq!(
        body["trace_id"],
        body["event"]["headers"]["x-amzn-trace-id"]
    );
    assert!(body["trace_id"].as_str().unwrap().starts_with("Root=1-"));
    assert_eq!(body["arn"], template::function_arn("Function"));

    let traced = fixture.client.get(format!("{}/hello", fixture.url));
    let theirs = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let answer = traced.header("x-amzn-trace-id", theirs).send().await;
    let body: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(body["trace_id"], theirs, "a caller's trace goes on");
}

#[tokio::test]
async fn a_crash_fails_its_caller_and_the_next_gets_a_new_instance() {
    let fixture = start(Options::default()).await;
    let (_, first) = fixture.get("/hello").await;
    assert_eq!(fixture.get("/exit").await, internal_error());
    let (status, second) = fixture.get("/hello").await;
    assert_eq!(status, 200);
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(fixture.get("/fail").await, internal_error());
    let (_, third) = fixture.get("/hello").await;
    assert_eq!(
        second["pid"], third["pid"],
        "an error the function reports keeps the instance"
    );
    assert_eq!(fixture.pool().totals().errors, 2);
}

#[tokio::test]
async fn killing_the_instances_ends_requests_in_flight() {
    let fixture = start(Options::default()).await;
    let request = fixture.get("/sleep/1900");
    let kill = async {
        eventually("an instance works", || {
            fixture.pool().totals().cold_starts == 1
        })
        .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.host.kill_instances("misbehaving_function").await
    };
    let (answer, killed) = tokio::join!(request, kill);
    assert_eq!((answer, killed), (internal_error(), Some(1)));
    assert_eq!(fixture.get("/hello").await.0, 200);
    // Idle ones are not noticed by the next caller.
    let idle = fixture.pool().pids();
    fixture.host.kill_instances("misbehaving_function").await;
    assert_eq!(fixture.get("/hello").await.0, 200);
    assert!(fixture.pool().pids().iter().all(|pid| !idle.contains(pid)));
    assert_eq!(fixture.host.kill_instances("nobody").await, None);
}

#[tokio::test]
async fn the_function_timeout_is_enforced() {
    let fixture = start(Options::default()).await;
    let began = Instant::now();
    assert_eq!(fixture.get("/sleep/60000").await, internal_error());
    assert!((2..10).contains(&began.elapsed().as_secs()));
    assert!(fixture.log().contains("Task timed out after 2.00 seconds"));
    eventually("the instance is gone", || fixture.pool().pids().is_empty()).await;
    assert_eq!(fixture.get("/hello").await.0, 200);
}

#[tokio::test]
async fn a_slow_integration_is_given_up_with_503() {
    let template = TEMPLATE.replace("Method: ANY}", "Method: ANY, TimeoutInMillis: 300}");
    let fixture = start(Options {
        template,
        ..Options::default()
    })
    .await;
    assert_eq!(
        fixture.get("/sleep/1500").await,
        (503, json!({"message": "Service Unavailable"}))
    );
}

#[tokio::test]
async fn a_function_that_cannot_start_fails_its_callers() {
    let template = TEMPLATE.replace("GREETING: hello", "EXIT_AT_START: 1");
    let fixture = start(Options {
        template,
        ..Options::default()
    })
    .await;
    assert_eq!(fixture.get("/hello").await, internal_error());
    assert!(fixture.log().contains("could not start an instance"));
}

#[tokio::test]
async fn instances_take_one_request_each_and_waiting_ones_the_first_free() {
    let fixture = start(Options {
        instances: 2,
        ..Options::default()
    })
    .await;
    let answers = futures::future::join_all((0..6).map(|_| fixture.get("/sleep/100"))).await;
    let pids: std::collections::BTreeSet<u64> = answers
        .iter()
        .map(|(_, body)| body["pid"].as_u64().unwrap())
        .collect();
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert!(pids.len() <= 2, "{pids:?}");
    assert_eq!(fixture.pool().totals().invocations, 6);
}

#[tokio::test]
async fn beyond_the_concurrency_requests_are_throttled() {
    let fixture = start(Options {
        account_concurrency: 2,
        ..Options::default()
    })
    .await;
    let answers = futures::future::join_all((0..5).map(|_| fixture.get("/sleep/500"))).await;
    let throttled: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == 429)
        .collect();
    assert_eq!(throttled.len(), 3, "{answers:?}");
    assert_eq!(throttled[0].1, json!({"message": "Too Many Requests"}));
    assert_eq!(fixture.pool().totals().throttles, 3);
    assert_eq!(
        fixture.get("/hello").await.0,
        200,
        "the slots were given back"
    );
}

#[tokio::test]
async fn the_stage_is_throttled_as_the_template_says() {
    let template = TEMPLATE.replace(
        "Type: AWS::Serverless::HttpApi",
        "Type: AWS::Serverless::HttpApi\n    Properties: {DefaultRouteSettings: {ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2}}",
    );
    let fixture = start(Options {
        template,
        ..Options::default()
    })
    .await;
    let answers = futures::future::join_all((0..4).map(|_| fixture.get("/hello"))).await;
    assert_eq!(
        answers.iter().filter(|(status, _)| *status == 429).count(),
        2
    );
}

#[tokio::test]
async fn payloads_past_their_limits_are_refused_both_ways() {
    let fixture = start(Options::default()).await;
    let post = |bytes: usize| {
        let request = fixture
            .client
            .post(format!("{}/hello", fixture.url))
            .body(vec![b'x'; bytes]);
        async { request.send().await.unwrap().status().as_u16() }
    };
    // As base64 4 MB are 5.6 and fit, 5 MB don't; the body limit comes before either.
    assert_eq!(post(4 << 20).await, 200);
    assert_eq!(post(5 << 20).await, 413);
    assert_eq!(post(11 << 20).await, 413);
    assert_eq!(fixture.get("/large/7").await, internal_error());
    assert_eq!(fixture.get("/hello").await.0, 200);
}

#[tokio::test]
async fn idle_instances_are_reaped() {
    let fixture = start(Options {
        idle: Duration::from_millis(200),
        ..Options::default()
    })
    .await;
    assert_eq!(fixture.get("/hello").await.0, 200);
    assert_eq!(fixture.pool().pids().len(), 1);
    eventually("the instance is reaped", || {
        fixture.pool().pids().is_empty()
    })
    .await;
    assert_eq!(fixture.get("/hello").await.0, 200);
}

#[tokio::test]
async fn a_function_that_is_left_out_has_no_routes_and_no_events() {
    let fixture = start(Options {
        only: Some(BTreeSet::from(["another".to_owned()])),
        ..Options::default()
    })
    .await;
    let nobody = (404, json!({"message": "Not Found"}));
    assert_eq!(fixture.get("/hello").await, nobody);
    assert!(fixture.host.pools.is_empty());
}
