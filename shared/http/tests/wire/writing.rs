//! Changing things.

use std::sync::Arc;

use axum::{body::Body, http::Method};
use bothways_domain::Error;
use serde_json::json;

use crate::{
    ask::{Reply, send, send_json, shop},
    fake::Fake,
    values::{address, draft},
};

async fn send_with(path: (Method, &str), headers: &[(&str, &str)], body: &str) -> Reply {
    let router = shop(&Arc::new(Fake::default()));
    send(&router, path, headers, body.to_owned()).await
}

fn checkout_body() -> String {
    let body = json!({
        "cart_id": "c1", "email": "robin@example.org", "shipping_address": address(),
        "payment_method": "pm_card_visa",
    });
    body.to_string()
}

/// Everything that takes JSON, with what it takes.
fn takers() -> Vec<(Method, &'static str, String)> {
    let product = serde_json::to_string(&draft()).unwrap();
    let text = str::to_owned;
    vec![
        (Method::PUT, "/api/products/p", product),
        (Method::PUT, "/api/inventory/p", text(r#"{"on_hand":3}"#)),
        (
            Method::PUT,
            "/api/carts/c/items/p",
            text(r#"{"quantity":2}"#),
        ),
        (Method::POST, "/api/checkout", checkout_body()),
        (
            Method::POST,
            "/api/users",
            text(r#"{"email":"a@b.c","password":"correct horse","name":"A"}"#),
        ),
        (
            Method::POST,
            "/api/sessions",
            text(r#"{"email":"a@b.c","password":"x"}"#),
        ),
        (
            Method::POST,
            "/api/sessions/refresh",
            text(r#"{"refresh_token":"x"}"#),
        ),
    ]
}

#[tokio::test]
async fn what_takes_json_takes_it_and_nothing_else() {
    let router = shop(&Arc::new(Fake::default()));
    for (method, path, body) in takers() {
        let send = async |body: &str| send_json(&router, method.clone(), path, body).await;
        let reply = send(&body).await;
        assert!(reply.status.is_success(), "{path}: {:?}", reply.body);
        assert_eq!(reply.header("content-type"), "application/json");
        for torn in ["", "{", "{\"a\":}", "{} {}"] {
            send(torn).await.problem(400, "malformed-request");
        }
        for other in ["[]", "null", "7", "\"text\""] {
            send(other).await.problem(422, "validation");
        }
        let unknown = body.replacen('{', "{\"unheard_of\":1,", 1);
        send(&unknown).await.invalid("/unheard_of");
    }
}

#[tokio::test]
async fn json_has_to_be_declared() {
    for (method, path, body) in takers() {
        let with = async |kind: &str| {
            let headers = [("content-type", kind), ("idempotency-key", "k")];
            send_with((method.clone(), path), &headers, &body).await
        };
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            with(kind).await.problem(415, "unsupported-media-type");
        }
        let fine = with("Application/JSON; charset=utf-8").await;
        assert!(fine.status.is_success(), "{path}: {:?}", fine.body);
        let headers = [("idempotency-key", "k")];
        let reply = send_with((method.clone(), path), &headers, &body).await;
        reply.problem(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn a_product_is_created_or_replaced() {
    let router = shop(&Arc::new(Fake::default()));
    let body = serde_json::to_string(&draft()).unwrap();
    let created = send_json(&router, Method::PUT, "/api/products/new", &body).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), "/api/products/new");
    let replaced = send_json(&router, Method::PUT, "/api/products/p", &body).await;
    assert_eq!(replaced.status, 200);
    let reply = send_json(&router, Method::PUT, "/api/products/a%20b", &body).await;
    reply.invalid("/id");
    let gone = send_json(&router, Method::DELETE, "/api/products/p", "").await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
}

#[tokio::test]
async fn numbers_have_to_fit() {
    let router = shop(&Arc::new(Fake::default()));
    for wrong in [
        "-1",
        "1.5",
        "\"1\"",
        "null",
        "1000000001",
        "99999999999999999999",
    ] {
        let body = format!("{{\"on_hand\":{wrong}}}");
        let reply = send_json(&router, Method::PUT, "/api/inventory/p", &body).await;
        reply.invalid("/on_hand");
    }
    for wrong in ["0", "-1", "100", "1.5", "\"1\"", "null", "[1]", "1e400"] {
        let body = format!("{{\"quantity\":{wrong}}}");
        let reply = send_json(&router, Method::PUT, "/api/carts/c/items/p", &body).await;
        reply.invalid("/quantity");
    }
}

async fn import(path: &str, body: impl Into<Body>) -> (Reply, Vec<String>) {
    let fake = Arc::new(Fake::default());
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("authorization", "Bearer admin"),
    ];
    let reply = send(&shop(&fake), (Method::POST, path), &headers, body).await;
    (reply, fake.taken())
}

#[tokio::test]
async fn good_lines_land_and_bad_lines_are_named() {
    let stock = |id: &str| format!("{{\"product_id\":\"{id}\",\"on_hand\":3}}");
    let mut body = format!("{}\r\n\n  \nnot json\n{}\n", stock("a"), stock("a b")).into_bytes();
    body.extend(b"{\"product_id\":\"\xff\",\"on_hand\":1}\n[]\n");
    body.extend(
        format!(
            "{{\"product_id\":\"b\",\"on_hand\":3,\"x\":1}}\n{}",
            stock("c")
        )
        .bytes(),
    );
    let (reply, asked) = import("/api/inventory/import", body).await;
    let rejected = reply.json()["rejected"].clone();
    let lines: Vec<_> = rejected
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [4, 5, 6, 7, 8]);
    for (index, words) in [(0, "JSON"), (1, "/product_id"), (2, "UTF-8"), (4, "/x")] {
        let detail = rejected[index]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    }
    assert!(asked[0].contains("[(1, (ProductId(\"a\"), 3)), (9, (ProductId(\"c\"), 3))]"));
}

#[tokio::test]
async fn an_imported_product_has_its_id_beside_the_rest() {
    let mut line = serde_json::to_value(draft()).unwrap();
    line["id"] = json!("p");
    let mut without = line.clone();
    without.as_object_mut().unwrap().remove("id");
    let mut misspelt = line.clone();
    misspelt["descripton"] = json!("");
    let body = format!("{line}\n{without}\n{misspelt}");
    let (reply, asked) = import("/api/products/import", body).await;
    let rejected = reply.json()["rejected"].clone();
    assert!(
        rejected[0]["detail"].as_str().unwrap().contains("/id"),
        "{rejected}"
    );
    assert!(
        rejected[1]["detail"]
            .as_str()
            .unwrap()
            .contains("/descripton"),
        "{rejected}"
    );
    assert!(
        asked[0].contains(&format!("[(1, (ProductId(\"p\"), {:?}))]", draft())),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_import_has_at_most_1000_lines() {
    let (reply, _) = import("/api/inventory/import", "x\n\n".repeat(1_000)).await;
    assert_eq!(reply.json()["rejected"].as_array().unwrap().len(), 1_000);
    let (reply, asked) = import("/api/inventory/import", "x\n".repeat(1_001)).await;
    reply.problem(422, "validation");
    assert!(asked.is_empty());
    let json = send_with(
        (Method::POST, "/api/products/import"),
        &[
            ("content-type", "application/json"),
            ("authorization", "Bearer admin"),
        ],
        "{}",
    );
    json.await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn a_cart_is_made_and_tagged_with_its_version() {
    let reply = send_with((Method::POST, "/api/carts"), &[], "").await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("location"), "/api/carts/c1");
    assert!(
        reply.header("etag").starts_with("\"7-"),
        "{}",
        reply.header("etag")
    );
    let gone = send_with((Method::DELETE, "/api/carts/c1"), &[], "").await;
    assert_eq!(gone.status, 204);
}

#[tokio::test]
async fn a_condition_becomes_the_version_a_change_requires() {
    let fake = Arc::new(Fake::default());
    let router = shop(&fake);
    for (tags, version) in [
        ("*", "None"),
        ("\"3-abc\"", "Some(3)"),
        ("\"3\"", "Some(3)"),
        ("W/\"3-abc\"", "Some(-1)"),
        ("nonsense", "Some(-1)"),
        ("\"nonsense\"", "Some(-1)"),
        ("", "Some(-1)"),
        // The cart has version 7.
        ("\"3-abc\", \"7-def\"", "Some(7)"),
        ("\"3-abc\", \"8-def\"", "Some(-1)"),
    ] {
        let headers = [("if-match", tags)];
        let path = (Method::DELETE, "/api/carts/c1/items/p");
        let reply = send(&router, path, &headers, Body::empty()).await;
        assert_eq!(reply.status, 200);
        let asked = fake.taken().pop().unwrap();
        assert!(asked.ends_with(&format!("{version})")), "{tags}: {asked}");
    }
}

#[tokio::test]
async fn a_checkout_needs_a_key() {
    let body = checkout_body();
    let path = || (Method::POST, "/api/checkout");
    let json = ("content-type", "application/json");
    let reply = send_with(path(), &[json], &body).await;
    reply.problem(400, "idempotency-key-missing");
    for wrong in ["", "a b", &"x".repeat(256)] {
        let reply = send_with(path(), &[json, ("idempotency-key", wrong)], &body).await;
        reply.problem(400, "malformed-request");
    }
    let twice = [json, ("idempotency-key", "a"), ("idempotency-key", "b")];
    let reply = send_with(path(), &twice, &body).await;
    reply.problem(400, "malformed-request");
    let longest = "x".repeat(255);
    let reply = send_with(path(), &[json, ("idempotency-key", &longest)], &body).await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_checkout_answers_with_the_order_and_its_key() {
    let fake = Arc::new(Fake::default());
    let router = shop(&fake);
    let first = send_json(&router, Method::POST, "/api/checkout", &checkout_body()).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.header("location"), "/api/orders/o1");
    assert_eq!(first.header("idempotent-replayed"), "");
    let body = first.json();
    assert_eq!(
        (&body["id"], &body["access_token"]),
        (&json!("o1"), &json!("secret"))
    );
    *fake.replayed.lock().unwrap() = true;
    let again = send_json(&router, Method::POST, "/api/checkout", &checkout_body()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!((again.status, again.body), (first.status, first.body));
}

#[tokio::test]
async fn a_replayed_refusal_is_the_first_one() {
    let fake = Arc::new(Fake::default());
    fake.fail(Some(|| Error::Replayed {
        error: Box::new(Error::OutOfStock(vec![crate::values::product_id("p")])),
        request_id: "first".to_owned(),
    }));
    let reply = send_json(
        &shop(&fake),
        Method::POST,
        "/api/checkout",
        &checkout_body(),
    )
    .await;
    let body = reply.problem(409, "out-of-stock");
    assert_eq!(
        (&body["products"], &body["request_id"]),
        (&json!(["p"]), &json!("first"))
    );
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_ne!(reply.header("x-request-id"), "first");
}

#[tokio::test]
async fn every_broken_rule_of_a_registration_is_named() {
    let router = shop(&Arc::new(Fake::default()));
    let body = r#"{"email":"nobody","password":"short","name":" "}"#;
    let reply = send_json(&router, Method::POST, "/api/users", body).await;
    for pointer in ["/email", "/password", "/name"] {
        reply.invalid(pointer);
    }
    assert!(!String::from_utf8_lossy(&reply.body).contains("\"short\""));
}

#[tokio::test]
async fn an_account_is_made_and_a_session_ended() {
    let router = shop(&Arc::new(Fake::default()));
    let body = r#"{"email":"a@b.c","password":"correct horse","name":"A"}"#;
    let made = send_json(&router, Method::POST, "/api/users", body).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (201, "/api/me")
    );
    let body = r#"{"email":"a@b.c","password":"correct horse"}"#;
    let tokens = send_json(&router, Method::POST, "/api/sessions", body).await;
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.json()["token_type"], "Bearer");
    let out = send_json(&router, Method::DELETE, "/api/sessions", "").await;
    assert_eq!(out.status, 204);
}
