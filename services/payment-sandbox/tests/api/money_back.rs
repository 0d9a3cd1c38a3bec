//! Refunds.

use crate::app::App;

#[tokio::test]
async fn a_refund_gives_everything_back_once() {
    let app = App::start().await;
    let id = app.captured().await;
    let params = [
        ("payment_intent", id.as_str()),
        ("metadata[order_id]", "o-1"),
    ];
    let refund = app.post("/v1/refunds", &params).await;
    assert_eq!(refund.status, 200, "{refund:?}");
    assert!(refund.str("id").starts_with("re_"));
    assert_eq!(refund.str("status"), "succeeded");
    assert_eq!(refund.json()["amount"], 1299);
    assert_eq!(refund.json()["metadata"]["order_id"], "o-1");
    let again = app.post("/v1/refunds", &params).await;
    again.is_error(400, "invalid_request_error", "charge_already_refunded");
    let charge = app.charges_of(&id).await.remove(0);
    assert_eq!(charge["refunded"], true);
    assert_eq!(charge["amount_refunded"], 1299);
    let listed = app
        .get(&format!("/v1/refunds?payment_intent={id}"))
        .await
        .json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["data"][0], refund.json());
}

#[tokio::test]
async fn parts_can_be_refunded_up_to_what_was_taken() {
    let app = App::start().await;
    let id = app.captured().await;
    let refund = async |amount: &str| {
        app.post(
            "/v1/refunds",
            &[("payment_intent", &id), ("amount", amount)],
        )
        .await
    };
    assert_eq!(refund("1000").await.status, 200);
    refund("300")
        .await
        .is_error(400, "invalid_request_error", "amount_too_large");
    let charge = app.charges_of(&id).await.remove(0);
    assert_eq!(charge["refunded"], false);
    assert_eq!(charge["amount_refunded"], 1000);
    let rest = app.post("/v1/refunds", &[("payment_intent", &id)]).await;
    assert_eq!(rest.json()["amount"], 299);
    assert_eq!(app.charges_of(&id).await.remove(0)["refunded"], true);
}

#[tokio::test]
async fn what_was_not_taken_can_not_be_refunded() {
    let app = App::start().await;
    let id = app.intent("pm_card_visa").await;
    app.act(&id, "confirm").await;
    let reply = app.post("/v1/refunds", &[("payment_intent", &id)]).await;
    reply.is_error(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
    );
    let reply = app
        .post("/v1/refunds", &[("payment_intent", "pi_unknown")])
        .await;
    reply.is_error(400, "invalid_request_error", "resource_missing");
    let reply = app.post("/v1/refunds", &[]).await;
    reply.is_error(400, "invalid_request_error", "parameter_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refunds_at_once_give_no_more_than_was_taken() {
    let app = App::start().await;
    let id = app.captured().await;
    let params = [("payment_intent", id.as_str()), ("amount", "500")];
    let tries = (0..10).map(|_| app.post("/v1/refunds", &params));
    let replies = futures::future::join_all(tries).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        2
    );
    assert_eq!(app.charges_of(&id).await.remove(0)["amount_refunded"], 1000);
}
