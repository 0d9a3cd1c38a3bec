//! What a product may be: each limit at it and one past it.

use bothways_tests::{Case, Product, Reply, Shop, cases, money};
use serde_json::{Map, Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_name_of_1_to_500_characters_is_taken,
        a_name_of_0_or_501_characters_is_not,
        a_name_is_counted_in_characters_and_not_in_bytes,
        a_description_of_20_000_characters_is_taken_and_one_more_is_not,
        a_category_of_6_levels_is_taken_and_7_are_not,
        a_product_without_a_category_is_taken,
        two_hundred_attributes_are_taken_and_201_are_not,
        an_attribute_that_is_not_text_is_refused,
        a_rating_from_0_to_5_is_taken,
        a_rating_outside_0_to_5_is_refused,
        a_price_in_another_currency_is_refused,
        a_price_is_never_a_fraction_or_text,
        a_negative_price_is_refused,
        a_product_without_a_price_is_refused,
        an_unknown_member_is_refused_so_that_a_typo_is_not_ignored,
        an_unknown_member_of_the_price_is_refused,
        an_impossible_id_is_refused_when_written,
        a_body_of_exactly_1_mib_is_taken_and_one_byte_more_is_not,
        every_broken_rule_of_a_product_is_named_at_once,
        a_body_nested_too_deeply_is_refused,
    ]
}

async fn with(shop: &Shop, member: &str, value: impl Into<Value>) -> Reply {
    shop.product().with(member, value).attempt().await
}

async fn a_name_of_1_to_500_characters_is_taken(shop: &Shop) {
    with(shop, "name", "x").await.expect(201);
    with(shop, "name", "x".repeat(500)).await.expect(201);
}

async fn a_name_of_0_or_501_characters_is_not(shop: &Shop) {
    with(shop, "name", "").await.invalid("/name");
    with(shop, "name", "x".repeat(501)).await.invalid("/name");
}

async fn a_name_is_counted_in_characters_and_not_in_bytes(shop: &Shop) {
    with(shop, "name", "ß".repeat(500)).await.expect(201);
    with(shop, "name", "ß".repeat(501)).await.invalid("/name");
}

async fn a_description_of_20_000_characters_is_taken_and_one_more_is_not(shop: &Shop) {
    with(shop, "description", "").await.expect(201);
    with(shop, "description", "d".repeat(20_000))
        .await
        .expect(201);
    with(shop, "description", "d".repeat(20_001))
        .await
        .invalid("/description");
}

async fn a_category_of_6_levels_is_taken_and_7_are_not(shop: &Shop) {
    let levels = ["Trials", "2", "3", "4", "5", "6", "7"];
    with(shop, "category", levels[..6].to_vec())
        .await
        .expect(201);
    with(shop, "category", levels.to_vec())
        .await
        .invalid("/category");
}

async fn a_product_without_a_category_is_taken(shop: &Shop) {
    let product = shop.product().category(&[]).create().await;
    assert_eq!(
        shop.get(&product.path()).send().await.expect(200)["category"],
        json!([])
    );
}

fn attributes(count: usize) -> Value {
    let pairs = (0..count).map(|n| (format!("attribute {n}"), json!("x")));
    Value::Object(pairs.collect::<Map<_, _>>())
}

async fn two_hundred_attributes_are_taken_and_201_are_not(shop: &Shop) {
    let product = shop
        .product()
        .with("attributes", attributes(200))
        .create()
        .await;
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["attributes"], attributes(200));
    with(shop, "attributes", attributes(201))
        .await
        .invalid("/attributes");
}

async fn an_attribute_that_is_not_text_is_refused(shop: &Shop) {
    with(shop, "attributes", json!({ "watts": 1200 }))
        .await
        .invalid_within("/attributes");
}

async fn a_rating_from_0_to_5_is_taken(shop: &Shop) {
    for rating in [json!(0), json!(2.5), json!(5)] {
        with(shop, "rating", rating).await.expect(201);
    }
}

async fn a_rating_outside_0_to_5_is_refused(shop: &Shop) {
    with(shop, "rating", -0.1).await.invalid("/rating");
    with(shop, "rating", 5.1).await.invalid("/rating");
}

async fn a_price_in_another_currency_is_refused(shop: &Shop) {
    let price = json!({ "amount": 1299, "currency": "EUR" });
    with(shop, "price", price).await.invalid_within("/price");
}

async fn a_price_is_never_a_fraction_or_text(shop: &Shop) {
    for amount in [json!(12.99), json!("1299"), json!(null)] {
        let price = json!({ "amount": amount, "currency": "USD" });
        with(shop, "price", price).await.invalid_within("/price");
    }
    with(shop, "price", 1299).await.invalid_within("/price");
}

async fn a_negative_price_is_refused(shop: &Shop) {
    with(shop, "price", money(-1))
        .await
        .invalid_within("/price");
}

async fn a_product_without_a_price_is_refused(shop: &Shop) {
    let mut product = shop.product().unwritten();
    product
        .body
        .as_object_mut()
        .expect("an object")
        .remove("price");
    product.put(shop).await.problem("validation");
}

async fn an_unknown_member_is_refused_so_that_a_typo_is_not_ignored(shop: &Shop) {
    with(shop, "descripton", "a typo")
        .await
        .invalid("/descripton");
}

async fn an_unknown_member_of_the_price_is_refused(shop: &Shop) {
    let price = json!({ "amount": 1299, "currency": "USD", "tax": 99 });
    with(shop, "price", price).await.invalid_within("/price");
}

async fn an_impossible_id_is_refused_when_written(shop: &Shop) {
    let (admin, body) = (shop.admin().await, shop.product().unwritten().body);
    for impossible in ["x".repeat(65).as_str(), "a%20b", "%C3%A4", "a+b"] {
        let path = format!("/api/products/{impossible}");
        shop.put(&path)
            .bearer(&admin)
            .json(&body)
            .send()
            .await
            .problem("validation");
    }
}

/// The product as JSON, blown up by white space to `size` bytes.
fn padded(product: &Product, size: usize) -> String {
    let body = product.body.to_string();
    format!("{}{body}", " ".repeat(size - body.len()))
}

async fn a_body_of_exactly_1_mib_is_taken_and_one_byte_more_is_not(shop: &Shop) {
    let (admin, product) = (shop.admin().await, shop.product().unwritten());
    let put = |size: usize| {
        let ask = shop.put(&product.path()).bearer(&admin);
        ask.body("application/json", padded(&product, size)).send()
    };
    put(1 << 20).await.expect(201);
    put((1 << 20) + 1).await.problem("payload-too-large");
}

async fn every_broken_rule_of_a_product_is_named_at_once(shop: &Shop) {
    let long = "d".repeat(20_001);
    let product = shop.product().with("name", "").with("description", long);
    let reply = product.with("attributes", attributes(201)).attempt().await;
    reply.invalid("/name");
    reply.invalid("/description");
    reply.invalid("/attributes");
}

async fn a_body_nested_too_deeply_is_refused(shop: &Shop) {
    let (admin, product) = (shop.admin().await, shop.product().unwritten());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let ask = shop
        .put(&product.path())
        .bearer(&admin)
        .body("application/json", deep);
    let status = ask.send().await.status;
    assert!(status == 400 || status == 422, "{status}");
    product.put(shop).await.expect(201);
}
