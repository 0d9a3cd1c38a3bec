//! A handler that panics takes nobody else down.

use bothways_tests::{Case, Reply, SOON, Shop, cases, eventually};

pub(crate) fn in_services() -> Vec<Case> {
    cases![
        a_panic_in_a_service_is_an_internal_problem_and_the_service_goes_on,
        a_panic_in_a_page_is_a_500_that_reveals_nothing,
    ]
}

pub(crate) fn in_functions() -> Vec<Case> {
    cases![a_panic_in_a_function_is_api_gateways_500_and_the_next_caller_gets_an_answer]
}

/// A path of each part of the shop that anybody may ask for.
const PATHS: &[&str] = &[
    "/api/search",
    "/api/products?ids=x",
    "/api/carts/x",
    "/api/orders/x",
    "/api/users",
];

async fn panic_at(shop: &Shop, path: &str) -> Reply {
    let body = serde_json::json!({});
    let ask = if path == "/api/users" {
        shop.post(path).json(&body)
    } else {
        shop.get(path)
    };
    ask.header("x-bothways-panic", "1").send().await
}

/// Nothing of a panic may be read outside.
fn assert_quiet(reply: &Reply) {
    let text = reply.text();
    for inside in ["panicked", ".rs", "x-bothways-panic", "thread '"] {
        assert!(!text.contains(inside), "{}", reply.summary());
    }
}

async fn pids(shop: &Shop) -> Vec<(String, Option<i32>)> {
    let processes = shop.control().processes("microservices").await;
    let mut pids: Vec<_> = processes
        .into_iter()
        .map(|process| (process.name, process.pid))
        .collect();
    pids.sort();
    pids
}

async fn a_panic_in_a_service_is_an_internal_problem_and_the_service_goes_on(shop: &Shop) {
    shop.control().mend("microservices").await;
    let before = pids(shop).await;
    for path in PATHS {
        let reply = panic_at(shop, path).await;
        reply.problem("internal");
        assert_quiet(&reply);
        let next = shop.get(path).send().await;
        assert!(next.status < 500, "{}", next.summary());
    }
    assert_eq!(pids(shop).await, before, "the services go on");
}

async fn a_panic_in_a_page_is_a_500_that_reveals_nothing(shop: &Shop) {
    let reply = panic_at(shop, "/login").await;
    assert_eq!(reply.status, 500, "{}", reply.summary());
    assert_quiet(&reply);
    shop.get("/login").send().await.expect_html(200);
}

async fn a_panic_in_a_function_is_api_gateways_500_and_the_next_caller_gets_an_answer(shop: &Shop) {
    for path in PATHS.iter().chain(&["/login"]) {
        let reply = panic_at(shop, path).await;
        crate::functions::assert_gateways_500(&reply);
        assert_quiet(&reply);
        eventually(SOON, "the next caller gets an answer", async || {
            let next = shop.get(path).send().await;
            if next.status < 500 {
                Ok(())
            } else {
                Err(next.summary())
            }
        })
        .await;
    }
}
