//! Reading orders: who may, and lists of them.

use bothways_tests::{Case, Order, Shop, User, cases, entries, id, key};
use serde_json::Value;

use crate::checkout::bought_at;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guest_reads_the_order_with_its_access_token,
        an_order_is_not_found_without_a_token,
        an_order_is_not_found_with_a_made_up_token,
        an_order_is_not_found_with_another_orders_token,
        an_order_is_not_found_by_another_user,
        an_administrator_reads_any_order,
        an_unknown_order_is_not_found_by_an_administrator_either,
        a_signed_in_buyers_order_is_not_found_by_guests,
        an_access_token_of_an_order_opens_nothing_else,
        reading_an_order_does_not_hand_out_its_access_token,
        a_buyers_orders_are_listed_newest_first,
        a_new_user_has_no_orders,
        only_ones_own_orders_are_listed,
        orders_are_listed_in_pages,
        a_page_of_orders_has_from_1_to_100,
        listing_orders_needs_a_sign_in,
    ]
}

async fn bought_by(shop: &Shop, user: &User) -> Order {
    let product = shop.product().stock(9).create().await;
    let cart = shop
        .cart_of(&[(&product.id, 1)])
        .await
        .claimed_by(user)
        .await;
    shop.checkout(&cart.id).by(user).buy().await
}

async fn read_with(shop: &Shop, order: &Order, token: &str) -> bothways_tests::Reply {
    shop.get(&order.path()).bearer(token).send().await
}

async fn a_guest_reads_the_order_with_its_access_token(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let read = read_with(shop, &order, &order.access_token)
        .await
        .expect(200);
    assert_eq!(read["total"], order.body["total"]);
    assert_eq!(read["status"], "confirmed");
}

async fn an_order_is_not_found_without_a_token(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    shop.get(&order.path()).send().await.problem("not-found");
}

async fn an_order_is_not_found_with_a_made_up_token(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    read_with(shop, &order, &key()).await.problem("not-found");
    read_with(shop, &order, "x").await.problem("not-found");
}

async fn an_order_is_not_found_with_another_orders_token(shop: &Shop) {
    let (order, other) = (bought_at(shop, 1299).await, bought_at(shop, 1299).await);
    read_with(shop, &order, &other.access_token)
        .await
        .problem("not-found");
}

async fn an_order_is_not_found_by_another_user(shop: &Shop) {
    let (buyer, other) = (shop.user().await, shop.user().await);
    let order = bought_by(shop, &buyer).await;
    read_with(shop, &order, &other.access_token)
        .await
        .problem("not-found");
    read_with(shop, &order, &buyer.access_token)
        .await
        .expect(200);
}

async fn an_administrator_reads_any_order(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    read_with(shop, &order, &shop.admin().await)
        .await
        .expect(200);
}

async fn an_unknown_order_is_not_found_by_an_administrator_either(shop: &Shop) {
    let path = format!("/api/orders/{}", id());
    shop.get(&path)
        .bearer(&shop.admin().await)
        .send()
        .await
        .problem("not-found");
    shop.get(&path).send().await.problem("not-found");
}

async fn a_signed_in_buyers_order_is_not_found_by_guests(shop: &Shop) {
    let user = shop.user().await;
    let order = bought_by(shop, &user).await;
    shop.get(&order.path()).send().await.problem("not-found");
}

async fn an_access_token_of_an_order_opens_nothing_else(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let token = &order.access_token;
    shop.get("/api/me")
        .bearer(token)
        .send()
        .await
        .problem("unauthenticated");
    shop.get("/api/orders")
        .bearer(token)
        .send()
        .await
        .problem("unauthenticated");
}

async fn reading_an_order_does_not_hand_out_its_access_token(shop: &Shop) {
    let order = bought_at(shop, 1299).await;
    let read = read_with(shop, &order, &shop.admin().await).await;
    assert!(
        !read.text().contains(&order.access_token),
        "{}",
        read.summary()
    );
}

async fn list(shop: &Shop, user: &User, query: &str) -> Value {
    let ask = shop
        .get(&format!("/api/orders{query}"))
        .bearer(&user.access_token);
    ask.send().await.expect(200)
}

fn ids(list: &Value) -> Vec<&str> {
    entries(&list["orders"])
        .iter()
        .filter_map(|order| order["id"].as_str())
        .collect()
}

async fn a_buyers_orders_are_listed_newest_first(shop: &Shop) {
    let user = shop.user().await;
    let first = bought_by(shop, &user).await;
    let second = bought_by(shop, &user).await;
    let third = bought_by(shop, &user).await;
    let list = list(shop, &user, "").await;
    assert_eq!(ids(&list), [third.id.as_str(), &second.id, &first.id]);
    assert_eq!(list["total"], 3);
    assert_eq!(list["page"], 1);
    assert_eq!(list["per_page"], 24);
    let read = read_with(shop, &first, &user.access_token)
        .await
        .expect(200);
    assert_eq!(list["orders"][2], read);
}

async fn a_new_user_has_no_orders(shop: &Shop) {
    let user = shop.user().await;
    let list = list(shop, &user, "").await;
    assert!(ids(&list).is_empty());
    assert_eq!(list["total"], 0);
}

async fn only_ones_own_orders_are_listed(shop: &Shop) {
    let (user, other) = (shop.user().await, shop.user().await);
    let order = bought_by(shop, &user).await;
    bought_by(shop, &other).await;
    assert_eq!(ids(&list(shop, &user, "").await), [order.id]);
}

async fn orders_are_listed_in_pages(shop: &Shop) {
    let user = shop.user().await;
    let first = bought_by(shop, &user).await.id;
    let second = bought_by(shop, &user).await.id;
    let third = bought_by(shop, &user).await.id;
    let page = list(shop, &user, "?per_page=2&page=1").await;
    assert_eq!(ids(&page), [third, second]);
    assert_eq!(page["total"], 3);
    assert_eq!(page["per_page"], 2);
    let page = list(shop, &user, "?per_page=2&page=2").await;
    assert_eq!(ids(&page), [first]);
    assert_eq!(page["page"], 2);
    assert!(ids(&list(shop, &user, "?per_page=2&page=3").await).is_empty());
}

async fn a_page_of_orders_has_from_1_to_100(shop: &Shop) {
    let user = shop.user().await;
    for fine in ["?per_page=1", "?per_page=100", "?page=1"] {
        list(shop, &user, fine).await;
    }
    for (wrong, pointer) in [
        ("?per_page=0", "?per_page"),
        ("?per_page=101", "?per_page"),
        ("?page=0", "?page"),
        ("?page=x", "?page"),
    ] {
        let ask = shop
            .get(&format!("/api/orders{wrong}"))
            .bearer(&user.access_token);
        ask.send().await.invalid(pointer);
    }
}

async fn listing_orders_needs_a_sign_in(shop: &Shop) {
    shop.get("/api/orders")
        .send()
        .await
        .problem("unauthenticated");
}
