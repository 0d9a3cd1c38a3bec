//! More buyers at once than there is stock.

use std::collections::HashSet;

use bothways_tests::{Case, RECOVERY, Reply, SOON, Shop, cases, eventually, price};
use futures::{StreamExt as _, future::join_all, stream};

pub(crate) fn cases() -> Vec<Case> {
    cases![two_hundred_buyers_at_once_get_the_50_there_are]
}

const BUYERS: usize = 200;
const STOCK: usize = 50;

async fn two_hundred_buyers_at_once_get_the_50_there_are(shop: &Shop) {
    let price = price();
    let product = shop.product().price(price).stock(50).create().await;
    let carts = stream::iter(0..BUYERS).map(async |_| shop.cart_of(&[(&product.id, 1)]).await);
    let carts: Vec<String> = carts
        .buffer_unordered(8)
        .map(|cart| cart.id)
        .collect()
        .await;
    let checkouts: Vec<_> = carts.iter().map(|cart| shop.checkout(cart)).collect();
    let replies: Vec<Reply> = join_all(checkouts.iter().map(async |checkout| {
        eventually(RECOVERY, "a final answer", async || {
            checkout.attempt_final().await
        })
        .await
    }))
    .await;

    let bought: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.problem("out-of-stock");
    }
    assert_eq!(bought.len(), STOCK);
    let orders: HashSet<String> = bought
        .iter()
        .map(|reply| reply.value()["id"].to_string())
        .collect();
    assert_eq!(orders.len(), STOCK, "every buyer has an order of their own");

    shop.settles_within(RECOVERY, &product.id, 0).await;
    let charged = eventually(SOON, "50 charges and nothing held", async || {
        let intents = shop.ledger().of_amount(price).await;
        let held = intents.iter().any(bothways_tests::Intent::is_held);
        let charges: Vec<_> = intents
            .into_iter()
            .filter(bothways_tests::Intent::is_charge)
            .collect();
        if held || charges.len() < STOCK {
            Err(format!("{charges:?}"))
        } else {
            Ok(charges)
        }
    })
    .await;
    assert_eq!(charged.len(), STOCK);
    let paid: HashSet<_> = charged
        .into_iter()
        .filter_map(|charge| charge.order_id)
        .collect();
    assert_eq!(paid.len(), STOCK, "every order is paid for once");
}
