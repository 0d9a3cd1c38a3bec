//! All orders of the shop, for administrators.

use bothways_tests::{Case, Shop, cases, entries};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_administrator_lists_everybodys_orders_newest_first,
        everybodys_orders_are_for_administrators_only,
        ones_own_orders_are_the_usual_scope,
        an_unknown_scope_is_refused,
    ]
}

async fn an_administrator_lists_everybodys_orders_newest_first(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let user = shop.user().await;
    let mut placed = Vec::new();
    for by_user in [true, false] {
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        let checkout = shop.checkout(&cart.id);
        let checkout = if by_user {
            checkout.by(&user)
        } else {
            checkout
        };
        placed.insert(0, checkout.buy().await.id);
    }
    let admin = shop.admin().await;
    let mut found = Vec::new();
    // Others buy at the same time, so these may not be on the first page.
    for page in 1..=20 {
        let path = format!("/api/orders?scope=all&per_page=100&page={page}");
        let list = shop.get(&path).bearer(&admin).send().await.expect(200);
        let ids = entries(&list["orders"]).iter();
        let ids = ids.map(|order| order["id"].as_str().unwrap_or_default().to_owned());
        found.extend(ids.filter(|id| placed.contains(id)));
        if found.len() == placed.len() {
            break;
        }
    }
    assert_eq!(found, placed);
}

async fn everybodys_orders_are_for_administrators_only(shop: &Shop) {
    let user = shop.user().await;
    let all = || shop.get("/api/orders?scope=all");
    all().send().await.problem("unauthenticated");
    let reply = all().bearer(&user.access_token).send().await;
    reply.problem("forbidden");
}

async fn ones_own_orders_are_the_usual_scope(shop: &Shop) {
    let admin = shop.admin().await;
    let list = async |path: &str| {
        let list = shop.get(path).bearer(&admin).send().await.expect(200);
        list["total"].clone()
    };
    assert_eq!(
        list("/api/orders").await,
        list("/api/orders?scope=mine").await
    );
}

async fn an_unknown_scope_is_refused(shop: &Shop) {
    let admin = shop.admin().await;
    let ask = shop.get("/api/orders?scope=theirs").bearer(&admin);
    ask.send().await.invalid("?scope");
}
