//! Services that are gone: what depends on them says so, the rest goes on, and when they come back
//! nothing else needs a restart.

use bothways_tests::{
    Case, Control, Process, Reply, SEARCH_LAG, SOON, Shop, cases, eventually, money,
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        without_search_the_shop_still_sells,
        without_inventory_products_are_shown_and_checkout_waits,
        without_identity_guests_buy_and_tokens_still_count,
        without_product_carts_answer_with_what_they_knew,
        without_checkout_carts_can_still_be_filled,
        without_the_storefront_the_api_goes_on,
    ]
}

const ARCHITECTURE: &str = "microservices";

/// Runs `meanwhile` with a service killed, starts it again, waits until it serves, and checks that
/// nothing else was restarted.
async fn without(shop: &Shop, service: &str, meanwhile: impl AsyncFnOnce()) {
    let control = shop.control();
    control.mend(ARCHITECTURE).await;
    let before = others(&control, service).await;
    control.order(ARCHITECTURE, service, "kill").await;
    meanwhile().await;
    control.order(ARCHITECTURE, service, "start").await;
    assert_eq!(
        others(&control, service).await,
        before,
        "something else was restarted"
    );
}

async fn others(control: &Control, service: &str) -> Vec<(String, Option<i32>)> {
    let all = control.processes(ARCHITECTURE).await;
    let others = all.into_iter().filter(|process| process.name != service);
    let mut others: Vec<_> = others
        .map(|Process { name, pid, .. }| (name, pid))
        .collect();
    others.sort();
    others
}

/// Waits until this answers with `status`: a connection that broke, a breaker that is still open or
/// a process that just came up are allowed to show first.
async fn answers(status: u16, ask: impl AsyncFn() -> Reply) -> Reply {
    eventually(SOON * 2, &format!("an answer {status}"), async || {
        let reply = ask().await;
        if reply.status == status {
            Ok(reply)
        } else {
            Err(reply.summary())
        }
    })
    .await
}

async fn without_search_the_shop_still_sells(shop: &Shop) {
    let known = shop.product().stock(9).create().await;
    let new = shop.product().stock(9).unwritten();
    without(shop, "search", async || {
        let search = async || shop.get("/api/search").send().await;
        answers(503, search).await.problem("unavailable");
        let suggest = async || shop.get("/api/search/suggest?q=ke").send().await;
        answers(503, suggest).await.problem("unavailable");
        assert_eq!(
            shop.get(&known.path()).send().await.expect(200)["availability"],
            "in_stock"
        );
        let page = shop.get(&format!("/products/{}", known.id)).send().await;
        assert!(page.expect_html(200).contains(&known.word));
        let cart = shop.cart_of(&[(&known.id, 2)]).await;
        shop.checkout(&cart.id).buy().await;
        new.put(shop).await.expect(201);
    })
    .await;
    let found = async |word: &str| {
        eventually(SEARCH_LAG, "search has caught up", async || {
            let reply = shop.get("/api/search").query(&[("q", word)]).send().await;
            if reply.value()["total"] == 1 {
                Ok(())
            } else {
                Err(reply.summary())
            }
        })
        .await;
    };
    found(&known.word).await;
    found(&new.word).await;
}

async fn without_inventory_products_are_shown_and_checkout_waits(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let checkout = shop.checkout(&cart.id);
    let availability =
        async || shop.get(&product.path()).send().await.expect(200)["availability"].clone();
    without(shop, "inventory", async || {
        assert_eq!(availability().await, "unknown");
        shop.get(&format!("/products/{}", product.id))
            .send()
            .await
            .expect_html(200);
        let read = cart.read().await;
        assert_eq!(read["items"][0]["availability"], "unknown");
        assert_eq!(read["subtotal"], money(2598));
        checkout.send().await.problem("unavailable");
        shop.get("/api/search").send().await.expect(200);
        let stock = shop.get(&format!("/api/inventory/{}", product.id));
        stock
            .bearer(&shop.admin().await)
            .send()
            .await
            .problem("unavailable");
    })
    .await;
    eventually(
        SOON * 2,
        "stock is known again",
        async || match availability().await {
            known if known == "in_stock" => Ok(()),
            other => Err(other.to_string()),
        },
    )
    .await;
    let bought = eventually(SOON * 3, "a final answer", async || {
        checkout.attempt_final().await
    })
    .await;
    bought.expect(201);
    shop.settles_at(&product.id, 7).await;
}

async fn without_identity_guests_buy_and_tokens_still_count(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(9).create().await);
    let bought = async || {
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        shop.checkout(&cart.id).buy().await
    };
    let orders = async || {
        shop.get("/api/orders")
            .bearer(&user.access_token)
            .send()
            .await
    };
    // The keys have been seen once by those who verify with them.
    orders().await.expect(200);
    shop.cart().await.claimed_by(&user).await;
    without(shop, "identity", async || {
        let sign_in = async || user.sign_in(shop).await;
        answers(503, sign_in).await.problem("unavailable");
        orders().await.expect(200);
        let cart = shop
            .cart_of(&[(&product.id, 1)])
            .await
            .claimed_by(&user)
            .await;
        shop.checkout(&cart.id).by(&user).buy().await;
        let guest = bought().await;
        guest.read(shop).await;
        shop.get("/api/search").send().await.expect(200);
        shop.get("/").send().await.expect_html(200);
        shop.get("/api/me").bearer("nonsense").send().await;
    })
    .await;
    answers(200, async || user.sign_in(shop).await)
        .await
        .expect(200);
    let me = async || shop.get("/api/me").bearer(&user.access_token).send().await;
    answers(200, me).await.expect(200);
}

async fn without_product_carts_answer_with_what_they_knew(shop: &Shop) {
    let product = shop.product().price(1299).stock(9).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    cart.read().await;
    without(shop, "product", async || {
        let page = async || shop.get(&product.path()).send().await;
        answers(503, page).await.problem("unavailable");
        let read = cart.read().await;
        assert_eq!(read["items"][0]["name"], product.name());
        assert_eq!(read["items"][0]["unit_price"], money(1299));
        assert_eq!(read["subtotal"], money(2598));
        shop.checkout(&cart.id).send().await.problem("unavailable");
        shop.get("/api/search").send().await.expect(200);
    })
    .await;
    answers(200, async || shop.get(&product.path()).send().await).await;
    let checkout = shop.checkout(&cart.id);
    let bought = eventually(SOON * 3, "a final answer", async || {
        checkout.attempt_final().await
    })
    .await;
    bought.expect(201);
}

async fn without_checkout_carts_can_still_be_filled(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart().await;
    let checkout = shop.checkout(&cart.id);
    without(shop, "checkout", async || {
        cart.put(&product.id, 2).await.expect(200);
        answers(503, async || checkout.send().await)
            .await
            .problem("unavailable");
        shop.get(&product.path()).send().await.expect(200);
        shop.get("/cart").send().await.expect_html(200);
    })
    .await;
    let bought = eventually(SOON * 3, "a final answer", async || {
        checkout.attempt_final().await
    })
    .await;
    bought.expect(201);
}

async fn without_the_storefront_the_api_goes_on(shop: &Shop) {
    let product = shop.product().stock(9).create().await;
    without(shop, "storefront", async || {
        let home = answers(503, async || shop.get("/").send().await).await;
        home.retry_after();
        home.must_header("content-security-policy");
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        shop.checkout(&cart.id).buy().await;
        shop.get("/api/about").send().await.expect(200);
    })
    .await;
    answers(200, async || shop.get("/").send().await)
        .await
        .expect_html(200);
}
