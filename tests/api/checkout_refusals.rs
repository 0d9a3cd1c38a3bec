//! When nothing is sold, and that nothing is lost then.

use bothways_tests::{Cart, Case, Product, Shop, address, cases, id, money};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_empty_cart_can_not_be_bought,
        an_unknown_cart_is_not_found,
        more_than_is_in_stock_is_refused_and_named,
        only_the_products_that_lack_are_named,
        a_product_nobody_has_stocked_is_out_of_stock,
        a_deleted_product_is_out_of_stock,
        a_refusal_for_stock_reserves_nothing,
        a_refusal_for_stock_leaves_the_cart_as_it_was,
        another_total_than_expected_is_refused,
        a_price_that_changed_meanwhile_is_noticed,
        a_declined_card_is_refused,
        a_card_without_funds_is_refused,
        a_decline_releases_the_stock,
        a_decline_leaves_the_cart_as_it_was,
        after_a_decline_another_card_buys_the_cart,
        a_decline_is_answered_again_under_the_same_key,
        a_refusal_for_stock_is_answered_again_under_the_same_key,
        a_declined_key_can_not_be_used_for_another_card,
        an_unknown_payment_method_is_refused,
        a_bad_mail_address_is_refused,
        every_line_of_the_address_but_the_second_is_needed,
        an_unknown_member_of_the_address_is_refused,
        every_member_of_the_body_is_needed,
        a_broken_rule_does_not_use_up_the_key,
    ]
}

async fn stocked(shop: &Shop, on_hand: i64, quantity: i64) -> (Product, Cart) {
    let product = shop.product().stock(on_hand).create().await;
    let cart = shop.cart_of(&[(&product.id, quantity)]).await;
    (product, cart)
}

async fn an_empty_cart_can_not_be_bought(shop: &Shop) {
    let cart = shop.cart().await;
    shop.checkout(&cart.id).send().await.problem("cart-empty");
}

async fn an_unknown_cart_is_not_found(shop: &Shop) {
    shop.checkout(&id()).send().await.problem("not-found");
}

async fn more_than_is_in_stock_is_refused_and_named(shop: &Shop) {
    let (product, cart) = stocked(shop, 2, 3).await;
    let problem = shop.checkout(&cart.id).send().await.problem("out-of-stock");
    assert!(
        problem.to_string().contains(&product.id),
        "{problem} does not name {}",
        product.id
    );
}

async fn only_the_products_that_lack_are_named(shop: &Shop) {
    let (lacking, cart) = stocked(shop, 2, 3).await;
    let plenty = shop.product().stock(9).create().await;
    cart.put(&plenty.id, 1).await.expect(200);
    let problem = shop
        .checkout(&cart.id)
        .send()
        .await
        .problem("out-of-stock")
        .to_string();
    assert!(
        problem.contains(&lacking.id),
        "{problem} does not name {}",
        lacking.id
    );
    assert!(
        !problem.contains(&plenty.id),
        "{problem} names {}",
        plenty.id
    );
}

async fn a_product_nobody_has_stocked_is_out_of_stock(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).send().await.problem("out-of-stock");
}

async fn a_deleted_product_is_out_of_stock(shop: &Shop) {
    let (product, cart) = stocked(shop, 9, 1).await;
    product.delete(shop).await;
    let problem = shop.checkout(&cart.id).send().await.problem("out-of-stock");
    assert!(
        problem.to_string().contains(&product.id),
        "{problem} does not name {}",
        product.id
    );
}

async fn a_refusal_for_stock_reserves_nothing(shop: &Shop) {
    let (lacking, cart) = stocked(shop, 2, 3).await;
    let plenty = shop.product().stock(9).create().await;
    cart.put(&plenty.id, 1).await.expect(200);
    shop.checkout(&cart.id).send().await.problem("out-of-stock");
    shop.settles_at(&plenty.id, 9).await;
    shop.settles_at(&lacking.id, 2).await;
}

async fn a_refusal_for_stock_leaves_the_cart_as_it_was(shop: &Shop) {
    let (product, cart) = stocked(shop, 2, 3).await;
    shop.checkout(&cart.id).send().await.problem("out-of-stock");
    assert_eq!(cart.read().await["items"][0]["quantity"], 3);
    cart.put(&product.id, 2).await.expect(200);
    shop.checkout(&cart.id).buy().await;
}

async fn another_total_than_expected_is_refused(shop: &Shop) {
    let (product, cart) = stocked(shop, 9, 1).await;
    for wrong in [1299, 1797, 1799, 0] {
        let checkout = shop.checkout(&cart.id).with("expected_total", money(wrong));
        checkout.send().await.problem("total-changed");
    }
    shop.settles_at(&product.id, 9).await;
    shop.checkout(&cart.id)
        .with("expected_total", money(1798))
        .buy()
        .await;
}

async fn a_price_that_changed_meanwhile_is_noticed(shop: &Shop) {
    let (product, cart) = stocked(shop, 9, 1).await;
    product
        .with("price", money(1399))
        .put(shop)
        .await
        .expect(200);
    let checkout = shop.checkout(&cart.id).with("expected_total", money(1798));
    checkout.send().await.problem("total-changed");
    let order = shop
        .checkout(&cart.id)
        .with("expected_total", money(1898))
        .buy()
        .await;
    assert_eq!(order.total(), 1898);
}

async fn declined(shop: &Shop, cart: &Cart) {
    let checkout = shop.checkout(&cart.id).pay_with("pm_card_chargeDeclined");
    checkout.send().await.problem("payment-declined");
}

async fn a_declined_card_is_refused(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    declined(shop, &cart).await;
}

async fn a_card_without_funds_is_refused(shop: &Shop) {
    let (product, cart) = stocked(shop, 9, 1).await;
    let checkout = shop
        .checkout(&cart.id)
        .pay_with("pm_card_chargeDeclinedInsufficientFunds");
    checkout.send().await.problem("payment-declined");
    shop.settles_at(&product.id, 9).await;
}

async fn a_decline_releases_the_stock(shop: &Shop) {
    let (product, cart) = stocked(shop, 1, 1).await;
    declined(shop, &cart).await;
    shop.settles_at(&product.id, 1).await;
    let other = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&other.id).buy().await;
}

async fn a_decline_leaves_the_cart_as_it_was(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 2).await;
    let before = cart.read().await;
    declined(shop, &cart).await;
    let after = cart.read().await;
    assert_eq!(after["items"], before["items"]);
    assert_eq!(after["version"], before["version"]);
}

async fn after_a_decline_another_card_buys_the_cart(shop: &Shop) {
    let (product, cart) = stocked(shop, 2, 2).await;
    declined(shop, &cart).await;
    declined(shop, &cart).await;
    shop.checkout(&cart.id).buy().await;
    shop.settles_at(&product.id, 0).await;
}

async fn a_decline_is_answered_again_under_the_same_key(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_card_chargeDeclined");
    let first = checkout.send().await;
    first.problem("payment-declined");
    let again = checkout.send().await;
    again.problem("payment-declined");
    assert_eq!(again.must_header("idempotent-replayed"), "true");
    assert_eq!(again.value(), first.value());
}

async fn a_refusal_for_stock_is_answered_again_under_the_same_key(shop: &Shop) {
    let (product, cart) = stocked(shop, 0, 1).await;
    let checkout = shop.checkout(&cart.id);
    let first = checkout.send().await;
    first.problem("out-of-stock");
    shop.restock(&product.id, 5).await;
    let again = checkout.send().await;
    again.problem("out-of-stock");
    assert_eq!(again.value(), first.value());
    assert_eq!(again.must_header("idempotent-replayed"), "true");
    shop.checkout(&cart.id).buy().await;
}

async fn a_declined_key_can_not_be_used_for_another_card(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_card_chargeDeclined");
    checkout.send().await.problem("payment-declined");
    checkout
        .clone()
        .pay_with("pm_card_visa")
        .send()
        .await
        .problem("idempotency-key-reused");
}

async fn an_unknown_payment_method_is_refused(shop: &Shop) {
    let (product, cart) = stocked(shop, 9, 1).await;
    for unknown in ["pm_card_unheard_of", "", "4242424242424242"] {
        shop.checkout(&cart.id)
            .pay_with(unknown)
            .send()
            .await
            .invalid("/payment_method");
    }
    shop.settles_at(&product.id, 9).await;
}

async fn a_bad_mail_address_is_refused(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    for wrong in ["", "robin", "@", "robin@"] {
        shop.checkout(&cart.id)
            .with("email", wrong)
            .send()
            .await
            .invalid("/email");
    }
}

async fn with_address(
    shop: &Shop,
    cart: &Cart,
    change: impl FnOnce(&mut Value),
) -> bothways_tests::Reply {
    let mut address = address();
    change(&mut address);
    shop.checkout(&cart.id)
        .with("shipping_address", address)
        .send()
        .await
}

async fn every_line_of_the_address_but_the_second_is_needed(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    for line in ["name", "line1", "city", "postal_code", "country"] {
        let empty = with_address(shop, &cart, |address| address[line] = json!("")).await;
        empty.invalid(&format!("/shipping_address/{line}"));
        let missing = with_address(shop, &cart, |address| {
            address.as_object_mut().expect("an object").remove(line);
        });
        missing.await.invalid_within("/shipping_address");
    }
}

async fn an_unknown_member_of_the_address_is_refused(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    let reply = with_address(shop, &cart, |address| address["planet"] = json!("Earth")).await;
    reply.invalid("/shipping_address/planet");
}

async fn every_member_of_the_body_is_needed(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    for member in ["cart_id", "email", "shipping_address", "payment_method"] {
        shop.checkout(&cart.id)
            .without(member)
            .send()
            .await
            .problem("validation");
    }
}

async fn a_broken_rule_does_not_use_up_the_key(shop: &Shop) {
    let (_, cart) = stocked(shop, 9, 1).await;
    let checkout = shop.checkout(&cart.id);
    checkout
        .clone()
        .with("email", "robin")
        .send()
        .await
        .invalid("/email");
    checkout.buy().await;
}
