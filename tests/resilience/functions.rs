//! Function instances that die.

use bothways_tests::{Case, Reply, SOON, Shop, cases, eventually};
use serde_json::json;

use crate::books::Purchase;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_instance_that_dies_gives_its_caller_api_gateways_500,
        instances_killed_while_idle_are_not_noticed,
        a_checkout_whose_instance_was_killed_is_finished_or_undone,
    ]
}

/// What API Gateway itself answers when a function failed.
#[track_caller]
pub(crate) fn assert_gateways_500(reply: &Reply) {
    assert_eq!(reply.status, 500, "{}", reply.summary());
    assert_eq!(
        reply.value(),
        json!({ "message": "Internal Server Error" }),
        "{}",
        reply.summary()
    );
}

/// Kills checkout's instances while one of them waits for a payment; gives the caller's answer.
async fn killed_in_payment(shop: &Shop) -> (Purchase, Reply) {
    let purchase = Purchase::prepare(shop).await.pay_with("pm_sandbox_timeout");
    let killing = async {
        eventually(SOON, "one is reserved", async || {
            let stock = shop.stock(&purchase.product.id).await;
            if stock["reserved"] == 1 {
                Ok(())
            } else {
                Err(stock.to_string())
            }
        })
        .await;
        shop.control().kill_instances("checkout").await;
    };
    let (reply, ()) = futures::join!(purchase.checkout.send(), killing);
    (purchase, reply)
}

async fn an_instance_that_dies_gives_its_caller_api_gateways_500(shop: &Shop) {
    let (purchase, reply) = killed_in_payment(shop).await;
    assert_gateways_500(&reply);
    let orders = shop
        .get("/api/orders")
        .bearer(&purchase.user.access_token)
        .send()
        .await;
    orders.expect(200);
}

async fn instances_killed_while_idle_are_not_noticed(shop: &Shop) {
    shop.get("/api/products?ids=x").send().await.expect(200);
    let killed = shop.control().instances("product").await;
    assert!(!killed.is_empty(), "an instance waits for the next request");
    shop.control().kill_instances("product").await;
    shop.get("/api/products?ids=x").send().await.expect(200);
    let now = shop.control().instances("product").await;
    assert!(
        !now.iter().any(|pid| killed.contains(pid)),
        "{killed:?} were killed, {now:?} run"
    );
}

async fn a_checkout_whose_instance_was_killed_is_finished_or_undone(shop: &Shop) {
    let (purchase, _) = killed_in_payment(shop).await;
    purchase.adds_up(shop).await;
    purchase.has_one_final_answer(shop).await;
}
