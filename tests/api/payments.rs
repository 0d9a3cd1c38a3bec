//! What the payment provider's books say, which is what a customer's bank sees.

use bothways_tests::{Case, Intent, Order, RECOVERY, SOON, Shop, cases, eventually, price};
use futures::future::join_all;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_confirmed_order_is_charged_once_and_exactly,
        the_same_key_again_is_not_charged_again,
        several_checkouts_of_a_cart_at_once_are_charged_once,
        a_decline_charges_nothing,
        a_refusal_for_stock_asks_for_no_payment,
        another_total_than_expected_asks_for_no_payment,
        a_cancelled_order_is_refunded_once,
        cancelling_several_times_at_once_refunds_once,
        a_provider_that_fails_is_unavailable_and_charges_nothing,
        a_provider_that_fails_leaves_no_reservation_behind,
        card_data_is_not_taken,
    ]
}

async fn bought_at(shop: &Shop, price: i64) -> Order {
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).buy().await
}

/// Waits for exactly one charge of this order and nothing else of it.
async fn the_charge(shop: &Shop, order: &Order) -> Intent {
    eventually(SOON, "one charge", async || {
        let intents = shop.ledger().of_order(&order.id).await;
        match intents.as_slice() {
            [only] if only.is_charge() => Ok(only.clone()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

async fn a_confirmed_order_is_charged_once_and_exactly(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let charge = the_charge(shop, &order).await;
    assert_eq!(charge.amount, 1798);
    assert_eq!(charge.currency, "usd");
    assert_eq!(shop.ledger().refunded(&charge).await, 0);
}

async fn the_same_key_again_is_not_charged_again(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id);
    let order = checkout.buy().await;
    checkout.buy().await;
    the_charge(shop, &order).await;
    assert_eq!(shop.ledger().of_amount(price).await.len(), 1);
}

async fn several_checkouts_of_a_cart_at_once_are_charged_once(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let same = shop.checkout(&cart.id);
    let replies = join_all((0..6).map(async |n| {
        if n % 2 == 0 {
            same.send().await
        } else {
            shop.checkout(&cart.id).send().await
        }
    }))
    .await;
    let bought = replies
        .iter()
        .find(|reply| reply.status == 201)
        .expect("one succeeds");
    the_charge(shop, &Order::from(&bought.value())).await;
    assert_eq!(
        shop.ledger()
            .of_amount(price)
            .await
            .iter()
            .filter(|i| i.is_charge())
            .count(),
        1
    );
}

/// Nothing of this amount was taken or is held.
async fn assert_not_charged(shop: &Shop, amount: i64) {
    let intents = shop.ledger().of_amount(amount).await;
    assert!(
        !intents
            .iter()
            .any(|intent| intent.is_charge() || intent.is_held()),
        "{intents:?}"
    );
}

async fn a_decline_charges_nothing(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_card_chargeDeclined");
    checkout.send().await.problem("payment-declined");
    assert_not_charged(shop, price).await;
}

async fn a_refusal_for_stock_asks_for_no_payment(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(0).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).send().await.problem("out-of-stock");
    assert_not_charged(shop, price).await;
}

async fn another_total_than_expected_asks_for_no_payment(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop
        .checkout(&cart.id)
        .with("expected_total", bothways_tests::money(price - 1));
    checkout.send().await.problem("total-changed");
    assert_not_charged(shop, price).await;
}

/// Waits until the whole charge was given back, and no more than that.
async fn is_refunded(shop: &Shop, charge: &Intent) {
    eventually(SOON, "the charge is refunded", async || {
        let refunded = shop.ledger().refunded(charge).await;
        if refunded == charge.amount {
            Ok(())
        } else {
            Err(refunded.to_string())
        }
    })
    .await;
}

async fn a_cancelled_order_is_refunded_once(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let charge = the_charge(shop, &order).await;
    order.cancel(shop).await.expect(200);
    is_refunded(shop, &charge).await;
    order.cancel(shop).await;
    is_refunded(shop, &charge).await;
}

async fn cancelling_several_times_at_once_refunds_once(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let charge = the_charge(shop, &order).await;
    join_all((0..6).map(|_| order.cancel(shop))).await;
    is_refunded(shop, &charge).await;
}

async fn a_provider_that_fails_is_unavailable_and_charges_nothing(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_sandbox_unavailable");
    checkout.send().await.problem("payment-unavailable");
    assert_not_charged(shop, price).await;
    assert_eq!(
        cart.read().await["items"][0]["quantity"],
        1,
        "nothing is lost"
    );
}

async fn a_provider_that_fails_leaves_no_reservation_behind(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_sandbox_unavailable");
    checkout.send().await.problem("payment-unavailable");
    shop.settles_within(RECOVERY, &product.id, 9).await;
}

async fn card_data_is_not_taken(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop
        .checkout(&cart.id)
        .with("card_number", "4242424242424242");
    checkout.send().await.invalid("/card_number");
}
