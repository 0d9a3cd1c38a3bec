//! `kill -9` of checkout in the middle of cancellations.

use bothways_tests::{Case, FailPoint, Order, RECOVERY, Shop, cases, eventually};
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};

use crate::{
    books::Purchase,
    crash::{is_back, until_it_dies},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_cancellation_killed_when_it_was_recorded_is_finished,
        a_cancellation_killed_when_it_was_done_stays_done,
        cancellations_interrupted_anywhere_refund_and_restock_once,
    ]
}

/// Enough that the kill finds them at different points.
const ORDERS: usize = 8;

/// A purchase that was confirmed and charged.
async fn bought(shop: &Shop) -> (Purchase, Order) {
    let purchase = Purchase::prepare(shop).await;
    // Asked again while the gateway takes checkout for failing, because of the kills before this.
    let bought = eventually(RECOVERY, "it is bought", async || {
        purchase.checkout.attempt_final().await
    });
    let order = Order::from(&bought.await.expect(201));
    assert_eq!(purchase.adds_up(shop).await, 1);
    (purchase, order)
}

async fn cancel(shop: &Shop, purchase: &Purchase, order: &Order) -> Result<(), String> {
    let ask = shop.post(&format!("{}/cancel", order.path()));
    let reply = ask.bearer(&purchase.user.access_token).try_send().await?;
    let cancelled = reply.status == 200 || reply.is_problem("not-cancellable");
    if cancelled {
        Ok(())
    } else {
        Err(reply.summary())
    }
}

async fn cancellations_interrupted_anywhere_refund_and_restock_once(shop: &Shop) {
    let mut purchases = Vec::new();
    for _ in 0..ORDERS {
        purchases.push(bought(shop).await);
    }
    // The first answer shows that they are under way: that is when the others are interrupted.
    let asked = purchases
        .iter()
        .map(|(purchase, order)| cancel(shop, purchase, order));
    let mut asked: FuturesUnordered<_> = asked.collect();
    let first = asked.next().await;
    let (rest, ()) = futures::join!(asked.collect::<Vec<_>>(), shop.kill("checkout"));
    assert!(first.is_some() && rest.len() == ORDERS - 1);

    join_all(
        purchases
            .iter()
            .map(|(purchase, order)| is_cancelled_once(shop, purchase, order)),
    )
    .await;
}

/// Whoever got no answer asks again; then it is cancelled, once.
async fn is_cancelled_once(shop: &Shop, purchase: &Purchase, order: &Order) {
    eventually(RECOVERY, "the order is cancelled", async || {
        cancel(shop, purchase, order).await
    })
    .await;
    was_undone_once(shop, purchase, order).await;
}

/// One of 5 was sold and came back, and its charge was given back, once.
async fn was_undone_once(shop: &Shop, purchase: &Purchase, order: &Order) {
    let owner = &purchase.user.access_token;
    let read = shop
        .get(&order.path())
        .bearer(owner)
        .send()
        .await
        .expect(200);
    assert_eq!(read["status"], "cancelled");
    assert_eq!(purchase.adds_up(shop).await, 0);
    let mut refunded = 0;
    for intent in shop.ledger().of_amount(purchase.price).await {
        refunded += shop.ledger().refunded(&intent).await;
    }
    assert_eq!(refunded, purchase.price);
}

/// Lets checkout die right after `step` of a cancellation. Recovery finishes it without anybody
/// asking again, and asking again changes nothing.
async fn killed_at(shop: &Shop, step: &str) {
    let (purchase, order) = bought(shop).await;
    let fail_point = FailPoint::set(shop, &format!("{step}.{}", purchase.cart.id));
    until_it_dies(step, &fail_point, async || {
        let cancelled = cancel(shop, &purchase, &order).await;
        cancelled.map(|()| "it is cancelled".to_owned())
    })
    .await;
    is_back(shop, &purchase).await;
    was_undone_once(shop, &purchase, &order).await;
    is_cancelled_once(shop, &purchase, &order).await;
}

async fn a_cancellation_killed_when_it_was_recorded_is_finished(shop: &Shop) {
    killed_at(shop, "cancelling").await;
}

async fn a_cancellation_killed_when_it_was_done_stays_done(shop: &Shop) {
    killed_at(shop, "cancelled").await;
}
