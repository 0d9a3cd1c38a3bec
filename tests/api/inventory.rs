//! What is in stock.

use bothways_tests::{Case, SOON, Shop, cases, eventually};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        what_was_put_on_hand_is_available,
        putting_on_hand_sets_and_does_not_add,
        stock_is_shown_to_administrators_only,
        stock_is_set_by_administrators_only,
        on_hand_is_a_whole_number_from_0,
        on_hand_must_be_said,
        an_unknown_member_is_refused,
        an_impossible_id_is_refused_when_written,
        a_sale_lowers_what_is_on_hand,
        an_order_in_progress_is_reserved_and_not_available,
        on_hand_can_not_be_set_below_what_is_reserved,
    ]
}

async fn put(shop: &Shop, product: &str, body: Value) -> bothways_tests::Reply {
    let path = format!("/api/inventory/{product}");
    shop.put(&path)
        .bearer(&shop.admin().await)
        .json(&body)
        .send()
        .await
}

async fn what_was_put_on_hand_is_available(shop: &Shop) {
    let product = shop.product().create().await.id;
    let expected = json!({ "product_id": product, "on_hand": 7, "reserved": 0, "available": 7 });
    put(shop, &product, json!({ "on_hand": 7 }))
        .await
        .expect(200);
    assert_eq!(shop.stock(&product).await, expected);
}

async fn putting_on_hand_sets_and_does_not_add(shop: &Shop) {
    let product = shop.product().stock(7).create().await.id;
    put(shop, &product, json!({ "on_hand": 4 }))
        .await
        .expect(200);
    put(shop, &product, json!({ "on_hand": 4 }))
        .await
        .expect(200);
    assert_eq!(shop.stock(&product).await["on_hand"], 4);
}

async fn stock_is_shown_to_administrators_only(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(7).create().await);
    let path = format!("/api/inventory/{}", product.id);
    shop.get(&path).send().await.problem("unauthenticated");
    shop.get(&path)
        .bearer(&user.access_token)
        .send()
        .await
        .problem("forbidden");
}

async fn stock_is_set_by_administrators_only(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(7).create().await);
    let ask = || {
        shop.put(&format!("/api/inventory/{}", product.id))
            .json(&json!({ "on_hand": 1 }))
    };
    ask().send().await.problem("unauthenticated");
    ask()
        .bearer(&user.access_token)
        .send()
        .await
        .problem("forbidden");
    assert_eq!(shop.stock(&product.id).await["on_hand"], 7);
}

async fn on_hand_is_a_whole_number_from_0(shop: &Shop) {
    let product = shop.product().create().await.id;
    put(shop, &product, json!({ "on_hand": 0 }))
        .await
        .expect(200);
    for wrong in [json!(-1), json!(1.5), json!("1"), json!(null)] {
        put(shop, &product, json!({ "on_hand": wrong }))
            .await
            .invalid("/on_hand");
    }
}

async fn on_hand_must_be_said(shop: &Shop) {
    let product = shop.product().create().await.id;
    put(shop, &product, json!({})).await.problem("validation");
}

async fn an_unknown_member_is_refused(shop: &Shop) {
    let product = shop.product().create().await.id;
    let body = json!({ "on_hand": 3, "reserved": 3 });
    put(shop, &product, body).await.invalid("/reserved");
}

async fn an_impossible_id_is_refused_when_written(shop: &Shop) {
    for impossible in ["x".repeat(65).as_str(), "a%20b"] {
        put(shop, impossible, json!({ "on_hand": 3 }))
            .await
            .problem("validation");
    }
}

async fn a_sale_lowers_what_is_on_hand(shop: &Shop) {
    let product = shop.product().stock(5).create().await.id;
    let cart = shop.cart_of(&[(&product, 2)]).await;
    shop.checkout(&cart.id).buy().await;
    shop.settles_at(&product, 3).await;
    assert_eq!(shop.stock(&product).await["available"], 3);
}

/// Runs `meanwhile` while one of the product, of which there are 5, is reserved by a checkout that
/// waits for its payment.
async fn while_reserved(shop: &Shop, meanwhile: impl AsyncFnOnce(&str)) {
    let product = shop.product().stock(5).create().await.id;
    let cart = shop.cart_of(&[(&product, 1)]).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_sandbox_timeout");
    let looking = async {
        eventually(SOON, "one is reserved", async || {
            let stock = shop.stock(&product).await;
            if stock["reserved"] == 1 {
                Ok(())
            } else {
                Err(stock.to_string())
            }
        })
        .await;
        meanwhile(&product).await;
    };
    // Whatever the payment comes to is not the point here.
    let (_, ()) = futures::join!(checkout.try_send(), looking);
}

async fn an_order_in_progress_is_reserved_and_not_available(shop: &Shop) {
    while_reserved(shop, async |product: &str| {
        let expected =
            json!({ "product_id": product, "on_hand": 5, "reserved": 1, "available": 4 });
        assert_eq!(shop.stock(product).await, expected);
    })
    .await;
}

async fn on_hand_can_not_be_set_below_what_is_reserved(shop: &Shop) {
    while_reserved(shop, async |product: &str| {
        put(shop, product, json!({ "on_hand": 0 }))
            .await
            .problem("conflict");
        put(shop, product, json!({ "on_hand": 1 }))
            .await
            .expect(200);
    })
    .await;
}
