//! What services ask one another is closed to everybody else.

use std::sync::Arc;

use axum::http::Method;
use bothways_http::internal;
use serde_json::json;

use crate::{
    ask::{send, with_edge},
    fake::Fake,
};

const BATCH: &str = "application/cloudevents-batch+json";

#[tokio::test]
async fn without_the_secret_there_is_nothing() {
    let fake = Arc::new(Fake::default());
    let router = with_edge(internal::inventory(fake.clone(), "secret"));
    let json = ("content-type", "application/json");
    for token in [
        "",
        "Bearer wrong",
        "Bearer ",
        "Basic secret",
        "Bearer admin",
    ] {
        let headers = [json, ("authorization", token)];
        let path = (Method::POST, "/internal/inventory/release");
        let reply = send(&router, path, &headers, r#"{"order":"o"}"#).await;
        reply.problem(404, "not-found");
    }
    assert!(fake.taken().is_empty());
    let headers = [json, ("authorization", "Bearer secret")];
    let path = (Method::POST, "/internal/inventory/release");
    let reply = send(&router, path, &headers, r#"{"order":"o"}"#).await;
    assert_eq!(reply.status, 204);
}

#[tokio::test]
async fn a_batch_is_answered_with_what_has_to_come_again() {
    let fake = Arc::new(Fake::default());
    let router = with_edge(internal::events(fake.clone(), "secret"));
    let event = |subject: &str| {
        json!({
            "specversion": "1.0", "id": subject, "source": "/product", "type": "product.changed",
            "subject": subject, "time": "2026-11-20T10:00:00Z",
        })
    };
    let batch = json!([event("a"), { "type": "unheard.of" }, event("bad"), event("c")]);
    let headers = [("content-type", BATCH), ("authorization", "Bearer secret")];
    let path = (Method::POST, "/internal/events");
    let reply = send(&router, path, &headers, batch.to_string()).await;
    let failed = reply.json()["failed"].clone();
    assert_eq!(
        (&failed[0]["index"], &failed[1]["index"]),
        (&json!(1), &json!(2))
    );
    let path = (Method::POST, "/internal/events");
    let reply = send(&router, path, &headers, "{}").await;
    reply.problem(400, "malformed-request");
}
