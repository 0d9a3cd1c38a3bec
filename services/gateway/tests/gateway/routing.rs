//! Who answers which path.

use reqwest::Method;

use crate::door::{Door, Plan, Reply, nobody};

#[tokio::test]
async fn each_path_is_answered_by_its_service_and_arrives_unchanged() {
    let door = Door::start().await;
    for (path, service) in [
        ("/", "storefront"),
        ("/search?q=toner", "storefront"),
        ("/cart", "storefront"),
        // The gateway's own are told elsewhere (`ADMIN_LISTEN`).
        ("/metrics", "storefront"),
        ("/media/a/card", "media"),
        ("/api/products/a/photo", "media"),
        ("/api/docs", "storefront"),
        ("/api/openapi.json", "storefront"),
        ("/api/search?q=a%20b&q=%C3%A9", "search"),
        ("/api/search/suggest?q=a", "search"),
        ("/api/products?ids=a,b", "product"),
        ("/api/products/a%2Fb", "product"),
        ("/api/inventory/a", "inventory"),
        ("/api/carts", "cart"),
        ("/api/carts/1/items/a", "cart"),
        ("/api/checkout", "checkout"),
        ("/api/orders", "checkout"),
        ("/api/orders/1/cancel", "checkout"),
        ("/api/users", "identity"),
        ("/api/sessions/refresh", "identity"),
        ("/api/me", "identity"),
        ("/.well-known/jwks.json", "identity"),
    ] {
        let seen = door.get(path).await.json();
        assert_eq!(seen["service"], service, "{path}");
        assert_eq!(seen["uri"], path);
        assert_eq!(seen["method"], "GET");
    }
}

#[tokio::test]
async fn every_method_is_forwarded_but_those_that_are_no_request_for_a_thing() {
    let door = Door::start().await;
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let asked = Method::from_bytes(method.as_bytes()).expect("a method");
        let reply = Reply::of(door.ask(asked, "/api/carts/1")).await;
        assert_eq!(reply.json()["method"], method);
    }
    let reply = Reply::of(door.ask(Method::HEAD, "/api/carts/1")).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    let reply = Reply::of(door.ask(Method::TRACE, "/api/carts/1")).await;
    reply.is_problem(405, "method-not-allowed");
}

#[tokio::test]
async fn what_nobody_answers_is_a_problem_and_internal_paths_are_nobodys() {
    let door = Door::start().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/searching",
        "/api/../internal/events",
        "/internal",
        "/internal/inventory/reserve",
        "/internal/upstreams",
    ] {
        // Sent by hand: a client would tidy the path up first.
        let reply = raw_get(&door, path).await;
        assert!(reply.starts_with("HTTP/1.1 404 "), "{path}: {reply}");
        assert!(reply.contains("/problems/not-found"), "{path}: {reply}");
    }
    door.get("/internal/events")
        .await
        .is_problem(404, "not-found");
}

#[tokio::test]
async fn the_gateway_is_ready_whatever_its_services_are_and_says_which_answer() {
    let (address, _kept) = nobody();
    let plan = Plan::new().await.with("INVENTORY_URL", address);
    let door = plan.start().await;
    assert_eq!(door.get("/healthz").await.status, 200);
    let ready = door.get("/readyz").await.json();
    assert_eq!(ready["status"], "ready");
    let upstreams = ready["upstreams"].as_object().expect("a list");
    assert_eq!(upstreams.len(), 8);
    for (name, state) in upstreams {
        let expected = if name == "inventory" { "down" } else { "up" };
        assert_eq!(state, expected, "{name}");
    }
}

#[tokio::test]
async fn paths_are_limited_to_8_kib() {
    let door = Door::start().await;
    let path = |length: usize| format!("/api/search?q={}", "x".repeat(length - 14));
    let longest = door.get(&path(8 * 1024)).await.json();
    assert_eq!(longest["uri"].as_str().map(str::len), Some(8 * 1024));
    door.get(&path(8 * 1024 + 1))
        .await
        .is_problem(400, "malformed-request");
}

async fn raw_get(door: &Door, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut connection = tokio::net::TcpStream::connect(door.address)
        .await
        .expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    connection
        .write_all(request.as_bytes())
        .await
        .expect("sends");
    let mut reply = String::new();
    connection
        .read_to_string(&mut reply)
        .await
        .expect("answers");
    reply
}
