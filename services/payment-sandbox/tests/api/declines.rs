//! Cards that are declined.

use crate::app::App;

#[tokio::test]
async fn a_declined_card_is_402_and_the_intent_wants_another() {
    let app = App::start().await;
    let cards = [
        ("pm_card_chargeDeclined", "generic_decline"),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
        ),
    ];
    for (card, decline_code) in cards {
        let id = app.intent(card).await;
        let error = app
            .act(&id, "confirm")
            .await
            .is_error(402, "card_error", "card_declined");
        assert_eq!(error["decline_code"], decline_code);
        assert_eq!(error["payment_intent"]["id"], id.as_str());
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        let intent = app.get(&format!("/v1/payment_intents/{id}")).await.json();
        assert_eq!(intent["status"], "requires_payment_method");
        assert_eq!(intent["payment_method"], serde_json::Value::Null);
        assert_eq!(intent["last_payment_error"]["decline_code"], decline_code);
        let charge = app.charges_of(&id).await.remove(0);
        assert_eq!(charge["status"], "failed");
        assert_eq!(charge["paid"], false);
        assert_eq!(charge["id"], error["charge"]);
        let retried = app
            .post(
                &format!("/v1/payment_intents/{id}/confirm"),
                &[("payment_method", "pm_card_visa")],
            )
            .await
            .json();
        assert_eq!(retried["status"], "requires_capture");
        assert_eq!(retried["last_payment_error"], serde_json::Value::Null);
    }
}

#[tokio::test]
async fn creating_with_confirm_can_be_declined_too_and_keeps_the_intent() {
    let app = App::start().await;
    let params = [
        ("amount", "500"),
        ("currency", "usd"),
        ("payment_method", "pm_card_chargeDeclined"),
        ("confirm", "true"),
    ];
    let reply = app.post("/v1/payment_intents", &params).await;
    let error = reply.is_error(402, "card_error", "card_declined");
    let id = error["payment_intent"]["id"].as_str().expect("an id");
    assert_eq!(app.status_of(id).await, "requires_payment_method");
}
