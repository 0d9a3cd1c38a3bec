//! Buying.

use bothways_tests::{
    Case, Order, SOON, Shop, address, cases, entries, eventually, key, members, money,
};
use serde_json::{Value, json};

use crate::system::assert_time;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guest_buys_and_gets_an_order,
        an_order_has_the_members_of_the_contract_and_no_others,
        an_order_says_what_was_bought_for_how_much,
        shipping_is_free_from_50_00,
        shipping_is_4_99_below_50_00,
        shipping_depends_on_the_whole_cart,
        a_second_line_of_the_address_is_kept,
        the_cart_is_empty_after_it_was_bought,
        what_was_sold_is_no_longer_on_hand,
        the_last_one_can_be_bought,
        an_order_begins_pending_and_is_then_confirmed,
        an_order_keeps_the_names_and_prices_it_was_placed_with,
        the_right_expected_total_is_charged,
        the_same_key_and_body_again_gives_the_same_answer,
        the_same_key_again_does_not_sell_twice,
        the_order_of_members_does_not_make_another_body,
        the_same_key_with_another_body_is_refused,
        a_checkout_without_a_key_is_refused,
        a_key_of_255_characters_is_taken_and_one_of_256_is_not,
        a_key_of_all_visible_ascii_characters_is_taken,
        a_key_with_a_space_or_an_umlaut_is_refused,
        a_cart_can_be_filled_and_bought_again,
        a_signed_in_buyer_owns_the_order,
        orders_have_ids_nobody_can_guess,
    ]
}

/// A guest buys one of a product at `price`.
pub(crate) async fn bought_at(shop: &Shop, price: i64) -> Order {
    let product = shop.product().price(price).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).buy().await
}

async fn a_guest_buys_and_gets_an_order(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let reply = shop.checkout(&cart.id).send().await;
    let order = Order::from(&reply.expect(201));
    assert_eq!(reply.must_header("location"), order.path());
    assert_eq!(order.body["status"], "confirmed");
    assert_eq!(order.read(shop).await["id"], order.id);
}

async fn an_order_has_the_members_of_the_contract_and_no_others(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let expected = [
        "created_at",
        "email",
        "id",
        "items",
        "shipping",
        "shipping_address",
        "status",
        "subtotal",
        "timeline",
        "total",
    ];
    assert_eq!(members(&order.read(shop).await), expected);
    let item = ["line_total", "name", "product_id", "quantity", "unit_price"];
    assert_eq!(members(&order.body["items"][0]), item);
    let with_token = [&["access_token"], expected.as_slice()].concat();
    assert_eq!(members(&order.body), with_token);
    assert_time(&order.body["created_at"]);
}

async fn an_order_says_what_was_bought_for_how_much(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 3)]).await;
    let checkout = shop.checkout(&cart.id);
    let order = checkout.buy().await;
    let item = json!({
        "product_id": product.id, "name": product.name(), "unit_price": money(1299), "quantity": 3,
        "line_total": money(3897),
    });
    assert_eq!(order.body["items"], json!([item]));
    assert_eq!(order.body["subtotal"], money(3897));
    assert_eq!(order.body["shipping"], money(499));
    assert_eq!(order.body["total"], money(4396));
    assert_eq!(order.body["email"], checkout.body["email"]);
    for line in ["name", "line1", "city", "postal_code", "country"] {
        assert_eq!(
            order.body["shipping_address"][line],
            address()[line],
            "{line}"
        );
    }
}

async fn shipping_is_free_from_50_00(shop: &Shop) {
    let order = bought_at(shop, 5000).await;
    assert_eq!(order.body["shipping"], money(0));
    assert_eq!(order.body["total"], money(5000));
}

async fn shipping_is_4_99_below_50_00(shop: &Shop) {
    let order = bought_at(shop, 4999).await;
    assert_eq!(order.body["shipping"], money(499));
    assert_eq!(order.body["total"], money(5498));
}

async fn shipping_depends_on_the_whole_cart(shop: &Shop) {
    let first = shop.product().price(2000).stock(9).create().await;
    let second = shop.product().price(3000).stock(9).create().await;
    let cart = shop.cart_of(&[(&first.id, 1), (&second.id, 1)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    assert_eq!(order.body["shipping"], money(0));
    assert_eq!(order.body["total"], money(5000));
}

async fn a_second_line_of_the_address_is_kept(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let mut address = address();
    address["line2"] = json!("Third floor");
    let order = shop
        .checkout(&cart.id)
        .with("shipping_address", address.clone())
        .buy()
        .await;
    assert_eq!(order.body["shipping_address"], address);
}

async fn the_cart_is_empty_after_it_was_bought(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).buy().await;
    eventually(SOON, "the cart is empty", async || {
        let items = cart.read().await["items"].clone();
        if items == json!([]) {
            Ok(())
        } else {
            Err(items.to_string())
        }
    })
    .await;
}

async fn what_was_sold_is_no_longer_on_hand(shop: &Shop) {
    let first = shop.product().stock(9).create().await;
    let second = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&first.id, 2), (&second.id, 5)]).await;
    shop.checkout(&cart.id).buy().await;
    shop.settles_at(&first.id, 7).await;
    shop.settles_at(&second.id, 4).await;
}

async fn the_last_one_can_be_bought(shop: &Shop) {
    let product = shop.product().stock(1).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).buy().await;
    shop.settles_at(&product.id, 0).await;
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["availability"], "out_of_stock");
}

async fn an_order_begins_pending_and_is_then_confirmed(shop: &Shop) {
    let order = bought_at(shop, 1299).await.read(shop).await;
    let steps: Vec<&Value> = entries(&order["timeline"])
        .iter()
        .map(|entry| &entry["status"])
        .collect();
    assert_eq!(steps, ["pending", "confirmed"]);
    let times: Vec<_> = entries(&order["timeline"])
        .iter()
        .map(|entry| assert_time(&entry["at"]))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

async fn an_order_keeps_the_names_and_prices_it_was_placed_with(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    product
        .with("name", "Renamed")
        .with("price", money(9900))
        .put(shop)
        .await
        .expect(200);
    let later = order.read(shop).await;
    assert_eq!(later["items"][0]["name"], product.name());
    assert_eq!(later["items"][0]["unit_price"], money(1299));
    assert_eq!(later["total"], order.body["total"]);
    product.delete(shop).await;
    assert_eq!(order.read(shop).await["items"], later["items"]);
}

async fn the_right_expected_total_is_charged(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let order = shop
        .checkout(&cart.id)
        .with("expected_total", money(1798))
        .buy()
        .await;
    assert_eq!(order.total(), 1798);
}

async fn the_same_key_and_body_again_gives_the_same_answer(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id);
    let first = checkout.send().await;
    first.expect(201);
    assert_ne!(first.header("idempotent-replayed"), Some("true"));
    for _ in 0..3 {
        let again = checkout.send().await;
        assert_eq!(again.expect(201), first.value());
        assert_eq!(again.must_header("idempotent-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
    }
}

async fn the_same_key_again_does_not_sell_twice(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 4)]).await;
    let checkout = shop.checkout(&cart.id);
    checkout.buy().await;
    checkout.buy().await;
    shop.settles_at(&product.id, 5).await;
}

async fn the_order_of_members_does_not_make_another_body(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id);
    let first = checkout.buy().await;
    let sent = checkout.body.as_object().expect("an object").iter().rev();
    let turned: Vec<String> = sent
        .map(|(name, value)| format!("  {name:?} : {value}"))
        .collect();
    let again = shop
        .post("/api/checkout")
        .header(
            "idempotency-key",
            checkout.key.as_deref().unwrap_or_default(),
        )
        .body("application/json", format!("{{{}}}", turned.join(",")));
    assert_eq!(again.send().await.expect(201)["id"], first.id);
}

async fn the_same_key_with_another_body_is_refused(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let checkout = shop.checkout(&cart.id);
    checkout.buy().await;
    let other = checkout.clone().with("email", bothways_tests::email());
    other.send().await.problem("idempotency-key-reused");
    let fuller = shop.cart_of(&[(&product.id, 2)]).await;
    checkout
        .clone()
        .with("cart_id", fuller.id.as_str())
        .send()
        .await
        .problem("idempotency-key-reused");
    shop.settles_at(&product.id, 8).await;
}

async fn a_checkout_without_a_key_is_refused(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id)
        .without_key()
        .send()
        .await
        .problem("idempotency-key-missing");
    shop.checkout(&cart.id).buy().await;
}

async fn checkout_under(shop: &Shop, key: &str) -> bothways_tests::Reply {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).key(key).send().await
}

async fn a_key_of_255_characters_is_taken_and_one_of_256_is_not(shop: &Shop) {
    let key = format!("{:x<255}", key());
    checkout_under(shop, &key).await.expect(201);
    let reply = checkout_under(shop, &format!("{key}x")).await;
    assert!(matches!(reply.status, 400 | 422), "{}", reply.summary());
}

async fn a_key_of_all_visible_ascii_characters_is_taken(shop: &Shop) {
    let visible: String = ('!'..='~').collect();
    checkout_under(shop, &format!("{}{visible}", key()))
        .await
        .expect(201);
}

async fn a_key_with_a_space_or_an_umlaut_is_refused(shop: &Shop) {
    for wrong in [format!("{} x", key()), format!("{}ü", key())] {
        let reply = checkout_under(shop, &wrong).await;
        assert!(matches!(reply.status, 400 | 422), "{}", reply.summary());
    }
}

async fn a_cart_can_be_filled_and_bought_again(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let first = shop.checkout(&cart.id).buy().await;
    eventually(SOON, "the cart is empty", async || {
        let items = cart.read().await["items"].clone();
        if items == json!([]) {
            Ok(())
        } else {
            Err(items.to_string())
        }
    })
    .await;
    cart.put(&product.id, 2).await.expect(200);
    let second = shop.checkout(&cart.id).buy().await;
    assert_ne!(first.id, second.id);
    shop.settles_at(&product.id, 6).await;
}

async fn a_signed_in_buyer_owns_the_order(shop: &Shop) {
    let user = shop.user().await;
    let product = shop.product().stock(9).create().await;
    let cart = shop
        .cart_of(&[(&product.id, 1)])
        .await
        .claimed_by(&user)
        .await;
    let order = shop.checkout(&cart.id).by(&user).buy().await;
    let read = shop
        .get(&order.path())
        .bearer(&user.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(read["id"], order.id);
}

async fn orders_have_ids_nobody_can_guess(shop: &Shop) {
    let (first, second) = (bought_at(shop, 1299).await, bought_at(shop, 1299).await);
    for order in [&first, &second] {
        assert!(order.id.len() >= 16, "{} can be guessed", order.id);
        assert!(
            order.access_token.len() >= 16,
            "{} can be guessed",
            order.access_token
        );
    }
    assert_ne!(first.id, second.id);
    assert_ne!(first.access_token, second.access_token);
}
