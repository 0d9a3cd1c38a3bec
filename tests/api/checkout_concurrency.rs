//! Many checkouts at the same time.

use bothways_tests::{Case, Checkout, Reply, SOON, Shop, cases, eventually, key};
use futures::future::join_all;
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        of_several_checkouts_of_a_cart_at_once_one_succeeds,
        the_same_checkout_sent_several_times_at_once_sells_once,
        more_than_is_in_stock_is_never_sold,
        buyers_of_different_products_do_not_hinder_each_other,
        two_products_in_opposite_order_do_not_lock_each_other_up,
        while_a_checkout_runs_its_key_is_in_progress,
        while_a_checkout_runs_another_key_for_its_cart_is_refused,
        concurrent_changes_of_a_cart_all_land,
        of_concurrent_conditional_changes_one_lands,
        concurrent_registrations_of_an_address_make_one_account,
    ]
}

/// Sends until the answer is one that stays: 201 or a refusal that is not about other attempts.
async fn finally(checkout: &Checkout) -> Reply {
    eventually(SOON * 3, "a final answer", async || {
        checkout.attempt_final().await
    })
    .await
}

async fn of_several_checkouts_of_a_cart_at_once_one_succeeds(shop: &Shop) {
    let product = shop.product().stock(50).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let checkouts: Vec<Checkout> = (0..8).map(|_| shop.checkout(&cart.id)).collect();
    let replies = join_all(checkouts.iter().map(Checkout::send)).await;
    let bought = replies.iter().filter(|reply| reply.status == 201).count();
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        let name = if refused.is_problem("cart-empty") {
            "cart-empty"
        } else {
            "request-in-progress"
        };
        refused.problem(name);
    }
    assert_eq!(bought, 1);
    shop.settles_at(&product.id, 48).await;
}

async fn the_same_checkout_sent_several_times_at_once_sells_once(shop: &Shop) {
    let product = shop.product().stock(50).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let checkout = shop.checkout(&cart.id);
    let replies = join_all((0..8).map(|_| checkout.send())).await;
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.problem("request-in-progress");
        reply.retry_after();
    }
    let order = finally(&checkout).await.expect(201);
    for reply in replies.iter().filter(|reply| reply.status == 201) {
        assert_eq!(reply.value(), order);
    }
    shop.settles_at(&product.id, 48).await;
}

async fn more_than_is_in_stock_is_never_sold(shop: &Shop) {
    let product = shop.product().stock(4).create().await;
    let buyers = join_all((0..10).map(async |_| {
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        finally(&shop.checkout(&cart.id)).await
    }))
    .await;
    for refused in buyers.iter().filter(|reply| reply.status != 201) {
        refused.problem("out-of-stock");
    }
    assert_eq!(buyers.iter().filter(|reply| reply.status == 201).count(), 4);
    shop.settles_at(&product.id, 0).await;
}

async fn buyers_of_different_products_do_not_hinder_each_other(shop: &Shop) {
    join_all((0..6).map(async |_| {
        let product = shop.product().stock(1).create().await;
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        finally(&shop.checkout(&cart.id)).await.expect(201);
        shop.settles_at(&product.id, 0).await;
    }))
    .await;
}

async fn two_products_in_opposite_order_do_not_lock_each_other_up(shop: &Shop) {
    let first = shop.product().stock(8).create().await.id;
    let second = shop.product().stock(8).create().await.id;
    join_all((0..8).map(async |n| {
        let items = if n % 2 == 0 {
            [(&*first, 1), (&*second, 1)]
        } else {
            [(&*second, 1), (&*first, 1)]
        };
        let cart = shop.cart_of(&items).await;
        finally(&shop.checkout(&cart.id)).await.expect(201);
    }))
    .await;
    shop.settles_at(&first, 0).await;
    shop.settles_at(&second, 0).await;
}

/// Runs `meanwhile` while this checkout waits for a payment provider that does not answer in time.
async fn while_running(shop: &Shop, meanwhile: impl AsyncFnOnce(&Checkout)) {
    let product = shop.product().stock(5).create().await.id;
    let cart = shop.cart_of(&[(&product, 1)]).await;
    let checkout = shop.checkout(&cart.id).pay_with("pm_sandbox_timeout");
    let looking = async {
        eventually(SOON, "one is reserved", async || {
            let stock = shop.stock(&product).await;
            if stock["reserved"] == 1 {
                Ok(())
            } else {
                Err(stock.to_string())
            }
        })
        .await;
        meanwhile(&checkout).await;
    };
    // Whatever the payment comes to is not the point here.
    let (_, ()) = futures::join!(checkout.try_send(), looking);
}

async fn while_a_checkout_runs_its_key_is_in_progress(shop: &Shop) {
    while_running(shop, async |checkout: &Checkout| {
        let reply = checkout.send().await;
        reply.problem("request-in-progress");
        reply.retry_after();
    })
    .await;
}

async fn while_a_checkout_runs_another_key_for_its_cart_is_refused(shop: &Shop) {
    while_running(shop, async |checkout: &Checkout| {
        let other = checkout.clone().key(&key()).pay_with("pm_card_visa");
        other.send().await.problem("request-in-progress");
    })
    .await;
}

async fn concurrent_changes_of_a_cart_all_land(shop: &Shop) {
    let products = join_all((0..6).map(async |_| shop.product().create().await.id)).await;
    let cart = shop.cart().await;
    let replies = join_all(products.iter().map(|product| cart.put(product, 3))).await;
    for reply in replies {
        reply.expect(200);
    }
    let read = cart.read().await;
    for product in products {
        let items = read["items"].as_array().expect("items");
        assert!(
            items.iter().any(|item| item["product_id"] == product),
            "{product} is missing: {read}"
        );
    }
}

async fn of_concurrent_conditional_changes_one_lands(shop: &Shop) {
    let product = shop.product().create().await.id;
    let cart = shop.cart_of(&[(&product, 1)]).await;
    let tag = cart.get().await.must_header("etag").to_owned();
    let replies = join_all((2..8).map(|quantity| {
        let ask = shop.put(&cart.item(&product)).header("if-match", &tag);
        ask.json(&json!({ "quantity": quantity })).send()
    }))
    .await;
    for late in replies.iter().filter(|reply| reply.status != 200) {
        late.problem("precondition-failed");
    }
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
}

async fn concurrent_registrations_of_an_address_make_one_account(shop: &Shop) {
    let body =
        json!({ "email": bothways_tests::email(), "password": "correct horse", "name": "Robin" });
    let replies = join_all((0..4).map(|_| shop.post("/api/users").json(&body).send())).await;
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.problem("email-taken");
    }
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201).count(),
        1
    );
}
