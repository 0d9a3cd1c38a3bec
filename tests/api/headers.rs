//! Security headers on every answer, whichever layer gives it.

use bothways_tests::{Browser, Case, Reply, Shop, cases, email, id, set_cookies};
use reqwest::Method;
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        pages_carry_the_security_headers,
        answers_of_the_api_carry_the_security_headers,
        problems_carry_the_security_headers,
        the_content_security_policy_allows_nothing_inline,
        nobody_may_frame_the_shop,
        a_304_keeps_the_security_headers,
        cookies_are_out_of_reach_of_scripts_and_other_sites,
        pages_have_no_inline_scripts_or_styles,
    ]
}

#[track_caller]
fn assert_secure(reply: &Reply) {
    let policy = reply.must_header("content-security-policy");
    assert!(!policy.contains("unsafe-inline"), "{}", reply.summary());
    assert!(
        policy.contains("frame-ancestors 'none'"),
        "{policy}: {}",
        reply.summary()
    );
    assert_eq!(
        reply.must_header("x-content-type-options"),
        "nosniff",
        "{}",
        reply.summary()
    );
    assert!(
        !reply.must_header("referrer-policy").is_empty(),
        "{}",
        reply.summary()
    );
    assert!(
        !reply.must_header("x-request-id").is_empty(),
        "{}",
        reply.summary()
    );
}

const PAGES: &[&str] = &[
    "/",
    "/search",
    "/search?q=kettle",
    "/cart",
    "/login",
    "/register",
];

async fn pages_carry_the_security_headers(shop: &Shop) {
    for path in PAGES {
        let reply = shop.get(path).send().await;
        reply.expect_html(200);
        assert_secure(&reply);
    }
    assert_secure(&shop.get("/no/such/page").send().await);
    assert_secure(&shop.get("/account").send().await);
}

async fn answers_of_the_api_carry_the_security_headers(shop: &Shop) {
    let product = shop.product().create().await;
    for path in [
        "/api/search",
        "/api/about",
        "/api/openapi.json",
        "/.well-known/jwks.json",
        &product.path(),
    ] {
        let reply = shop.get(path).send().await;
        reply.expect(200);
        assert_secure(&reply);
    }
    assert_secure(&shop.post("/api/carts").send().await);
    assert_secure(&shop.get("/healthz").send().await);
    assert_secure(&shop.get("/readyz").send().await);
    assert_secure(&shop.get("/api/docs").send().await);
}

async fn problems_carry_the_security_headers(shop: &Shop) {
    let sign_in = || shop.post("/api/sessions");
    let wrong = json!({ "email": email(), "password": "not the password" });
    let long = " ".repeat((1 << 20) + 1);
    let replies = [
        (400, sign_in().body("application/json", "{").send().await),
        (401, sign_in().json(&wrong).send().await),
        (404, shop.get("/api/nothing").send().await),
        (404, shop.get(&format!("/api/carts/{}", id())).send().await),
        (405, shop.ask(&Method::DELETE, "/api/search").send().await),
        (413, sign_in().body("application/json", long).send().await),
        (415, sign_in().body("text/plain", "hello").send().await),
        (422, shop.get("/api/search?per_page=0").send().await),
    ];
    for (status, reply) in replies {
        assert_eq!(reply.status, status, "{}", reply.summary());
        assert_secure(&reply);
    }
}

async fn the_content_security_policy_allows_nothing_inline(shop: &Shop) {
    let reply = shop.get("/").send().await;
    let policy = reply.must_header("content-security-policy");
    assert!(
        policy.contains("default-src") || policy.contains("script-src"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"),
        "{policy}"
    );
}

async fn nobody_may_frame_the_shop(shop: &Shop) {
    for path in ["/", "/login", "/cart"] {
        let reply = shop.get(path).send().await;
        assert!(
            reply
                .must_header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
    }
}

async fn a_304_keeps_the_security_headers(shop: &Shop) {
    let product = shop.product().alone().create().await;
    let tag = shop
        .get(&product.path())
        .send()
        .await
        .must_header("etag")
        .to_owned();
    let reply = shop
        .get(&product.path())
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(reply.status, 304);
    assert_secure(&reply);
}

async fn cookies_are_out_of_reach_of_scripts_and_other_sites(shop: &Shop) {
    let product = shop.product().stock(3).create().await;
    let browser = Browser::new(shop);
    let page = browser.open(&format!("/products/{}", product.id)).await;
    let form = page.form_with(&["quantity"]);
    let reply = browser
        .request(&Method::POST, &form.action, Some(&form.fields))
        .await;
    let cookies = set_cookies(&reply);
    assert!(
        !cookies.is_empty(),
        "a cart is remembered by a cookie: {}",
        reply.summary()
    );
    for cookie in cookies {
        let attributes: Vec<String> = cookie
            .split(';')
            .skip(1)
            .map(|part| part.trim().to_ascii_lowercase())
            .collect();
        for expected in ["httponly", "samesite=lax", "path=/"] {
            assert!(
                attributes.iter().any(|attribute| attribute == expected),
                "{expected}: {cookie}"
            );
        }
        assert!(
            !attributes
                .iter()
                .any(|attribute| attribute.starts_with("domain")),
            "{cookie}"
        );
    }
}

async fn pages_have_no_inline_scripts_or_styles(shop: &Shop) {
    for path in PAGES {
        let html = shop.get(path).send().await.expect_html(200).to_lowercase();
        assert!(!html.contains("<style"), "{path} has an inline style");
        assert!(!html.contains(" style="), "{path} has an inline style");
        assert!(
            !html.contains(" onclick=") && !html.contains(" onload="),
            "{path} has an inline handler"
        );
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap_or_default();
            assert!(tag.contains("src=\"/"), "{path} has an inline script");
        }
    }
}
