//! The payment client against scripted answers in Stripe's form.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Currency, Money,
    checkout::{IntentId, IntentStatus, PaymentError, PaymentProvider as _},
    id::OrderId,
};
use bothways_http::clients::StripePayments;
use serde_json::{Value, json};

use crate::round_trip::listen;

type Script = Arc<Mutex<Vec<(u16, Value)>>>;
type Log = Arc<Mutex<Vec<String>>>;

/// A provider that gives these answers in turn, and the log of what it was asked.
async fn provider(answers: &[(u16, Value)]) -> (StripePayments, Log) {
    let script: Script = Arc::new(Mutex::new(answers.to_vec()));
    let log = Log::default();
    let router = Router::new()
        .fallback(answer)
        .with_state((script, log.clone()));
    let url = listen(router).await;
    let payments = StripePayments::new(&url, "sk_test", Duration::from_millis(500));
    (payments.unwrap(), log)
}

async fn answer(State((script, log)): State<(Script, Log)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    assert_eq!(parts.headers["authorization"], "Bearer sk_test");
    let key = parts.headers.get("idempotency-key");
    let key = key.map_or("-", |key| key.to_str().unwrap());
    let said = String::from_utf8_lossy(&body);
    log.lock()
        .unwrap()
        .push(format!("{} {} {key} {said}", parts.method, parts.uri));
    let (status, body) = script.lock().unwrap().remove(0);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn intent(status: &str) -> (u16, Value) {
    (
        200,
        json!({ "id": "pi_1", "status": status, "last_payment_error": null }),
    )
}

fn failure(status: u16, kind: &str, code: &str) -> (u16, Value) {
    let error = json!({ "type": kind, "code": code, "message": "in its words" });
    (status, json!({ "error": error }))
}

fn id() -> IntentId {
    IntentId("pi_1".to_owned())
}

fn order() -> OrderId {
    OrderId::parse("o1").unwrap()
}

async fn created(answer: (u16, Value)) -> Result<IntentId, PaymentError> {
    let (payments, _) = provider(&[answer]).await;
    let amount = Money::new(1_299, Currency::USD);
    payments.create(&order(), amount, "pm_card_visa").await
}

#[tokio::test]
async fn an_intent_is_created_once_per_order_and_not_confirmed() {
    let (payments, log) = provider(&[intent("requires_confirmation")]).await;
    let amount = Money::new(1_299, Currency::USD);
    let made = payments.create(&order(), amount, "pm_card_visa").await;
    assert_eq!(made.unwrap(), id());
    let said = log.lock().unwrap().remove(0);
    assert!(said.starts_with("POST /v1/payment_intents o1 "), "{said}");
    for part in [
        "amount=1299",
        "currency=usd",
        "capture_method=manual",
        "confirm=false",
        "payment_method=pm_card_visa",
        "metadata%5Border_id%5D=o1",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn a_refused_request_is_told_from_an_unknown_outcome() {
    let refused = created(failure(400, "invalid_request_error", "resource_missing")).await;
    match refused {
        Err(PaymentError::Refused { message }) => assert_eq!(message, "in its words"),
        other => panic!("{other:?}"),
    }
    for (status, kind) in [
        (500, "api_error"),
        (401, "invalid_request_error"),
        (409, "idempotency_error"),
        (429, "invalid_request_error"),
        (0, ""),
    ] {
        let unknown = created(failure(status, kind, "")).await;
        assert!(
            matches!(unknown, Err(PaymentError::Unknown(_))),
            "{status}: {unknown:?}"
        );
    }
    let no_intent = created((200, json!([]))).await;
    assert!(matches!(no_intent, Err(PaymentError::Unknown(_))));
}

#[tokio::test]
async fn every_state_has_its_meaning() {
    let declined = |code: &str| IntentStatus::Declined {
        code: code.to_owned(),
    };
    for (word, meaning) in [
        ("requires_confirmation", IntentStatus::Unconfirmed),
        ("processing", IntentStatus::Processing),
        ("requires_capture", IntentStatus::Authorised),
        ("succeeded", IntentStatus::Captured),
        ("canceled", IntentStatus::Cancelled),
        ("requires_payment_method", declined("card_declined")),
        ("requires_action", declined("authentication_required")),
    ] {
        let (payments, _) = provider(&[intent(word)]).await;
        assert_eq!(payments.status(&id()).await.unwrap(), meaning);
    }
    let error = json!({ "code": "card_declined", "decline_code": "insufficient_funds" });
    let body =
        json!({ "id": "pi_1", "status": "requires_payment_method", "last_payment_error": error });
    let (payments, _) = provider(&[(200, body)]).await;
    assert_eq!(
        payments.status(&id()).await.unwrap(),
        declined("insufficient_funds")
    );
}

#[tokio::test]
async fn a_declined_card_says_why() {
    let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds" });
    let (payments, _) = provider(&[(402, json!({ "error": error }))]).await;
    let status = payments.confirm(&id()).await.unwrap();
    let code = "insufficient_funds".to_owned();
    assert_eq!(status, IntentStatus::Declined { code });
}

#[tokio::test]
async fn an_intent_in_another_state_is_asked_which() {
    let unexpected = || {
        failure(
            400,
            "invalid_request_error",
            "payment_intent_unexpected_state",
        )
    };
    for action in ["confirm", "capture", "cancel"] {
        let (payments, log) = provider(&[unexpected(), intent("succeeded")]).await;
        let status = match action {
            "confirm" => payments.confirm(&id()).await,
            "capture" => payments.capture(&id()).await,
            _ => payments.cancel(&id()).await,
        };
        assert_eq!(status.unwrap(), IntentStatus::Captured);
        let log = log.lock().unwrap();
        assert!(log[0].starts_with(&format!("POST /v1/payment_intents/pi_1/{action} ")));
        assert!(log[1].starts_with("GET /v1/payment_intents/pi_1 "));
    }
}

#[tokio::test]
async fn a_refund_is_given_once() {
    let given = json!({ "id": "re_1" });
    let again = failure(400, "invalid_request_error", "charge_already_refunded");
    let fault = failure(500, "api_error", "");
    let (payments, log) = provider(&[(200, given), again, fault]).await;
    assert!(payments.refund(&order(), &id()).await.is_ok());
    assert!(payments.refund(&order(), &id()).await.is_ok());
    assert!(payments.refund(&order(), &id()).await.is_err());
    let said = log.lock().unwrap().remove(0);
    assert!(
        said.starts_with("POST /v1/refunds o1-refund payment_intent=pi_1"),
        "{said}"
    );
}
