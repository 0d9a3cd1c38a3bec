//! Writing products: who may, and what a write does.

use bothways_tests::{Case, Shop, cases, id};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_new_product_is_created_and_an_old_one_replaced,
        a_written_product_is_visible_at_once,
        a_replaced_product_is_visible_at_once,
        replacing_keeps_nothing_of_the_old_product,
        replacing_with_the_same_is_fine,
        a_deleted_product_is_gone_at_once,
        deleting_what_is_gone_already_is_fine,
        a_deleted_product_can_be_written_again,
        writing_needs_a_sign_in,
        writing_needs_an_administrator,
        deleting_needs_an_administrator,
        a_refused_write_changes_nothing,
    ]
}

async fn a_new_product_is_created_and_an_old_one_replaced(shop: &Shop) {
    let product = shop.product().unwritten();
    assert_eq!(
        product.put(shop).await.expect(201)["id"],
        product.id.as_str()
    );
    assert_eq!(
        product.with("name", "Renamed").put(shop).await.expect(200)["name"],
        "Renamed"
    );
}

async fn a_written_product_is_visible_at_once(shop: &Shop) {
    for _ in 0..5 {
        let product = shop.product().create().await;
        let read = shop.get(&product.path()).send().await.expect(200);
        assert_eq!(read["name"], product.name());
    }
}

async fn a_replaced_product_is_visible_at_once(shop: &Shop) {
    let product = shop.product().create().await;
    for round in 1..=5 {
        let price = bothways_tests::money(1000 + round);
        product
            .with("price", price.clone())
            .put(shop)
            .await
            .expect(200);
        assert_eq!(
            shop.get(&product.path()).send().await.expect(200)["price"],
            price
        );
    }
}

async fn replacing_keeps_nothing_of_the_old_product(shop: &Shop) {
    let product = shop
        .product()
        .brand("Old")
        .with("attributes", json!({ "colour": "red" }))
        .create()
        .await;
    let mut plain = product.with("brand", json!(null));
    plain
        .body
        .as_object_mut()
        .expect("an object")
        .remove("attributes");
    plain.put(shop).await.expect(200);
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["brand"], json!(null));
    assert_eq!(read["attributes"], json!({}));
}

async fn replacing_with_the_same_is_fine(shop: &Shop) {
    let product = shop.product().create().await;
    product.put(shop).await.expect(200);
    product.put(shop).await.expect(200);
}

async fn a_deleted_product_is_gone_at_once(shop: &Shop) {
    let product = shop.product().create().await;
    product.delete(shop).await;
    shop.get(&product.path()).send().await.problem("not-found");
    let several = shop
        .get("/api/products")
        .query(&[("ids", &product.id)])
        .send()
        .await
        .expect(200);
    assert_eq!(several["products"], json!([]));
}

async fn deleting_what_is_gone_already_is_fine(shop: &Shop) {
    let product = shop.product().create().await;
    product.delete(shop).await;
    product.delete(shop).await;
    let never = format!("/api/products/{}", id());
    shop.delete(&never)
        .bearer(&shop.admin().await)
        .send()
        .await
        .expect(204);
}

async fn a_deleted_product_can_be_written_again(shop: &Shop) {
    let product = shop.product().create().await;
    product.delete(shop).await;
    product.put(shop).await.expect(201);
    shop.get(&product.path()).send().await.expect(200);
}

async fn writing_needs_a_sign_in(shop: &Shop) {
    let product = shop.product().unwritten();
    shop.put(&product.path())
        .json(&product.body)
        .send()
        .await
        .problem("unauthenticated");
    let made_up = shop
        .put(&product.path())
        .bearer("made up")
        .json(&product.body)
        .send()
        .await;
    made_up.problem("unauthenticated");
    shop.get(&product.path()).send().await.problem("not-found");
}

async fn writing_needs_an_administrator(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().unwritten());
    let ask = shop
        .put(&product.path())
        .bearer(&user.access_token)
        .json(&product.body);
    ask.send().await.problem("forbidden");
    shop.get(&product.path()).send().await.problem("not-found");
}

async fn deleting_needs_an_administrator(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().create().await);
    shop.delete(&product.path())
        .send()
        .await
        .problem("unauthenticated");
    shop.delete(&product.path())
        .bearer(&user.access_token)
        .send()
        .await
        .problem("forbidden");
    shop.get(&product.path()).send().await.expect(200);
}

async fn a_refused_write_changes_nothing(shop: &Shop) {
    let product = shop.product().create().await;
    product.with("name", "").put(shop).await.invalid("/name");
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["name"], product.name());
}
