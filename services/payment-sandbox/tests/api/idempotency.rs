//! Idempotency keys.

use std::str::FromStr as _;

use futures::future::{self, Either};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use crate::app::App;

const CREATE: [(&str, &str); 4] = [
    ("amount", "1299"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("metadata[order_id]", "o-1"),
];

#[tokio::test]
async fn the_same_key_and_parameters_give_the_same_answer_and_say_so() {
    let app = App::start().await;
    let first = app
        .post_keyed("/v1/payment_intents", "order-1", &CREATE)
        .await;
    assert_eq!(first.status, 200);
    assert!(!first.replayed());
    let mut reordered = CREATE;
    reordered.reverse();
    let again = app
        .post_keyed("/v1/payment_intents", "order-1", &reordered)
        .await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert!(again.replayed());
    let listed = app.get("/v1/payment_intents").await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_replay_tells_the_first_answer_even_when_things_have_moved_on() {
    let app = App::start().await;
    let id = app.intent("pm_card_visa").await;
    let path = format!("/v1/payment_intents/{id}/confirm");
    let first = app.post_keyed(&path, "confirm-1", &[]).await;
    app.act(&id, "capture").await;
    let again = app.post_keyed(&path, "confirm-1", &[]).await;
    assert_eq!(again.text, first.text);
    assert_eq!(again.str("status"), "requires_capture");
}

#[tokio::test]
async fn refusals_are_replayed_too() {
    let app = App::start().await;
    let id = app.intent("pm_card_chargeDeclined").await;
    let path = format!("/v1/payment_intents/{id}/confirm");
    let first = app.post_keyed(&path, "confirm-1", &[]).await;
    first.is_error(402, "card_error", "card_declined");
    let again = app.post_keyed(&path, "confirm-1", &[]).await;
    assert_eq!((again.status, &again.text), (402, &first.text));
    assert!(again.replayed());
    assert_eq!(app.charges_of(&id).await.len(), 1);
    let path = format!("/v1/payment_intents/{id}/capture");
    let first = app.post_keyed(&path, "capture-1", &[]).await;
    first.is_error(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
    );
    assert!(app.post_keyed(&path, "capture-1", &[]).await.replayed());
}

#[tokio::test]
async fn the_same_key_with_anything_else_is_an_idempotency_error() {
    let app = App::start().await;
    app.post_keyed("/v1/payment_intents", "order-1", &CREATE)
        .await;
    let mut other = CREATE;
    other[0].1 = "1300";
    let reply = app
        .post_keyed("/v1/payment_intents", "order-1", &other)
        .await;
    reply.is_error(400, "idempotency_error", "");
    let id = app.intent("pm_card_visa").await;
    let path = format!("/v1/payment_intents/{id}/confirm");
    let reply = app.post_keyed(&path, "order-1", &[]).await;
    reply.is_error(400, "idempotency_error", "");
    assert_eq!(app.status_of(&id).await, "requires_confirmation");
}

#[tokio::test]
async fn wrong_parameters_do_not_use_a_key_up() {
    let app = App::start().await;
    let reply = app
        .post_keyed("/v1/payment_intents", "order-1", &CREATE[1..])
        .await;
    reply.is_error(400, "invalid_request_error", "parameter_missing");
    let reply = app
        .post_keyed("/v1/payment_intents", "order-1", &CREATE)
        .await;
    assert_eq!(reply.status, 200);
    assert!(!reply.replayed());
}

#[tokio::test]
async fn a_key_has_at_most_255_characters() {
    let app = App::start().await;
    let key = "k".repeat(255);
    assert_eq!(
        app.post_keyed("/v1/payment_intents", &key, &CREATE)
            .await
            .status,
        200
    );
    let key = "k".repeat(256);
    let reply = app.post_keyed("/v1/payment_intents", &key, &CREATE).await;
    reply.is_error(400, "invalid_request_error", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_with_a_key_in_use_is_409() {
    let app = App::start().await;
    let url = format!("sqlite://{}", app.database().display());
    let options = SqliteConnectOptions::from_str(&url).expect("a URL");
    let mut books = options.connect().await.expect("opens");
    // Whoever holds SQLite's write lock keeps the first request running for as long as the test needs.
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut books)
        .await
        .expect("locks");
    let ask = || app.post_keyed("/v1/payment_intents", "order-1", &CREATE);
    let (one, other) = (Box::pin(ask()), Box::pin(ask()));
    let (Either::Left((early, late)) | Either::Right((early, late))) =
        future::select(one, other).await;
    early.is_error(409, "idempotency_error", "idempotency_key_in_use");
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut books)
        .await
        .expect("unlocks");
    let late = late.await;
    assert_eq!(late.status, 200);
    assert_eq!(ask().await.text, late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_at_once_with_one_key_one_is_performed() {
    let app = App::start().await;
    let tries = (0..50).map(|_| app.post_keyed("/v1/payment_intents", "order-1", &CREATE));
    let replies = future::join_all(tries).await;
    let performed = replies
        .iter()
        .filter(|reply| reply.status == 200 && !reply.replayed());
    assert_eq!(performed.count(), 1);
    assert!(
        replies
            .iter()
            .all(|reply| [200, 409].contains(&reply.status))
    );
    let listed = app.get("/v1/payment_intents").await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}
