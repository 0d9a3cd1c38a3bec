//! The sandbox's own payment methods: answers that never come, and a provider that is out of order.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::app::{App, Reply};

/// Asks with a key, sees the authorisation in the books while no answer comes, and hangs up.
async fn hang_up_once_authorised(app: &App, path: &str, params: &[(&str, &str)]) -> String {
    let request = app
        .request(Method::POST, path)
        .header("idempotency-key", "key-1");
    let waiting = tokio::spawn(request.form(params).send());
    let deadline = Instant::now() + Duration::from_secs(30);
    let intent = loop {
        assert!(Instant::now() < deadline, "not authorised");
        let listed = app.get("/v1/payment_intents").await.json();
        if listed["data"][0]["status"] == "requires_capture" {
            break listed["data"][0]["id"].as_str().expect("an id").to_owned();
        }
    };
    let patience = Duration::from_millis(300);
    let answer = tokio::time::timeout(patience, waiting).await;
    assert!(answer.is_err(), "it was answered: {answer:?}");
    intent
}

/// Asks again with the key, for as long as the first request with it counts as running.
async fn ask_again(app: &App, path: &str, params: &[(&str, &str)]) -> Reply {
    loop {
        let again = app.post_keyed(path, "key-1", params).await;
        if again.status != 409 {
            return again;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_authorises_at_once_and_the_key_gives_the_answer_later() {
    let app = App::start().await;
    let id = app.intent("pm_sandbox_timeout").await;
    let path = format!("/v1/payment_intents/{id}/confirm");
    assert_eq!(hang_up_once_authorised(&app, &path, &[]).await, id);
    let again = ask_again(&app, &path, &[]).await;
    assert_eq!(again.status, 200);
    assert!(again.replayed());
    assert_eq!(again.str("status"), "requires_capture");
    assert_eq!(app.charges_of(&id).await.len(), 1);
    assert_eq!(app.act(&id, "capture").await.str("status"), "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_with_confirm_times_out_the_same_way() {
    let app = App::start().await;
    let params = [
        ("amount", "1299"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("payment_method", "pm_sandbox_timeout"),
        ("confirm", "true"),
    ];
    let id = hang_up_once_authorised(&app, "/v1/payment_intents", &params).await;
    let again = ask_again(&app, "/v1/payment_intents", &params).await;
    assert_eq!(again.str("id"), id);
    assert!(again.replayed());
}

#[tokio::test]
async fn a_held_answer_comes_in_the_end() {
    let app = App::with(|settings| settings.hold = Duration::from_millis(50)).await;
    let id = app.intent("pm_sandbox_timeout").await;
    let started = Instant::now();
    let reply = app.act(&id, "confirm").await;
    assert_eq!(reply.str("status"), "requires_capture");
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn an_unavailable_provider_answers_500_each_time_and_does_nothing() {
    let app = App::start().await;
    let id = app.intent("pm_sandbox_unavailable").await;
    let path = format!("/v1/payment_intents/{id}/confirm");
    for _ in 0..3 {
        let reply = app.post_keyed(&path, "key-1", &[]).await;
        reply.is_error(500, "api_error", "");
        assert!(!reply.replayed());
        assert_eq!(app.status_of(&id).await, "requires_confirmation");
    }
    assert!(app.charges_of(&id).await.is_empty());
    let params = [
        ("amount", "5"),
        ("currency", "usd"),
        ("payment_method", "pm_sandbox_unavailable"),
        ("confirm", "true"),
    ];
    let reply = app.post("/v1/payment_intents", &params).await;
    reply.is_error(500, "api_error", "");
    let listed = app.get("/v1/payment_intents").await.json();
    assert_eq!(
        listed["data"].as_array().map(Vec::len),
        Some(1),
        "nothing was created"
    );
    assert_eq!(app.act(&id, "cancel").await.str("status"), "canceled");
}
