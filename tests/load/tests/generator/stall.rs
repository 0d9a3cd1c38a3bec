//! A server that stops for two seconds: an open model reports it, a closed one hides it.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{extract::Request, middleware};
use bothways_load::stand::{self, Server};

const STALL: Duration = Duration::from_secs(2);
const REQUESTS: usize = 300;

/// A stand that stops at its hundredth request, whole: its only thread sleeps.
fn stalling() -> Server {
    let seen = Arc::new(AtomicU64::new(0));
    let routes = stand::routes().layer(middleware::from_fn(
        move |request: Request, next: middleware::Next| {
            let number = seen.fetch_add(1, Ordering::Relaxed);
            async move {
                if number == 100 {
                    thread::sleep(STALL);
                }
                next.run(request).await
            }
        },
    ));
    Server::start(routes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_of_two_seconds_is_in_the_p99() {
    let server = stalling();
    let figures = super::offer(&super::views(50.0, 6), server.url()).await;
    assert_eq!(
        (figures.offered, figures.all.right),
        (300, 300),
        "{figures:?}"
    );
    // Of 300, three lie above p99. Fifty a second arrive in the stall: the fourth of those waits 60 ms less than the first.
    let p99 = figures.all.micros.quantile(0.99);
    assert!(p99 >= Duration::from_millis(1900), "{p99:?}");
    assert!(figures.all.micros.max() >= STALL);
    // Those who arrived a second into it still waited for the second: a third of all were in the stall, half of those so long.
    assert!(
        figures.all.micros.quantile(0.85) >= STALL / 2,
        "{figures:?}"
    );
    let worst = figures
        .seconds
        .iter()
        .map(|second| second.requests.micros.max())
        .max();
    assert!(worst >= Some(STALL), "the course of the run shows it, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_loop_over_the_same_server_hides_it() {
    let server = stalling();
    let client = reqwest::Client::new();
    let mut took = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        let response = client
            .get(format!("{}/api/products/apple", server.url()))
            .send()
            .await
            .unwrap();
        response.error_for_status().unwrap().bytes().await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    assert!(took[REQUESTS - 1] >= STALL, "the server did stop");
    assert!(
        took[REQUESTS * 99 / 100 - 1] < STALL / 2,
        "one request in 300 is no p99: {took:?}"
    );
}

/// What k6 is told: the same requests at the same moments, whoever is still waiting.
const K6_SCRIPT: &str = "
import http from 'k6/http';
export const options = {
  scenarios: {
    views: {
      executor: 'constant-arrival-rate', rate: 50, timeUnit: '1s', duration: '6s',
      preAllocatedVUs: 300, maxVUs: 300, gracefulStop: '10s',
    },
  },
};
export default function () { http.get(`${__ENV.SHOP}/api/products/apple`); }
";

/// The p99 of k6 against a server of its own that stalls.
fn by_k6(k6: &str) -> Duration {
    let server = stalling();
    let folder = tempfile::tempdir().unwrap();
    let (script, summary) = (
        folder.path().join("views.js"),
        folder.path().join("k6.json"),
    );
    std::fs::write(&script, K6_SCRIPT).unwrap();
    let done = Command::new(k6)
        .args(["run", "--quiet", "--no-usage-report"])
        .args(["--summary-trend-stats", "p(99)", "--summary-export"])
        .arg(&summary)
        .arg(&script)
        .env("SHOP", server.url())
        .stdout(Stdio::null())
        .status();
    assert!(done.unwrap().success());
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(summary).unwrap()).unwrap();
    let millis = &summary["metrics"]["http_req_duration"]["p(99)"];
    Duration::from_secs_f64(millis.as_f64().unwrap() / 1e3)
}

/// k6's constant arrival rate is the measure of open models. Its program is the Python package of its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k6_sees_the_same_stall() {
    let k6 = std::env::var("K6").unwrap_or_else(|_| "k6".to_owned());
    if Command::new(&k6).arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI has k6");
        eprintln!("skipped: no k6");
        return;
    }
    let theirs = tokio::task::spawn_blocking(move || by_k6(&k6))
        .await
        .unwrap();
    let server = stalling();
    let figures = super::offer(&super::views(50.0, 6), server.url()).await;
    let ours = figures.all.micros.quantile(0.99);
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    assert!(
        (0.9..=1.1).contains(&ratio),
        "p99 {ours:?}, of k6 {theirs:?}"
    );
}
