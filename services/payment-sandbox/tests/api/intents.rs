//! Creating, confirming, capturing and cancelling: the state machine.

use crate::app::App;

#[tokio::test]
async fn an_intent_shows_what_it_was_created_with() {
    let app = App::start().await;
    let params = [
        ("amount", "1299"),
        ("currency", "USD"),
        ("capture_method", "manual"),
        ("payment_method", "pm_card_visa"),
        ("description", "a toner"),
        ("metadata[order_id]", "order-1"),
        ("metadata[cart]", "c & d"),
    ];
    let created = app.post("/v1/payment_intents", &params).await;
    assert_eq!(created.status, 200);
    let intent = created.json();
    assert!(created.str("id").starts_with("pi_"));
    assert_eq!(intent["object"], "payment_intent");
    assert_eq!(intent["amount"], 1299);
    assert_eq!(intent["currency"], "usd");
    assert_eq!(intent["capture_method"], "manual");
    assert_eq!(intent["status"], "requires_confirmation");
    assert_eq!(intent["payment_method"], "pm_card_visa");
    assert_eq!(intent["description"], "a toner");
    assert_eq!(intent["metadata"]["order_id"], "order-1");
    assert_eq!(intent["metadata"]["cart"], "c & d");
    assert_eq!(intent["livemode"], false);
    assert_eq!(intent["amount_received"], 0);
    let shown = app
        .get(&format!("/v1/payment_intents/{}", created.str("id")))
        .await;
    assert_eq!(shown.json(), intent);
    assert!(app.charges_of(&created.str("id")).await.is_empty());
}

#[tokio::test]
async fn manual_capture_authorises_first_and_takes_the_money_after() {
    let app = App::start().await;
    let id = app.intent("pm_card_visa").await;
    let confirmed = app.act(&id, "confirm").await.json();
    assert_eq!(confirmed["status"], "requires_capture");
    assert_eq!(confirmed["amount_capturable"], 1299);
    assert_eq!(confirmed["amount_received"], 0);
    let charge = app.charges_of(&id).await.remove(0);
    assert!(
        charge["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ch_"))
    );
    assert_eq!(charge["id"], confirmed["latest_charge"]);
    assert_eq!(charge["captured"], false);
    let captured = app.act(&id, "capture").await.json();
    assert_eq!(captured["status"], "succeeded");
    assert_eq!(captured["amount_received"], 1299);
    assert_eq!(captured["amount_capturable"], 0);
    let charges = app.charges_of(&id).await;
    assert_eq!(charges.len(), 1);
    assert_eq!(charges[0]["captured"], true);
    assert_eq!(charges[0]["amount_captured"], 1299);
    assert_eq!(charges[0]["status"], "succeeded");
}

#[tokio::test]
async fn automatic_capture_is_the_default_and_confirming_takes_the_money() {
    let app = App::start().await;
    let params = [
        ("amount", "500"),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
    ];
    let intent = app.post("/v1/payment_intents", &params).await;
    assert_eq!(intent.str("capture_method"), "automatic");
    assert_eq!(intent.str("status"), "succeeded");
    assert_eq!(intent.json()["amount_received"], 500);
    let charge = app.charges_of(&intent.str("id")).await.remove(0);
    assert_eq!(charge["amount_captured"], 500);
}

#[tokio::test]
async fn creating_with_confirm_authorises_at_once() {
    let app = App::start().await;
    let params = [
        ("amount", "500"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
    ];
    let intent = app.post("/v1/payment_intents", &params).await;
    assert_eq!(intent.str("status"), "requires_capture");
}

#[tokio::test]
async fn an_intent_without_a_method_takes_one_with_the_confirmation() {
    let app = App::start().await;
    let params = [("amount", "500"), ("currency", "usd"), ("confirm", "false")];
    let intent = app.post("/v1/payment_intents", &params).await;
    assert_eq!(intent.str("status"), "requires_payment_method");
    let id = intent.str("id");
    let bare = app.act(&id, "confirm").await;
    bare.is_error(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
    );
    let path = format!("/v1/payment_intents/{id}/confirm");
    let confirmed = app.post(&path, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(confirmed.str("status"), "succeeded");
}

#[tokio::test]
async fn part_of_an_authorisation_can_be_captured_and_no_more_than_all() {
    let app = App::start().await;
    let id = app.intent("pm_card_visa").await;
    app.act(&id, "confirm").await;
    let path = format!("/v1/payment_intents/{id}/capture");
    let more = app.post(&path, &[("amount_to_capture", "1300")]).await;
    more.is_error(400, "invalid_request_error", "amount_too_large");
    assert_eq!(app.status_of(&id).await, "requires_capture");
    let part = app
        .post(&path, &[("amount_to_capture", "1000")])
        .await
        .json();
    assert_eq!(part["status"], "succeeded");
    assert_eq!(part["amount_received"], 1000);
}

#[tokio::test]
async fn cancelling_releases_what_was_authorised() {
    let app = App::start().await;
    let unconfirmed = app.intent("pm_card_visa").await;
    assert_eq!(
        app.act(&unconfirmed, "cancel").await.str("status"),
        "canceled"
    );
    let authorised = app.intent("pm_card_visa").await;
    app.act(&authorised, "confirm").await;
    let path = format!("/v1/payment_intents/{authorised}/cancel");
    let canceled = app
        .post(&path, &[("cancellation_reason", "abandoned")])
        .await
        .json();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(canceled["cancellation_reason"], "abandoned");
    assert!(canceled["canceled_at"].is_i64());
    let charge = app.charges_of(&authorised).await.remove(0);
    assert_eq!(charge["captured"], false);
    assert_eq!(charge["refunded"], true);
    assert_eq!(charge["amount_refunded"], 1299);
}

#[tokio::test]
async fn every_illegal_transition_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let unconfirmed = app.intent("pm_card_visa").await;
    let authorised = app.intent("pm_card_visa").await;
    app.act(&authorised, "confirm").await;
    let captured = app.captured().await;
    let canceled = app.intent("pm_card_visa").await;
    app.act(&canceled, "cancel").await;
    let illegal = [
        (&unconfirmed, "requires_confirmation", vec!["capture"]),
        (&authorised, "requires_capture", vec!["confirm"]),
        (&captured, "succeeded", vec!["confirm", "capture", "cancel"]),
        (&canceled, "canceled", vec!["confirm", "capture", "cancel"]),
    ];
    for (id, status, actions) in illegal {
        for action in actions {
            let reply = app.act(id, action).await;
            let code = "payment_intent_unexpected_state";
            let error = reply.is_error(400, "invalid_request_error", code);
            assert_eq!(error["payment_intent"]["status"], status, "{action}");
            assert_eq!(app.status_of(id).await, status, "{action}");
        }
    }
    assert_eq!(app.charges_of(&captured).await.len(), 1);
}

#[tokio::test]
async fn what_does_not_exist_is_resource_missing() {
    let app = App::start().await;
    for path in ["confirm", "capture", "cancel"] {
        let reply = app.act("pi_unknown", path).await;
        reply.is_error(404, "invalid_request_error", "resource_missing");
    }
    let reply = app.get("/v1/payment_intents/pi_unknown").await;
    let error = reply.is_error(404, "invalid_request_error", "resource_missing");
    assert_eq!(error["message"], "No such payment_intent: 'pi_unknown'");
    let params = [
        ("amount", "5"),
        ("currency", "usd"),
        ("payment_method", "pm_nobody"),
    ];
    let reply = app.post("/v1/payment_intents", &params).await;
    let error = reply.is_error(400, "invalid_request_error", "resource_missing");
    assert_eq!(error["param"], "payment_method");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_confirmations_at_once_one_charges() {
    let app = App::start().await;
    let id = app.intent("pm_card_visa").await;
    let replies = futures::future::join_all((0..20).map(|_| app.act(&id, "confirm"))).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.is_error(
            400,
            "invalid_request_error",
            "payment_intent_unexpected_state",
        );
    }
    assert_eq!(app.charges_of(&id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_at_once_are_all_served() {
    let app = App::start().await;
    let buy = async || {
        let id = app.intent("pm_card_visa").await;
        assert_eq!(
            app.act(&id, "confirm").await.str("status"),
            "requires_capture"
        );
        assert_eq!(app.act(&id, "capture").await.str("status"), "succeeded");
    };
    futures::future::join_all((0..200).map(|_| buy())).await;
    let mut charges = 0;
    let mut after = String::new();
    loop {
        let page = app
            .get(&format!("/v1/charges?limit=100{after}"))
            .await
            .json();
        let data = page["data"].as_array().expect("a list");
        charges += data.len();
        if page["has_more"] == false {
            break;
        }
        after = format!(
            "&starting_after={}",
            data[99]["id"].as_str().expect("an id")
        );
    }
    assert_eq!(charges, 200);
}
