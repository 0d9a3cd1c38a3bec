//! A guest's cart that becomes somebody's.

use bothways_tests::{Cart, Case, Shop, User, cases, id};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        claiming_answers_with_the_cart,
        claiming_needs_a_sign_in,
        claiming_an_unknown_cart_is_not_found,
        a_claimed_cart_is_its_owners,
        a_claimed_cart_is_not_found_by_a_guest,
        a_claimed_cart_is_not_found_by_another_user,
        a_claimed_cart_can_not_be_claimed_by_another_user,
        claiming_twice_is_fine,
        a_claimed_cart_can_not_be_bought_by_anybody_else,
    ]
}

async fn claimed(shop: &Shop) -> (User, Cart) {
    let user = shop.user().await;
    let cart = shop.cart().await.claimed_by(&user).await;
    (user, cart)
}

async fn claim(shop: &Shop, cart: &Cart, user: &User) -> bothways_tests::Reply {
    shop.post(&format!("{}/claim", cart.path))
        .bearer(&user.access_token)
        .send()
        .await
}

async fn claiming_answers_with_the_cart(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().create().await);
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let answer = claim(shop, &cart, &user).await.expect(200);
    assert_eq!(answer["id"], cart.id);
    assert_eq!(answer["items"][0]["product_id"], product.id);
    assert_eq!(answer["items"][0]["quantity"], 2);
}

async fn claiming_needs_a_sign_in(shop: &Shop) {
    let cart = shop.cart().await;
    shop.post(&format!("{}/claim", cart.path))
        .send()
        .await
        .problem("unauthenticated");
    cart.read().await;
}

async fn claiming_an_unknown_cart_is_not_found(shop: &Shop) {
    let user = shop.user().await;
    let path = format!("/api/carts/{}/claim", id());
    shop.post(&path)
        .bearer(&user.access_token)
        .send()
        .await
        .problem("not-found");
}

async fn a_claimed_cart_is_its_owners(shop: &Shop) {
    let (_, cart) = claimed(shop).await;
    let product = shop.product().create().await;
    cart.put(&product.id, 3).await.expect(200);
    assert_eq!(cart.read().await["items"][0]["quantity"], 3);
    let token = cart.bearer.as_deref().unwrap_or_default();
    shop.delete(&cart.item(&product.id))
        .bearer(token)
        .send()
        .await
        .expect(200);
    shop.delete(&cart.path)
        .bearer(token)
        .send()
        .await
        .expect(204);
}

/// To this caller the cart does not exist, whatever they try.
async fn assert_hidden(shop: &Shop, cart: &Cart, token: Option<&str>) {
    let product = shop.product().create().await;
    let quantity = json!({ "quantity": 1 });
    let asks = [
        shop.get(&cart.path),
        shop.put(&cart.item(&product.id)).json(&quantity),
        shop.delete(&cart.item(&product.id)),
        shop.delete(&cart.path),
    ];
    for ask in asks {
        let ask = match token {
            Some(token) => ask.bearer(token),
            None => ask,
        };
        ask.send().await.problem("not-found");
    }
    assert_eq!(cart.read().await["items"], json!([]));
}

async fn a_claimed_cart_is_not_found_by_a_guest(shop: &Shop) {
    let (_, cart) = claimed(shop).await;
    assert_hidden(shop, &cart, None).await;
}

async fn a_claimed_cart_is_not_found_by_another_user(shop: &Shop) {
    let (_, cart) = claimed(shop).await;
    let other = shop.user().await;
    assert_hidden(shop, &cart, Some(&other.access_token)).await;
}

async fn a_claimed_cart_can_not_be_claimed_by_another_user(shop: &Shop) {
    let (_, cart) = claimed(shop).await;
    let other = shop.user().await;
    claim(shop, &cart, &other).await.problem("not-found");
    cart.read().await;
}

async fn claiming_twice_is_fine(shop: &Shop) {
    let (user, cart) = claimed(shop).await;
    claim(shop, &cart, &user).await.expect(200);
}

async fn a_claimed_cart_can_not_be_bought_by_anybody_else(shop: &Shop) {
    let (user, cart) = claimed(shop).await;
    let product = shop.product().stock(3).create().await;
    cart.put(&product.id, 1).await.expect(200);
    let other = shop.user().await;
    shop.checkout(&cart.id).send().await.problem("not-found");
    shop.checkout(&cart.id)
        .by(&other)
        .send()
        .await
        .problem("not-found");
    shop.checkout(&cart.id).by(&user).buy().await;
}
