//! Cancelling orders before they ship.

use bothways_tests::{Case, Order, Product, Reply, Shop, cases, entries, id};
use futures::future::join_all;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guest_cancels_with_the_access_token,
        a_cancelled_order_is_restocked,
        a_cancelled_order_says_so_in_its_timeline,
        an_order_is_cancelled_once,
        cancelling_several_times_at_once_restocks_once,
        the_owner_cancels,
        an_administrator_cancels,
        nobody_else_cancels,
        an_unknown_order_can_not_be_cancelled,
        what_was_cancelled_can_be_bought_again,
    ]
}

async fn bought(shop: &Shop) -> (Product, Order) {
    let product = shop.product().stock(5).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    (product, order)
}

async fn cancel_with(shop: &Shop, order: &Order, token: &str) -> Reply {
    shop.post(&format!("{}/cancel", order.path()))
        .bearer(token)
        .send()
        .await
}

async fn a_guest_cancels_with_the_access_token(shop: &Shop) {
    let (_, order) = bought(shop).await;
    let cancelled = order.cancel(shop).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["id"], order.id);
    assert_eq!(order.read(shop).await["status"], "cancelled");
}

async fn a_cancelled_order_is_restocked(shop: &Shop) {
    let (product, order) = bought(shop).await;
    shop.settles_at(&product.id, 3).await;
    order.cancel(shop).await.expect(200);
    shop.settles_at(&product.id, 5).await;
}

async fn a_cancelled_order_says_so_in_its_timeline(shop: &Shop) {
    let (_, order) = bought(shop).await;
    order.cancel(shop).await.expect(200);
    let read = order.read(shop).await;
    let steps: Vec<_> = entries(&read["timeline"])
        .iter()
        .map(|entry| &entry["status"])
        .collect();
    assert_eq!(steps, ["pending", "confirmed", "cancelled"]);
}

/// An answer to cancelling what is cancelled already: the same again, or that it is over.
#[track_caller]
fn assert_cancelled_before(reply: &Reply) {
    if reply.status == 200 {
        assert_eq!(reply.expect(200)["status"], "cancelled");
    } else {
        reply.problem("not-cancellable");
    }
}

async fn an_order_is_cancelled_once(shop: &Shop) {
    let (product, order) = bought(shop).await;
    order.cancel(shop).await.expect(200);
    assert_cancelled_before(&order.cancel(shop).await);
    assert_cancelled_before(&order.cancel(shop).await);
    shop.settles_at(&product.id, 5).await;
    let read = order.read(shop).await;
    assert_eq!(entries(&read["timeline"]).len(), 3, "{read}");
}

async fn cancelling_several_times_at_once_restocks_once(shop: &Shop) {
    let (product, order) = bought(shop).await;
    let replies = join_all((0..6).map(|_| order.cancel(shop))).await;
    assert!(
        replies.iter().any(|reply| reply.status == 200),
        "nobody cancelled"
    );
    for reply in &replies {
        if !reply.is_problem("request-in-progress") && !reply.is_problem("conflict") {
            assert_cancelled_before(reply);
        }
    }
    shop.settles_at(&product.id, 5).await;
    assert_eq!(shop.stock(&product.id).await["available"], 5);
}

async fn the_owner_cancels(shop: &Shop) {
    let user = shop.user().await;
    let product = shop.product().stock(5).create().await;
    let cart = shop
        .cart_of(&[(&product.id, 2)])
        .await
        .claimed_by(&user)
        .await;
    let order = shop.checkout(&cart.id).by(&user).buy().await;
    let cancelled = cancel_with(shop, &order, &user.access_token)
        .await
        .expect(200);
    assert_eq!(cancelled["status"], "cancelled");
}

async fn an_administrator_cancels(shop: &Shop) {
    let (product, order) = bought(shop).await;
    cancel_with(shop, &order, &shop.admin().await)
        .await
        .expect(200);
    shop.settles_at(&product.id, 5).await;
}

async fn nobody_else_cancels(shop: &Shop) {
    let (user, (_, order)) = (shop.user().await, bought(shop).await);
    let other = bought(shop).await.1;
    shop.post(&format!("{}/cancel", order.path()))
        .send()
        .await
        .problem("not-found");
    cancel_with(shop, &order, &user.access_token)
        .await
        .problem("not-found");
    cancel_with(shop, &order, &other.access_token)
        .await
        .problem("not-found");
    assert_eq!(order.read(shop).await["status"], "confirmed");
}

async fn an_unknown_order_can_not_be_cancelled(shop: &Shop) {
    let path = format!("/api/orders/{}/cancel", id());
    shop.post(&path)
        .bearer(&shop.admin().await)
        .send()
        .await
        .problem("not-found");
}

async fn what_was_cancelled_can_be_bought_again(shop: &Shop) {
    let product = shop.product().stock(1).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    let other = shop.cart_of(&[(&product.id, 1)]).await;
    shop.checkout(&other.id)
        .send()
        .await
        .problem("out-of-stock");
    order.cancel(shop).await.expect(200);
    shop.settles_at(&product.id, 1).await;
    shop.checkout(&other.id).buy().await;
    shop.settles_at(&product.id, 0).await;
}
