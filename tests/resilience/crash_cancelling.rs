//! `kill -9` of checkout in the middle of a cancellation.

use bothways_tests::{Case, Order, RECOVERY, Shop, cases, eventually};

use crate::{
    books::Purchase,
    crash::{arm, is_back},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_cancellation_killed_when_it_was_recorded_is_finished,
        a_cancellation_killed_when_it_was_done_stays_done,
    ]
}

async fn killed_at(shop: &Shop, step: &str) {
    let purchase = Purchase::prepare(shop).await;
    let order: Order = purchase.checkout.buy().await;
    assert_eq!(purchase.adds_up(shop).await, 1);
    let failpoint = arm(shop, step, &purchase.cart.id);
    let path = format!("{}/cancel", order.path());
    let cancel = async || {
        shop.post(&path)
            .bearer(&purchase.user.access_token)
            .try_send()
            .await
    };
    if let Ok(reply) = cancel().await {
        assert!(
            reply.status >= 500,
            "{step}: nobody died: {}",
            reply.summary()
        );
    }
    assert!(!failpoint.exists(), "{step} was never reached");
    is_back(shop, &purchase).await;
    let owner = &purchase.user.access_token;
    eventually(RECOVERY, "the order is cancelled", async || {
        let read = shop
            .get(&order.path())
            .bearer(owner)
            .send()
            .await
            .expect(200);
        if read["status"] == "cancelled" {
            Ok(())
        } else {
            Err(read.to_string())
        }
    })
    .await;
    // One of 5 was sold and came back, and its charge was given back, once.
    assert_eq!(purchase.adds_up(shop).await, 0);
    assert_eq!(refunded(shop, &purchase).await, purchase.price);
    let again = cancel().await.expect("an answer");
    assert!(
        again.status == 200 || again.is_problem("not-cancellable"),
        "{}",
        again.summary()
    );
    assert_eq!(purchase.adds_up(shop).await, 0);
    assert_eq!(refunded(shop, &purchase).await, purchase.price);
}

async fn refunded(shop: &Shop, purchase: &Purchase) -> i64 {
    let mut sum = 0;
    for intent in shop.ledger().of_amount(purchase.price).await {
        sum += shop.ledger().refunded(&intent).await;
    }
    sum
}

async fn a_cancellation_killed_when_it_was_recorded_is_finished(shop: &Shop) {
    killed_at(shop, "cancelling").await;
}

async fn a_cancellation_killed_when_it_was_done_stays_done(shop: &Shop) {
    killed_at(shop, "cancelled").await;
}
