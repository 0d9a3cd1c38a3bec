//! Services that are gone, slow, or close the connection.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use reqwest::Method;

use crate::{
    door::{Plan, Reply, nobody, serve},
    upstream,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
/// The connection is closed without a word.
const CLOSED: &[u8] = b"";

#[tokio::test]
async fn a_service_that_is_gone_is_unavailable_and_the_others_go_on() {
    let (address, _kept) = nobody();
    let door = Plan::new().await.with("SEARCH_URL", address).start().await;
    for method in [Method::GET, Method::POST] {
        let reply = Reply::of(door.ask(method, "/api/search?q=a")).await;
        let problem = reply.is_problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("search"), "{detail}");
    }
    assert_eq!(door.get("/api/products/a").await.status, 200);
}

#[tokio::test]
async fn a_service_that_comes_back_is_used_at_once() {
    let (address, socket) = nobody();
    let door = Plan::new().await.with("CART_URL", address).start().await;
    door.get("/api/carts/1")
        .await
        .is_problem(503, "unavailable");
    let listener = socket.listen(16).expect("listens");
    tokio::spawn(async move { axum::serve(listener, upstream::echo("cart")).await });
    assert_eq!(door.get("/api/carts/1").await.json()["service"], "cart");
}

#[tokio::test]
async fn what_is_harmless_to_repeat_is_asked_again_once() {
    for (method, body) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::PUT, "{\"quantity\":1}"),
    ] {
        let (address, mut requests) = upstream::raw(vec![CLOSED, OK]).await;
        let door = Plan::new().await.with("CART_URL", address).start().await;
        let reply = Reply::of(door.ask(method, "/api/carts/1").body(body)).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "ok"));
        let (first, second) = (requests.recv().await, requests.recv().await);
        assert_eq!(
            but_the_time(first),
            but_the_time(second),
            "the same request"
        );
    }
    let (address, mut requests) = upstream::raw(vec![CLOSED, CLOSED, OK]).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    door.get("/api/carts/1")
        .await
        .is_problem(503, "unavailable");
    assert!(requests.try_recv().is_ok() && requests.try_recv().is_ok());
    assert!(requests.try_recv().is_err(), "once is enough");
}

/// Whatever it is: the service has seen nothing of it.
#[tokio::test]
async fn a_connection_that_was_closed_while_nobody_used_it_is_no_loss() {
    const KEPT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (address, _requests) = upstream::raw(vec![KEPT, KEPT, OK]).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    for _ in 0..3 {
        let asked = door.ask(Method::POST, "/api/carts").body("{}");
        let reply = Reply::of(asked.timeout(Duration::from_secs(5))).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "ok"));
        // Until the closing has come through.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A request without what is left of its time.
fn but_the_time(request: Option<Bytes>) -> Vec<String> {
    let request = request.expect("a request");
    let text = String::from_utf8_lossy(&request).into_owned();
    let lines = text.lines().map(str::to_owned);
    lines
        .filter(|line| !line.starts_with("x-deadline-ms"))
        .collect()
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    for (method, body, condition) in [
        (Method::POST, "", "*"),
        (Method::POST, "{}", "*"),
        (Method::PATCH, "{}", "*"),
        (Method::PUT, "{\"quantity\":1}", "\"7\""),
        (Method::DELETE, "", "\"7\""),
    ] {
        let (address, mut requests) = upstream::raw(vec![CLOSED, OK]).await;
        let door = Plan::new().await.with("CART_URL", address).start().await;
        let request = door.ask(method, "/api/carts/1").body(body);
        let reply = Reply::of(request.header("if-match", condition)).await;
        reply.is_problem(503, "unavailable");
        assert!(requests.try_recv().is_ok());
        assert!(requests.try_recv().is_err(), "asked once");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_unavailable() {
    let (address, _requests) = upstream::raw(vec![b"hello\r\n\r\n"]).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    let reply = Reply::of(door.ask(Method::POST, "/api/carts")).await;
    reply.is_problem(503, "unavailable");
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_a_timeout() {
    let mut plan = Plan::new().await;
    plan.patience.answer = Duration::from_millis(200);
    let address = serve(upstream::slow(Duration::from_secs(20))).await;
    let door = plan.with("CART_URL", address).start().await;
    let began = Instant::now();
    for method in [Method::GET, Method::POST] {
        let reply = Reply::of(door.ask(method, "/api/carts")).await;
        let problem = reply.is_problem(504, "timeout");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("cart"))
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_service_that_is_merely_slow_is_waited_for() {
    let address = serve(upstream::slow(Duration::from_millis(300))).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    assert_eq!(door.get("/api/carts/1").await.text, "at last");
}
