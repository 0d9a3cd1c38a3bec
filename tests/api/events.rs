//! Changes that reach search by events.

use bothways_tests::{Case, SEARCH_LAG, Shop, cases, eventually, money, word};
use serde_json::Value;

use crate::search::{search, until_found};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_new_price_reaches_search,
        a_new_name_reaches_search,
        a_new_category_and_brand_reach_search,
        a_new_rating_reaches_search,
        a_deleted_product_leaves_search,
        a_deleted_product_that_is_written_again_returns_to_search,
        a_new_stock_band_reaches_search,
        a_sale_that_empties_the_shelf_reaches_search,
        a_cancelled_order_that_refills_the_shelf_reaches_search,
        many_changes_of_one_product_end_with_the_last,
    ]
}

/// Waits until the only product of this word looks like this in search.
async fn shows(shop: &Shop, word: &str, member: &str, expected: Value) {
    eventually(
        SEARCH_LAG,
        &format!("{word} has {member} {expected}"),
        async || {
            let found = search(shop, &[("q", word)]).await;
            let hit = &found["hits"][0];
            if hit[member] == expected {
                Ok(())
            } else {
                Err(found["hits"].to_string())
            }
        },
    )
    .await;
}

async fn a_new_price_reaches_search(shop: &Shop) {
    let product = shop.product().price(1000).create().await;
    shows(shop, &product.word, "price", money(1000)).await;
    product
        .with("price", money(2000))
        .put(shop)
        .await
        .expect(200);
    shows(shop, &product.word, "price", money(2000)).await;
    until_found(shop, &[("q", &product.word), ("min_price", "1999")], 1).await;
    until_found(shop, &[("q", &product.word), ("max_price", "1999")], 0).await;
}

async fn a_new_name_reaches_search(shop: &Shop) {
    let (product, renamed) = (shop.product().create().await, word());
    until_found(shop, &[("q", &product.word)], 1).await;
    product
        .with("name", format!("{renamed} pot"))
        .put(shop)
        .await
        .expect(200);
    until_found(shop, &[("q", &renamed)], 1).await;
    until_found(shop, &[("q", &product.word)], 0).await;
}

async fn a_new_category_and_brand_reach_search(shop: &Shop) {
    let (top, brand) = (word(), word());
    let product = shop.product().create().await;
    until_found(shop, &[("q", &product.word)], 1).await;
    product
        .with("category", vec![top.as_str()])
        .with("brand", brand.as_str())
        .put(shop)
        .await
        .expect(200);
    until_found(shop, &[("category", &top), ("brand", &brand)], 1).await;
}

async fn a_new_rating_reaches_search(shop: &Shop) {
    let product = shop.product().with("rating", 1.5).create().await;
    shows(shop, &product.word, "rating", 1.5.into()).await;
    product.with("rating", 4.5).put(shop).await.expect(200);
    shows(shop, &product.word, "rating", 4.5.into()).await;
}

async fn a_deleted_product_leaves_search(shop: &Shop) {
    let product = shop.product().create().await;
    until_found(shop, &[("q", &product.word)], 1).await;
    product.delete(shop).await;
    until_found(shop, &[("q", &product.word)], 0).await;
}

async fn a_deleted_product_that_is_written_again_returns_to_search(shop: &Shop) {
    let product = shop.product().create().await;
    until_found(shop, &[("q", &product.word)], 1).await;
    product.delete(shop).await;
    product.put(shop).await.expect(201);
    eventually(SEARCH_LAG, "it is found and stays", async || {
        let found = search(shop, &[("q", &product.word)]).await;
        if found["total"] == 1 {
            Ok(())
        } else {
            Err(found["total"].to_string())
        }
    })
    .await;
}

async fn a_new_stock_band_reaches_search(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    for (on_hand, band) in [
        (9, "in_stock"),
        (5, "low_stock"),
        (0, "out_of_stock"),
        (6, "in_stock"),
    ] {
        shop.restock(&product.id, on_hand).await;
        shows(shop, &product.word, "availability", band.into()).await;
    }
}

async fn a_sale_that_empties_the_shelf_reaches_search(shop: &Shop) {
    let product = shop.product().stock(1).create().await;
    shows(shop, &product.word, "availability", "low_stock".into()).await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&cart.id).buy().await;
    shows(shop, &product.word, "availability", "out_of_stock".into()).await;
}

async fn a_cancelled_order_that_refills_the_shelf_reaches_search(shop: &Shop) {
    let product = shop.product().stock(1).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    shows(shop, &product.word, "availability", "out_of_stock".into()).await;
    order.cancel(shop).await.expect(200);
    shows(shop, &product.word, "availability", "low_stock".into()).await;
}

async fn many_changes_of_one_product_end_with_the_last(shop: &Shop) {
    let product = shop.product().create().await;
    for price in 1..=20 {
        product
            .with("price", money(price))
            .put(shop)
            .await
            .expect(200);
    }
    product
        .with("price", money(4321))
        .put(shop)
        .await
        .expect(200);
    shows(shop, &product.word, "price", money(4321)).await;
}
