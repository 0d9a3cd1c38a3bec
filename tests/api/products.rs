//! Reading products.

use bothways_tests::{
    Case, Product, SEARCH_LAG, Shop, cases, entries, eventually, id, members, word,
};
use serde_json::{Value, json};

use crate::{search::assert_hit, system::assert_time};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_product_reads_as_it_was_written,
        a_product_has_the_members_of_the_contract_and_no_others,
        a_product_without_a_photo_has_no_images,
        an_unknown_product_is_not_found,
        an_impossible_id_is_not_found_when_read,
        an_id_may_be_64_characters_of_letters_digits_dot_underscore_and_dash,
        ids_are_told_apart_by_case,
        more_than_5_in_stock_is_in_stock,
        five_or_fewer_in_stock_is_low_stock,
        none_in_stock_is_out_of_stock,
        what_nobody_has_stocked_is_out_of_stock,
        a_product_has_a_strong_etag_and_cache_control,
        a_product_that_did_not_change_is_304,
        a_product_that_changed_is_sent_again,
        a_change_of_stock_band_changes_the_etag,
        if_none_match_may_list_several_tags,
        a_product_remembers_when_it_was_made_and_changed,
        related_products_are_hits_and_never_the_product_itself,
        several_products_come_in_the_order_asked,
        unknown_ids_are_left_out_of_several,
        a_hundred_products_can_be_asked_for_and_101_can_not,
    ]
}

async fn read(shop: &Shop, product: &Product) -> Value {
    shop.get(&product.path()).send().await.expect(200)
}

async fn a_product_reads_as_it_was_written(shop: &Shop) {
    let product = shop
        .product()
        .brand("Trial & Sons")
        .category(&["Kitchen", "Kettles & pots", "Électrique"])
        .with(
            "description",
            "Boils water.\n\n\"Quickly\" <b>boldly</b> ☕",
        )
        .with("attributes", json!({ "colour": "red", "volume_l": "1.7" }))
        .price(1)
        .create()
        .await;
    let read = read(shop, &product).await;
    assert_eq!(read["id"], product.id.as_str());
    for member in [
        "name",
        "brand",
        "category",
        "description",
        "price",
        "attributes",
    ] {
        assert_eq!(read[member], product.body[member], "{member}");
    }
}

async fn a_product_has_the_members_of_the_contract_and_no_others(shop: &Shop) {
    let product = shop.product().create().await;
    let read = read(shop, &product).await;
    let expected = [
        "attributes",
        "availability",
        "brand",
        "category",
        "created_at",
        "description",
        "id",
        "images",
        "name",
        "price",
        "related",
        "updated_at",
    ];
    assert_eq!(members(&read), expected);
    assert_eq!(read["brand"], Value::Null);
    assert_eq!(read["attributes"], json!({}));
}

async fn a_product_without_a_photo_has_no_images(shop: &Shop) {
    let product = shop.product().create().await;
    assert_eq!(read(shop, &product).await["images"], Value::Null);
}

async fn an_unknown_product_is_not_found(shop: &Shop) {
    shop.get(&format!("/api/products/{}", id()))
        .send()
        .await
        .problem("not-found");
}

async fn an_impossible_id_is_not_found_when_read(shop: &Shop) {
    let long = "x".repeat(65);
    for impossible in [long.as_str(), "a%20b", "%C3%A4", "a+b", "a%2Fb", "%00"] {
        shop.get(&format!("/api/products/{impossible}"))
            .send()
            .await
            .problem("not-found");
    }
}

async fn an_id_may_be_64_characters_of_letters_digits_dot_underscore_and_dash(shop: &Shop) {
    let id = format!("{:A<64}", format!("{}.aZ_09-", id()));
    assert_eq!(id.len(), 64);
    let product = shop.product().id(&id).create().await;
    assert_eq!(read(shop, &product).await["id"], id);
}

async fn ids_are_told_apart_by_case(shop: &Shop) {
    let product = shop.product().id(&format!("{}-x", id())).create().await;
    let other = format!("/api/products/{}", product.id.to_uppercase());
    shop.get(&other).send().await.problem("not-found");
}

async fn availability(shop: &Shop, product: &Product) -> Value {
    read(shop, product).await["availability"].clone()
}

async fn more_than_5_in_stock_is_in_stock(shop: &Shop) {
    let product = shop.product().stock(6).create().await;
    assert_eq!(availability(shop, &product).await, "in_stock");
}

async fn five_or_fewer_in_stock_is_low_stock(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    assert_eq!(availability(shop, &product).await, "low_stock");
    shop.restock(&product.id, 1).await;
    assert_eq!(availability(shop, &product).await, "low_stock");
}

async fn none_in_stock_is_out_of_stock(shop: &Shop) {
    let product = shop.product().stock(6).create().await;
    shop.restock(&product.id, 0).await;
    assert_eq!(availability(shop, &product).await, "out_of_stock");
}

async fn what_nobody_has_stocked_is_out_of_stock(shop: &Shop) {
    let product = shop.product().create().await;
    assert_eq!(availability(shop, &product).await, "out_of_stock");
}

async fn a_product_has_a_strong_etag_and_cache_control(shop: &Shop) {
    let product = shop.product().create().await;
    let reply = shop.get(&product.path()).send().await;
    reply.expect(200);
    let tag = reply.must_header("etag");
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2,
        "{tag}"
    );
    assert!(!reply.must_header("cache-control").is_empty());
}

async fn tag_of(shop: &Shop, product: &Product) -> String {
    let reply = shop.get(&product.path()).send().await;
    reply.expect(200);
    reply.must_header("etag").to_owned()
}

async fn a_product_that_did_not_change_is_304(shop: &Shop) {
    let product = shop.product().alone().create().await;
    let tag = tag_of(shop, &product).await;
    let reply = shop
        .get(&product.path())
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(reply.status, 304, "{}", reply.summary());
    assert_eq!(reply.must_header("etag"), tag);
    assert!(reply.body.is_empty(), "{}", reply.summary());
}

async fn a_product_that_changed_is_sent_again(shop: &Shop) {
    let product = shop.product().alone().create().await;
    let tag = tag_of(shop, &product).await;
    product
        .with("name", "Another name")
        .put(shop)
        .await
        .expect(200);
    let reply = shop
        .get(&product.path())
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(reply.expect(200)["name"], "Another name");
    assert_ne!(reply.must_header("etag"), tag);
}

async fn a_change_of_stock_band_changes_the_etag(shop: &Shop) {
    let product = shop.product().alone().stock(9).create().await;
    let tag = tag_of(shop, &product).await;
    shop.restock(&product.id, 0).await;
    let reply = shop
        .get(&product.path())
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(reply.expect(200)["availability"], "out_of_stock");
}

async fn if_none_match_may_list_several_tags(shop: &Shop) {
    let product = shop.product().alone().create().await;
    let tag = tag_of(shop, &product).await;
    for held in [
        format!("\"other\", {tag}"),
        format!("W/{tag}"),
        "*".to_owned(),
    ] {
        let reply = shop
            .get(&product.path())
            .header("if-none-match", &held)
            .send()
            .await;
        assert_eq!(reply.status, 304, "{held}: {}", reply.summary());
    }
    shop.get(&product.path())
        .header("if-none-match", "\"other\"")
        .send()
        .await
        .expect(200);
}

async fn a_product_remembers_when_it_was_made_and_changed(shop: &Shop) {
    let product = shop.product().create().await;
    let before = read(shop, &product).await;
    assert_time(&before["created_at"]);
    product
        .with("price", bothways_tests::money(2))
        .put(shop)
        .await
        .expect(200);
    let after = read(shop, &product).await;
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(assert_time(&after["updated_at"]) >= assert_time(&before["updated_at"]));
    assert!(assert_time(&after["updated_at"]) >= assert_time(&after["created_at"]));
}

async fn related_products_are_hits_and_never_the_product_itself(shop: &Shop) {
    let (department, brand) = (word(), word());
    let make = || {
        shop.product()
            .category(&["Related", &department])
            .brand(&brand)
            .stock(9)
    };
    let product = make().create().await;
    let sibling = make().create().await;
    let related = eventually(SEARCH_LAG, "a sibling is related", async || {
        let related = read(shop, &product).await["related"].clone();
        let found = entries(&related)
            .iter()
            .any(|hit| hit["id"] == sibling.id.as_str());
        if found {
            Ok(related)
        } else {
            Err(related.to_string())
        }
    })
    .await;
    for hit in entries(&related) {
        assert_hit(hit);
        assert_ne!(hit["id"], product.id.as_str());
    }
}

async fn several(shop: &Shop, ids: &[&str]) -> Vec<String> {
    let reply = shop
        .get("/api/products")
        .query(&[("ids", &ids.join(","))])
        .send()
        .await
        .expect(200);
    let found = entries(&reply["products"]).iter();
    found
        .map(|product| product["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn several_products_come_in_the_order_asked(shop: &Shop) {
    let first = shop.product().create().await.id;
    let second = shop.product().create().await.id;
    let third = shop.product().create().await.id;
    assert_eq!(
        several(shop, &[&third, &first, &second]).await,
        [&*third, &*first, &*second]
    );
    assert_eq!(
        several(shop, &[&first, &second, &third]).await,
        [&*first, &*second, &*third]
    );
}

async fn unknown_ids_are_left_out_of_several(shop: &Shop) {
    let product = shop.product().create().await.id;
    assert_eq!(
        several(shop, &[&id(), &product, &id(), "im possible"]).await,
        [product]
    );
    assert!(several(shop, &[&id()]).await.is_empty());
}

async fn a_hundred_products_can_be_asked_for_and_101_can_not(shop: &Shop) {
    let product = shop.product().create().await.id;
    let mut ids: Vec<String> = std::iter::repeat_with(id).take(99).collect();
    ids.push(product.clone());
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(several(shop, &asked).await, [product]);
    ids.push(id());
    let reply = shop
        .get("/api/products")
        .query(&[("ids", &ids.join(","))])
        .send()
        .await;
    reply.invalid("?ids");
}
