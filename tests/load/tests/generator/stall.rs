//! A server that stops for two seconds: an open model reports it, a closed one hides it.

use std::{
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
