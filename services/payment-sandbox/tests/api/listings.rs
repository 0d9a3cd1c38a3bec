//! Listings and their pages.

use serde_json::Value;

use crate::app::App;

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().expect("a list");
    data.iter()
        .map(|entry| entry["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn intents_are_listed_newest_first_page_by_page() {
    let app = App::start().await;
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(app.intent("pm_card_visa").await);
    }
    created.reverse();
    let first = app.get("/v1/payment_intents?limit=2").await.json();
    assert_eq!(first["object"], "list");
    assert_eq!(first["has_more"], true);
    assert_eq!(ids(&first), created[..2]);
    let path = format!("/v1/payment_intents?limit=3&starting_after={}", created[1]);
    let rest = app.get(&path).await.json();
    assert_eq!(rest["has_more"], false);
    assert_eq!(ids(&rest), created[2..]);
}

#[tokio::test]
async fn a_page_has_ten_entries_unless_asked_otherwise_and_at_most_a_hundred() {
    let app = App::start().await;
    for _ in 0..11 {
        app.intent("pm_card_visa").await;
    }
    let page = app.get("/v1/payment_intents").await.json();
    assert_eq!(ids(&page).len(), 10);
    assert_eq!(page["has_more"], true);
    assert_eq!(app.get("/v1/payment_intents?limit=100").await.status, 200);
    for limit in ["0", "101", "-1", "ten"] {
        let reply = app.get(&format!("/v1/payment_intents?limit={limit}")).await;
        reply.is_error(400, "invalid_request_error", "parameter_invalid_integer");
    }
}

#[tokio::test]
async fn charges_and_refunds_are_listed_by_intent_or_all() {
    let app = App::start().await;
    let (one, other) = (app.captured().await, app.captured().await);
    for id in [&one, &other] {
        for _ in 0..2 {
            app.post("/v1/refunds", &[("payment_intent", id), ("amount", "100")])
                .await;
        }
    }
    let charges = app.get("/v1/charges").await.json();
    assert_eq!(charges["data"][0]["payment_intent"], other.as_str());
    assert_eq!(charges["data"][1]["payment_intent"], one.as_str());
    let after = format!("/v1/charges?limit=1&starting_after={}", ids(&charges)[0]);
    assert_eq!(ids(&app.get(&after).await.json()), ids(&charges)[1..]);
    let refunds = app.get("/v1/refunds").await.json();
    assert_eq!(ids(&refunds).len(), 4);
    let of_one = app
        .get(&format!("/v1/refunds?payment_intent={one}&limit=1"))
        .await
        .json();
    assert_eq!(of_one["has_more"], true);
    let after = format!(
        "/v1/refunds?payment_intent={one}&starting_after={}",
        ids(&of_one)[0]
    );
    assert_eq!(ids(&app.get(&after).await.json()).len(), 1);
}

#[tokio::test]
async fn a_page_after_something_unknown_is_refused() {
    let app = App::start().await;
    for list in ["payment_intents", "charges", "refunds"] {
        let reply = app
            .get(&format!("/v1/{list}?starting_after=xx_unknown"))
            .await;
        let error = reply.is_error(400, "invalid_request_error", "resource_missing");
        assert_eq!(error["param"], "starting_after");
    }
}
