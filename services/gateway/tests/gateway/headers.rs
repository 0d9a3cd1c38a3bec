//! Which headers go through, which end here, and which are added.

use reqwest::Method;
use serde_json::Value;

use crate::{
    door::{Door, Plan, Reply, serve},
    upstream,
};

/// The headers the service saw.
async fn seen(door: &Door, sent: &[(&str, &str)]) -> Value {
    let mut request = door.ask(Method::GET, "/api/carts/1");
    for (name, value) in sent {
        request = request.header(*name, *value);
    }
    Reply::of(request).await.json()["headers"].clone()
}

#[tokio::test]
async fn headers_about_the_connection_end_here() {
    let door = Door::start().await;
    let seen = seen(
        &door,
        &[
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("x-end", "1"),
            ("authorization", "Bearer x"),
            ("cookie", "a=1"),
        ],
    )
    .await;
    for gone in [
        "connection",
        "x-hop",
        "keep-alive",
        "te",
        "upgrade",
        "proxy-authorization",
    ] {
        assert_eq!(seen[gone], Value::Null, "{gone}");
    }
    assert_eq!(seen["x-end"], "1");
    assert_eq!(seen["authorization"], "Bearer x");
    assert_eq!(seen["cookie"], "a=1");
}

#[tokio::test]
async fn so_do_those_of_the_answer_and_its_own_go_through() {
    let answer =
        b"HTTP/1.1 200 OK\r\nconnection: close, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
        set-cookie: a=1\r\nset-cookie: b=2\r\netag: \"x\"\r\ncontent-length: 2\r\n\r\nok";
    let (address, _requests) = upstream::raw(vec![answer]).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    let reply = door.get("/api/carts/1").await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "ok"));
    for gone in ["x-hop", "keep-alive", "connection"] {
        assert!(!reply.headers.contains_key(gone), "{gone}");
    }
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(reply.header("etag"), "\"x\"");
}

#[tokio::test]
async fn the_service_is_told_who_asked_for_what_host() {
    let door = Door::start().await;
    let seen = seen(
        &door,
        &[
            ("host", "shop.example"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=1.2.3.4"),
            ("x-caller-authorization", "Bearer stolen"),
        ],
    )
    .await;
    assert_eq!(seen["x-forwarded-host"], "shop.example");
    assert_eq!(seen["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen["x-forwarded-proto"], "http");
    assert_eq!(seen["forwarded"], Value::Null);
    assert_eq!(seen["x-caller-authorization"], Value::Null);
    assert!(
        seen["host"]
            .as_str()
            .is_some_and(|host| host.starts_with("127.0.0.1:"))
    );
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let mut plan = Plan::new().await;
    plan.limits.trusted_proxies = vec![[127, 0, 0, 1].into()];
    let door = plan.start().await;
    let seen = seen(
        &door,
        &[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
        ],
    )
    .await;
    assert_eq!(seen["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
    assert_eq!(seen["x-forwarded-proto"], "https");
    assert_eq!(seen["x-forwarded-host"], "shop.example");
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_any_other_replaced() {
    let door = Door::start().await;
    let longest = "x".repeat(128);
    for id in ["a", "A-z_0.9", longest.as_str()] {
        let reply = Reply::of(
            door.ask(Method::GET, "/api/carts/1")
                .header("x-request-id", id),
        )
        .await;
        assert_eq!(reply.header("x-request-id"), id);
        assert_eq!(reply.json()["headers"]["x-request-id"], id);
    }
    let too_long = "x".repeat(129);
    for id in ["", "a b", "a;b", "\"", too_long.as_str()] {
        let reply = Reply::of(
            door.ask(Method::GET, "/api/carts/1")
                .header("x-request-id", id),
        )
        .await;
        let fresh = reply.header("x-request-id").to_owned();
        assert!(fresh != id && !fresh.is_empty(), "{id}");
        assert_eq!(reply.json()["headers"]["x-request-id"], fresh.as_str());
    }
}

#[tokio::test]
async fn a_trace_is_continued_with_a_span_of_this_hop_or_begun() {
    let door = Door::start().await;
    let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let seen_trace = async |sent: &str| {
        let seen = seen(&door, &[("traceparent", sent), ("tracestate", "a=1")]).await;
        seen["traceparent"].as_str().expect("a trace").to_owned()
    };
    let passed = seen_trace(sent).await;
    assert!(
        passed.starts_with(&sent[..36]) && passed.ends_with("-01"),
        "{passed}"
    );
    assert_ne!(passed, sent);
    let begun = seen_trace("nonsense").await;
    assert_eq!(begun.len(), sent.len());
    assert!(!begun.contains(&sent[3..35]));
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_services_own_policy_is_kept() {
    let address = serve(upstream::statuses()).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    for path in [
        "/",
        "/api/products/a",
        "/api/nothing",
        "/healthz",
        "/api/carts/404",
    ] {
        let reply = door.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(
            reply.header("referrer-policy"),
            "strict-origin-when-cross-origin"
        );
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert!(!reply.header("permissions-policy").is_empty());
        let policy = reply.header("content-security-policy");
        assert!(!policy.contains("unsafe-inline"));
        if path == "/api/carts/404" {
            assert_eq!(policy, "default-src 'self'");
            assert_eq!(reply.header("x-own"), "kept");
        } else {
            assert!(policy.contains("frame-ancestors 'none'"));
        }
    }
}
