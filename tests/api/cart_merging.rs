//! A guest's cart that joins the one its user has already.

use bothways_tests::{Cart, Case, Reply, Shop, User, cases, entries};
use serde_json::Value;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        merged_quantities_add_up_to_99,
        a_guests_cart_is_gone_after_merging,
        merging_without_an_own_cart_makes_the_guests_the_users,
        carts_over_100_products_together_stay_as_they_were,
        another_users_cart_is_not_merged,
        merging_needs_a_sign_in,
        the_own_cart_is_found_without_its_id,
        somebody_without_a_cart_has_none,
    ]
}

async fn merge(shop: &Shop, cart: &Cart, user: &User) -> Reply {
    let ask = shop.post(&format!("{}/merge", cart.path));
    ask.bearer(&user.access_token).send().await
}

async fn mine(shop: &Shop, user: &User) -> Reply {
    let ask = shop.get("/api/carts/mine").bearer(&user.access_token);
    ask.send().await
}

fn contents(cart: &Value) -> Vec<(&str, i64)> {
    let line = |item: &'_ Value| item["quantity"].as_i64().unwrap_or_default();
    entries(&cart["items"])
        .iter()
        .map(|item| (item["product_id"].as_str().unwrap_or_default(), line(item)))
        .collect()
}

async fn merged_quantities_add_up_to_99(shop: &Shop) {
    let user = shop.user().await;
    let (a, b, c) = (
        shop.product().create().await,
        shop.product().create().await,
        shop.product().create().await,
    );
    let own = shop.cart_of(&[(&a.id, 2), (&b.id, 60)]).await;
    let own = own.claimed_by(&user).await;
    let guest = shop.cart_of(&[(&c.id, 4), (&b.id, 50), (&a.id, 3)]).await;
    let merged = merge(shop, &guest, &user).await.expect(200);
    assert_eq!(merged["id"], own.id);
    let expected = [(a.id.as_str(), 5), (&b.id, 99), (&c.id, 4)];
    assert_eq!(contents(&merged), expected);
    assert_eq!(own.read().await["items"], merged["items"]);
}

async fn a_guests_cart_is_gone_after_merging(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().create().await);
    let own = shop.cart_of(&[(&product.id, 1)]).await;
    let own = own.claimed_by(&user).await;
    let guest = shop.cart_of(&[(&product.id, 1)]).await;
    merge(shop, &guest, &user).await.expect(200);
    guest.get().await.problem("not-found");
    merge(shop, &guest, &user).await.problem("not-found");
    assert_eq!(contents(&own.read().await), [(product.id.as_str(), 2)]);
}

async fn merging_without_an_own_cart_makes_the_guests_the_users(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().create().await);
    let guest = shop.cart_of(&[(&product.id, 3)]).await;
    let merged = merge(shop, &guest, &user).await.expect(200);
    assert_eq!(merged["id"], guest.id);
    guest.get().await.problem("not-found");
    assert_eq!(mine(shop, &user).await.expect(200)["id"], guest.id);
    let again = merge(shop, &guest, &user).await.expect(200);
    assert_eq!(contents(&again), [(product.id.as_str(), 3)]);
}

async fn carts_over_100_products_together_stay_as_they_were(shop: &Shop) {
    let user = shop.user().await;
    let (one, other) = (shop.product().create().await, shop.product().create().await);
    let own = shop.cart_of(&[(&one.id, 1)]).await.claimed_by(&user).await;
    let full = shop.cart_of(&[]).await;
    let lines: Vec<String> = (0..99)
        .map(|n| {
            format!(
                r#"{{"id":"{}-{n}","name":"A thing","category":[],"description":"","price":{{"amount":100,"currency":"USD"}}}}"#,
                one.id
            )
        })
        .collect();
    let import = shop.post("/api/products/import");
    let import = import.bearer(&shop.admin().await);
    let report = import
        .body("application/x-ndjson", lines.join("\n"))
        .send()
        .await
        .expect(200);
    assert_eq!(report["created"], 99, "{report}");
    for n in 0..99 {
        full.put(&format!("{}-{n}", one.id), 1).await.expect(200);
    }
    full.put(&other.id, 1).await.expect(200);
    let before = (own.read().await, full.read().await);
    merge(shop, &full, &user).await.problem("validation");
    assert_eq!((own.read().await, full.read().await), before);
}

async fn another_users_cart_is_not_merged(shop: &Shop) {
    let (user, other) = (shop.user().await, shop.user().await);
    let product = shop.product().create().await;
    let theirs = shop.cart_of(&[(&product.id, 1)]).await;
    let theirs = theirs.claimed_by(&other).await;
    merge(shop, &theirs, &user).await.problem("not-found");
    let own = shop.cart_of(&[(&product.id, 2)]).await;
    let own = own.claimed_by(&user).await;
    merge(shop, &theirs, &user).await.problem("not-found");
    assert_eq!(contents(&theirs.read().await), [(product.id.as_str(), 1)]);
    assert_eq!(contents(&own.read().await), [(product.id.as_str(), 2)]);
}

async fn merging_needs_a_sign_in(shop: &Shop) {
    let cart = shop.cart().await;
    let reply = shop.post(&format!("{}/merge", cart.path)).send().await;
    reply.problem("unauthenticated");
    cart.read().await;
}

async fn the_own_cart_is_found_without_its_id(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().create().await);
    let own = shop.cart_of(&[(&product.id, 2)]).await;
    let own = own.claimed_by(&user).await;
    shop.cart().await.claimed_by(&user).await;
    let found = mine(shop, &user).await.expect(200);
    assert_eq!(found["id"], own.id, "a filled cart before an empty one");
}

async fn somebody_without_a_cart_has_none(shop: &Shop) {
    let user = shop.user().await;
    mine(shop, &user).await.problem("not-found");
    shop.get("/api/carts/mine")
        .send()
        .await
        .problem("unauthenticated");
}
