//! What every answer has, whoever gives it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, StatusCode},
    response::Html,
    routing::{get, post},
};
use bothways_domain::Error;
use bothways_http::{Problem, request};

use crate::{
    ask::{self, Reply, send, shop, with_edge},
    fake::Fake,
};

async fn takes_anything(body: axum::body::Bytes) -> String {
    body.len().to_string()
}

async fn panics() -> StatusCode {
    panic!("secret: /root/key")
}

async fn fails() -> Problem {
    Error::internal("secret: /root/key").into()
}

fn router() -> Router {
    let routes = Router::new()
        .route("/panics", get(panics))
        .route("/fails", get(fails))
        .route("/id", get(|| async { request::current_id() }))
        .route("/anything", post(takes_anything))
        .route("/api/things/import", post(takes_anything))
        .route(
            "/page",
            get(|| async { (StatusCode::NOT_FOUND, Html("none")) }),
        );
    with_edge(routes)
}

#[track_caller]
fn assert_dressed(reply: &Reply) {
    let policy = reply.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    for name in [
        "referrer-policy",
        "permissions-policy",
        "cross-origin-opener-policy",
        "x-request-id",
    ] {
        assert!(!reply.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn every_answer_is_dressed() {
    let router = router();
    for path in ["/id", "/panics", "/fails", "/nowhere", "/anything", "/page"] {
        assert_dressed(&ask::get(&router, path).await);
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_and_reaches_handlers_and_problems() {
    let headers = [("x-request-id", "r-1.a_B")];
    let reply = send(&router(), (Method::GET, "/id"), &headers, Body::empty()).await;
    assert_eq!(reply.body, "r-1.a_B");
    assert_eq!(reply.header("x-request-id"), "r-1.a_B");
    for path in ["/nowhere", "/fails", "/panics"] {
        let reply = send(&router(), (Method::GET, path), &headers, Body::empty()).await;
        assert_eq!(reply.json()["request_id"], "r-1.a_B", "{path}");
    }
}

#[tokio::test]
async fn a_request_id_that_is_none_is_replaced() {
    for wrong in ["", "a b", &"x".repeat(129)] {
        let headers = [("x-request-id", wrong)];
        let reply = send(&router(), (Method::GET, "/id"), &headers, Body::empty()).await;
        assert_ne!(reply.header("x-request-id"), wrong);
        assert_eq!(reply.body, reply.header("x-request-id"));
    }
}

#[tokio::test]
async fn panics_and_faults_are_internal_and_say_nothing() {
    for path in ["/panics", "/fails"] {
        let reply = ask::get(&router(), path).await;
        let body = reply.problem(500, "internal").to_string();
        assert!(!body.contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn what_nobody_answers_is_a_problem_and_a_page_stays_one() {
    let router = router();
    ask::get(&router, "/nowhere")
        .await
        .problem(404, "not-found");
    let reply = ask::get(&router, "/anything").await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), "POST");
    let page = ask::get(&router, "/page").await;
    assert_eq!((page.status.as_u16(), &page.body[..]), (404, &b"none"[..]));
}

#[tokio::test]
async fn a_body_is_refused_one_byte_past_its_limit() {
    let router = router();
    for (path, limit) in [("/anything", 1 << 20), ("/api/things/import", 4 << 20)] {
        let fits = send(&router, (Method::POST, path), &[], vec![b' '; limit]).await;
        assert_eq!(fits.body, limit.to_string());
        let too_large = send(&router, (Method::POST, path), &[], vec![b' '; limit + 1]).await;
        too_large.problem(413, "payload-too-large");
    }
}

#[tokio::test]
async fn a_body_of_unsaid_length_is_cut_off_at_its_limit() {
    let chunks = |count| {
        let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1 << 10]);
        Body::from_stream(futures::stream::iter((0..count).map(move |_| chunk())))
    };
    let router = router();
    let fits = send(&router, (Method::POST, "/anything"), &[], chunks(1 << 10)).await;
    assert_eq!(fits.status, 200);
    let too_large = send(
        &router,
        (Method::POST, "/anything"),
        &[],
        chunks((1 << 10) + 1),
    )
    .await;
    too_large.problem(413, "payload-too-large");
    let json = [("content-type", "application/json")];
    let shop = shop(&Arc::new(Fake::default()));
    let too_large = send(&shop, (Method::POST, "/api/users"), &json, chunks(2 << 10)).await;
    too_large.problem(413, "payload-too-large");
}

/// A failure, and the status, type and seconds it is answered with.
type Waiting = (fn() -> Error, u16, &'static str, &'static str);

#[tokio::test]
async fn waiting_problems_say_how_long() {
    let fake = Arc::new(Fake::default());
    let failures: [Waiting; 5] = [
        (
            || Error::RateLimited { retry_after: 60 },
            429,
            "rate-limited",
            "60",
        ),
        (|| Error::unavailable("search"), 503, "unavailable", "1"),
        (
            || Error::PaymentUnavailable,
            503,
            "payment-unavailable",
            "1",
        ),
        (
            || Error::RequestInProgress { retry_after: 2 },
            409,
            "request-in-progress",
            "2",
        ),
        (|| Error::Timeout, 504, "timeout", ""),
    ];
    for (failure, status, name, seconds) in failures {
        fake.fail(Some(failure));
        let reply = ask::get(&shop(&fake), "/api/search").await;
        reply.problem(status, name);
        assert_eq!(reply.header("retry-after"), seconds, "{name}");
    }
}
