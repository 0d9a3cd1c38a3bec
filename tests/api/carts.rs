//! Carts and what is in them.

use bothways_tests::{Case, Product, Shop, cases, entries, id, members, money};
use serde_json::{Value, json};

use crate::system::assert_time;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_new_cart_is_empty_and_has_a_location,
        a_cart_has_the_members_of_the_contract_and_no_others,
        cart_ids_are_not_handed_out_in_a_row,
        an_unknown_cart_is_not_found,
        putting_an_item_answers_with_the_cart,
        putting_sets_the_quantity_and_does_not_add,
        an_item_can_be_set_to_99_but_not_to_100,
        an_item_can_not_be_set_to_0_or_less,
        a_quantity_is_a_whole_number,
        an_unknown_product_can_not_be_put_in,
        an_impossible_product_can_not_be_put_in,
        an_unknown_member_is_refused,
        nothing_can_be_put_into_an_unknown_cart,
        a_cart_takes_100_different_products_and_not_101,
        the_subtotal_is_the_sum_of_the_lines,
        a_change_changes_version_and_etag,
        putting_what_is_there_already_changes_nothing_else,
        a_change_with_the_current_etag_goes_through,
        a_change_with_an_old_etag_does_not,
        an_item_can_be_taken_out,
        taking_out_what_is_not_in_it_is_fine,
        taking_out_of_an_unknown_cart_is_not_found,
        a_deleted_cart_is_gone,
        a_price_in_a_cart_is_todays,
        a_name_in_a_cart_is_todays,
        a_deleted_product_stays_in_the_cart_as_out_of_stock,
        a_deleted_product_can_be_taken_out,
        availability_in_a_cart_is_todays,
    ]
}

async fn a_new_cart_is_empty_and_has_a_location(shop: &Shop) {
    let reply = shop.post("/api/carts").send().await;
    let cart = reply.expect(201);
    let id = cart["id"].as_str().unwrap_or_default();
    assert_eq!(reply.must_header("location"), format!("/api/carts/{id}"));
    assert_eq!(cart["items"], json!([]));
    assert_eq!(cart["subtotal"], money(0));
    assert_eq!(cart["currency"], "USD");
    shop.get(reply.must_header("location"))
        .send()
        .await
        .expect(200);
}

async fn a_cart_has_the_members_of_the_contract_and_no_others(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await.read().await;
    assert_eq!(
        members(&cart),
        [
            "currency",
            "id",
            "items",
            "subtotal",
            "updated_at",
            "version"
        ]
    );
    let expected = [
        "availability",
        "image",
        "line_total",
        "name",
        "product_id",
        "quantity",
        "unit_price",
    ];
    assert_eq!(members(&cart["items"][0]), expected);
    assert_eq!(cart["items"][0]["image"], Value::Null);
    assert_time(&cart["updated_at"]);
}

async fn cart_ids_are_not_handed_out_in_a_row(shop: &Shop) {
    let (first, second) = (shop.cart().await.id, shop.cart().await.id);
    assert_ne!(first, second);
    assert!(first.len() >= 16, "{first} can be guessed");
    let same = first
        .bytes()
        .zip(second.bytes())
        .filter(|(a, b)| a == b)
        .count();
    assert!(same < first.len() / 2 + 4, "{first} and {second} are alike");
}

async fn an_unknown_cart_is_not_found(shop: &Shop) {
    for unknown in [id(), "%20".to_owned(), "x".repeat(300)] {
        shop.get(&format!("/api/carts/{unknown}"))
            .send()
            .await
            .problem("not-found");
    }
}

async fn putting_an_item_answers_with_the_cart(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart().await;
    let answer = cart.put(&product.id, 3).await.expect(200);
    let item = json!({
        "product_id": product.id, "name": product.name(), "unit_price": money(1299), "quantity": 3,
        "line_total": money(3897), "availability": "in_stock", "image": null,
    });
    assert_eq!(answer["items"], json!([item]));
    assert_eq!(answer["subtotal"], money(3897));
    assert_eq!(cart.read().await, answer);
}

async fn putting_sets_the_quantity_and_does_not_add(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart().await;
    cart.put(&product.id, 3).await.expect(200);
    cart.put(&product.id, 3).await.expect(200);
    let answer = cart.put(&product.id, 2).await.expect(200);
    assert_eq!(entries(&answer["items"]).len(), 1);
    assert_eq!(answer["items"][0]["quantity"], 2);
}

async fn an_item_can_be_set_to_99_but_not_to_100(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart().await;
    cart.put(&product.id, 1).await.expect(200);
    assert_eq!(
        cart.put(&product.id, 99).await.expect(200)["items"][0]["quantity"],
        99
    );
    cart.put(&product.id, 100).await.invalid("/quantity");
    assert_eq!(cart.read().await["items"][0]["quantity"], 99);
}

async fn an_item_can_not_be_set_to_0_or_less(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    for quantity in [0, -1, i64::MIN] {
        cart.put(&product.id, quantity).await.invalid("/quantity");
    }
    assert_eq!(cart.read().await["items"][0]["quantity"], 1);
}

async fn a_quantity_is_a_whole_number(shop: &Shop) {
    let (cart, product) = (shop.cart().await, shop.product().create().await);
    for wrong in [json!(1.5), json!("1"), json!(null), json!([1])] {
        let ask = shop
            .put(&cart.item(&product.id))
            .json(&json!({ "quantity": wrong }));
        ask.send().await.invalid("/quantity");
    }
    shop.put(&cart.item(&product.id))
        .json(&json!({}))
        .send()
        .await
        .problem("validation");
}

async fn an_unknown_product_can_not_be_put_in(shop: &Shop) {
    shop.cart().await.put(&id(), 1).await.problem("not-found");
}

async fn an_impossible_product_can_not_be_put_in(shop: &Shop) {
    let reply = shop.cart().await.put(&"x".repeat(65), 1).await;
    assert!(matches!(reply.status, 404 | 422), "{}", reply.summary());
    reply.problem(if reply.status == 404 {
        "not-found"
    } else {
        "validation"
    });
}

async fn an_unknown_member_is_refused(shop: &Shop) {
    let (cart, product) = (shop.cart().await, shop.product().create().await);
    let body = json!({ "quantity": 1, "price": 1 });
    shop.put(&cart.item(&product.id))
        .json(&body)
        .send()
        .await
        .invalid("/price");
    assert_eq!(cart.read().await["items"], json!([]));
}

async fn nothing_can_be_put_into_an_unknown_cart(shop: &Shop) {
    let product = shop.product().create().await;
    let path = format!("/api/carts/{}/items/{}", id(), product.id);
    shop.put(&path)
        .json(&json!({ "quantity": 1 }))
        .send()
        .await
        .problem("not-found");
}

async fn a_cart_takes_100_different_products_and_not_101(shop: &Shop) {
    let products: Vec<Product> = std::iter::repeat_with(|| shop.product().unwritten())
        .take(101)
        .collect();
    let lines: String = products
        .iter()
        .map(|product| product.line() + "\n")
        .collect();
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
    let cart = shop.cart().await;
    for product in &products[..100] {
        cart.put(&product.id, 1).await.expect(200);
    }
    cart.put(&products[100].id, 1).await.problem("validation");
    assert_eq!(entries(&cart.read().await["items"]).len(), 100);
    cart.put(&products[0].id, 2).await.expect(200);
}

async fn the_subtotal_is_the_sum_of_the_lines(shop: &Shop) {
    let first = shop.product().price(1299).create().await;
    let second = shop.product().price(1).create().await;
    let cart = shop
        .cart_of(&[(&first.id, 2), (&second.id, 99)])
        .await
        .read()
        .await;
    let mut lines: Vec<_> = entries(&cart["items"])
        .iter()
        .map(|item| item["line_total"]["amount"].as_i64())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, [Some(99), Some(2598)]);
    assert_eq!(cart["subtotal"], money(2697));
}

async fn a_change_changes_version_and_etag(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart().await;
    let before = cart.get().await;
    let changed = cart.put(&product.id, 1).await;
    let after = cart.get().await;
    assert_ne!(before.must_header("etag"), after.must_header("etag"));
    assert_eq!(changed.must_header("etag"), after.must_header("etag"));
    assert!(
        !after.must_header("etag").starts_with("W/"),
        "the tag is strong"
    );
    let version = |reply: &bothways_tests::Reply| reply.value()["version"].as_i64();
    assert!(version(&before).is_some() && version(&before) < version(&after));
}

async fn putting_what_is_there_already_changes_nothing_else(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart().await;
    let first = cart.put(&product.id, 4).await.expect(200);
    let second = cart.put(&product.id, 4).await.expect(200);
    assert_eq!(first["items"], second["items"]);
    assert_eq!(first["subtotal"], second["subtotal"]);
}

async fn put_if(shop: &Shop, path: &str, tag: &str) -> bothways_tests::Reply {
    shop.put(path)
        .header("if-match", tag)
        .json(&json!({ "quantity": 5 }))
        .send()
        .await
}

async fn a_change_with_the_current_etag_goes_through(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let tag = cart.get().await.must_header("etag").to_owned();
    put_if(shop, &cart.item(&product.id), &tag)
        .await
        .expect(200);
    put_if(shop, &cart.item(&product.id), "*").await.expect(200);
}

async fn a_change_with_an_old_etag_does_not(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart().await;
    let old = cart.get().await.must_header("etag").to_owned();
    cart.put(&product.id, 1).await.expect(200);
    put_if(shop, &cart.item(&product.id), &old)
        .await
        .problem("precondition-failed");
    put_if(shop, &cart.item(&product.id), "\"nonsense\"")
        .await
        .problem("precondition-failed");
    assert_eq!(cart.read().await["items"][0]["quantity"], 1);
}

async fn an_item_can_be_taken_out(shop: &Shop) {
    let (out, stays) = (shop.product().create().await, shop.product().create().await);
    let cart = shop.cart_of(&[(&out.id, 1), (&stays.id, 1)]).await;
    let answer = shop.delete(&cart.item(&out.id)).send().await.expect(200);
    assert_eq!(entries(&answer["items"]).len(), 1);
    assert_eq!(answer["items"][0]["product_id"], stays.id.as_str());
    assert_eq!(cart.read().await, answer);
}

async fn taking_out_what_is_not_in_it_is_fine(shop: &Shop) {
    let cart = shop.cart().await;
    let answer = shop.delete(&cart.item(&id())).send().await.expect(200);
    assert_eq!(answer["items"], json!([]));
}

async fn taking_out_of_an_unknown_cart_is_not_found(shop: &Shop) {
    shop.delete(&format!("/api/carts/{}/items/{}", id(), id()))
        .send()
        .await
        .problem("not-found");
}

async fn a_deleted_cart_is_gone(shop: &Shop) {
    let cart = shop.cart().await;
    shop.delete(&cart.path).send().await.expect(204);
    cart.get().await.problem("not-found");
}

async fn a_price_in_a_cart_is_todays(shop: &Shop) {
    let product = shop.product().price(1000).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    product
        .with("price", money(1500))
        .put(shop)
        .await
        .expect(200);
    let read = cart.read().await;
    assert_eq!(read["items"][0]["unit_price"], money(1500));
    assert_eq!(read["items"][0]["line_total"], money(3000));
    assert_eq!(read["subtotal"], money(3000));
}

async fn a_name_in_a_cart_is_todays(shop: &Shop) {
    let product = shop.product().create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    product.with("name", "Renamed").put(shop).await.expect(200);
    assert_eq!(cart.read().await["items"][0]["name"], "Renamed");
}

async fn a_deleted_product_stays_in_the_cart_as_out_of_stock(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    product.delete(shop).await;
    let item = cart.read().await["items"][0].clone();
    assert_eq!(item["product_id"], product.id.as_str());
    assert_eq!(item["name"], product.name());
    assert_eq!(item["availability"], "out_of_stock");
}

async fn a_deleted_product_can_be_taken_out(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    product.delete(shop).await;
    let answer = shop
        .delete(&cart.item(&product.id))
        .send()
        .await
        .expect(200);
    assert_eq!(answer["items"], json!([]));
}

async fn availability_in_a_cart_is_todays(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    for (on_hand, expected) in [(6, "in_stock"), (5, "low_stock"), (0, "out_of_stock")] {
        shop.restock(&product.id, on_hand).await;
        assert_eq!(cart.read().await["items"][0]["availability"], expected);
    }
}
