//! Whatever goes wrong is counted as what it is, and a run ends whatever goes wrong.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
};
use bothways_load::{
    run,
    stand::{self, Server},
};
use serde_json::json;

use super::{failed, journeys, offer, views};

/// What a stand does wrong with a product, by its path.
fn trouble(path: &str) -> Option<&'static str> {
    match path {
        "/api/products/apple" => Some("status 503 unavailable"),
        "/api/products/pear" => Some("wrong: another product"),
        "/api/products/plum" => Some("not JSON"),
        "/api/products/bread" => Some("connection cut"),
        "/api/products/honey" => Some("timed out"),
        _ => None,
    }
}

async fn wrong(trouble: &str) -> Response {
    match trouble {
        "status 503 unavailable" => {
            let kind = [(header::CONTENT_TYPE, "application/problem+json")];
            (
                StatusCode::SERVICE_UNAVAILABLE,
                kind,
                json!({ "type": "/problems/unavailable" }).to_string(),
            )
                .into_response()
        }
        "wrong: another product" => {
            Json(json!({ "id": "apple", "name": "Crisp Apple" })).into_response()
        }
        "not JSON" => "<html>".into_response(),
        "connection cut" => {
            // Promises more than comes.
            let length = [
                (header::CONTENT_LENGTH, "1000"),
                (header::CONTENT_TYPE, "application/json"),
            ];
            (length, Body::from_stream(Torn)).into_response()
        }
        _ => std::future::pending().await,
    }
}

/// A body that breaks at once.
struct Torn;

impl futures::Stream for Torn {
    type Item = Result<String, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_is_counted_under_its_kind() {
    let done = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let tally = Arc::clone(&done);
    let routes = stand::routes().layer(middleware::from_fn(
        move |request: Request, next: middleware::Next| {
            let trouble = trouble(request.uri().path());
            if let Some(trouble) = trouble {
                *tally.lock().unwrap().entry(trouble.to_owned()).or_default() += 1;
            }
            async move {
                match trouble {
                    Some(trouble) => wrong(trouble).await,
                    None => next.run(request).await,
                }
            }
        },
    ));
    let server = Server::start(routes).unwrap();
    let mut plan = views(30.0, 2);
    plan.patience = Duration::from_secs(5);
    let figures = offer(&plan, server.url()).await;
    let done = done.lock().unwrap().clone();
    assert_eq!(
        done.len(),
        5,
        "the stand did everything wrong that it can: {done:?}"
    );
    assert_eq!(figures.all.failures, done);
    assert_eq!(figures.all.right + done.values().sum::<u64>(), 60);
    assert_eq!(
        (figures.completed(), figures.failed(), figures.unfinished()),
        (figures.all.right, 60 - figures.all.right, 0)
    );
    // Who waited in vain is among the latencies, who was sent away at once is not.
    assert_eq!(
        figures.all.micros.count(),
        figures.all.right + done["timed out"]
    );
    assert!(figures.all.micros.max() >= plan.patience);
    assert_eq!(figures.samples.len(), 5, "{:?}", figures.samples);
}

/// A stand that never answers about products, and how many wait for it.
fn silent() -> (Server, Arc<AtomicU64>) {
    struct Waiting(Arc<AtomicU64>);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let waiting = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&waiting);
    let routes = stand::routes().layer(middleware::from_fn(
        move |request: Request, next: middleware::Next| {
            let count = Arc::clone(&count);
            async move {
                if request.uri().path().starts_with("/api/products/") {
                    count.fetch_add(1, Ordering::Relaxed);
                    let _waiting = Waiting(count);
                    std::future::pending::<()>().await;
                }
                next.run(request).await
            }
        },
    ));
    (Server::start(routes).unwrap(), waiting)
}

async fn nobody_waits(waiting: &AtomicU64) {
    for _ in 0..600 {
        if waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "{} requests were left behind",
        waiting.load(Ordering::Relaxed)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_against_silence_ends_and_leaves_nothing_running() {
    let (server, waiting) = silent();
    let mut plan = views(20.0, 1);
    plan.patience = Duration::from_hours(1);
    plan.grace = Duration::from_secs(1);
    let figures = offer(&plan, server.url()).await;
    assert_eq!(
        (figures.offered, figures.started, figures.unfinished()),
        (20, 20, 20)
    );
    assert_eq!((figures.all.right, failed(&figures, "unfinished")), (0, 20));
    // They waited for the grace at least, and that is said.
    assert!(
        figures.all.micros.quantile(0.0) >= plan.grace,
        "{figures:?}"
    );
    nobody_waits(&waiting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrivals_without_a_place_are_counted_and_not_forgotten() {
    let (server, waiting) = silent();
    let mut plan = views(20.0, 1);
    plan.patience = Duration::from_hours(1);
    (plan.grace, plan.places) = (Duration::from_secs(1), 3);
    let figures = offer(&plan, server.url()).await;
    assert_eq!(
        (figures.offered, figures.started, figures.unfinished()),
        (20, 3, 3)
    );
    assert_eq!(figures.held_back, 1, "the fourth waited until the end");
    nobody_waits(&waiting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_had_to_wait_for_a_place_has_waited() {
    let server = Server::start(stand::routes().layer(middleware::from_fn(slow))).unwrap();
    let mut plan = views(20.0, 1);
    plan.places = 1;
    let figures = offer(&plan, server.url()).await;
    assert_eq!((figures.started, figures.completed()), (20, 20));
    assert!(figures.held_back > 0);
    // One after the other, each for 200 ms: the last one, due at 950 ms, is answered after 4 s at the earliest.
    assert!(
        figures.all.micros.max() >= Duration::from_secs(3),
        "{figures:?}"
    );
}

async fn slow(request: Request, next: middleware::Next) -> Response {
    if request.uri().path().starts_with("/api/products/") {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    next.run(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_interrupted_ends_and_says_so() {
    let (server, waiting) = silent();
    let plan = views(20.0, 3600);
    let seen = Arc::clone(&waiting);
    let interrupt = async move {
        while seen.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let run = run(&plan, server.url(), interrupt, |_| {});
    let figures = tokio::time::timeout(Duration::from_mins(2), run)
        .await
        .unwrap()
        .unwrap();
    assert!(figures.interrupted);
    assert!(
        figures.started >= 3 && figures.unfinished() == figures.started,
        "{figures:?}"
    );
    nobody_waits(&waiting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_goes_away_is_no_reason_not_to_count() {
    let mut server = Some(Server::start(stand::routes()).unwrap());
    let plan = journeys("look:1=search,view", 20.0, 6);
    let url = server.as_ref().unwrap().url().to_owned();
    let leaves = |now: &bothways_load::Progress| {
        if now.right >= 4 {
            server.take();
        }
    };
    let run = run(&plan, &url, std::future::pending(), leaves);
    let figures = tokio::time::timeout(Duration::from_mins(3), run)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((figures.offered, figures.started), (120, 120));
    assert_eq!(figures.completed() + figures.failed(), 120);
    assert!(
        figures.all.right >= 4 && failed(&figures, "no connection") > 0,
        "{figures:?}"
    );
    let kinds: Vec<&str> = figures.all.failures.keys().map(String::as_str).collect();
    assert!(
        kinds
            .iter()
            .all(|kind| ["no connection", "connection cut"].contains(kind)),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_shop_that_is_not_there_is_an_error_and_not_a_figure() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = run(&views(1.0, 1), &url, std::future::pending(), |_| {})
        .await
        .unwrap_err();
    assert!(error.contains(&url), "{error}");
}
