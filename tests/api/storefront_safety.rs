//! Pages are safe against what strangers write and other sites send.

use bothways_tests::{Ask, Browser, Case, Form, Shop, cases, email, word};
use reqwest::Method;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_product_can_not_bring_markup_into_its_page,
        a_query_can_not_bring_markup_into_the_results,
        a_form_posted_from_another_site_is_refused,
        a_sign_in_posted_from_another_site_is_refused,
        the_api_takes_no_cookies,
        signing_in_redirects_inside_the_shop_only,
        a_form_past_1_mib_is_refused,
        a_page_takes_no_method_it_does_not_know,
    ]
}

const MARKUP: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

async fn a_product_can_not_bring_markup_into_its_page(shop: &Shop) {
    let product = shop
        .product()
        .name(&format!("{} {MARKUP}", word()))
        .brand(MARKUP)
        .with("description", MARKUP)
        .with("attributes", serde_json::json!({ MARKUP: MARKUP }))
        .category(&[MARKUP])
        .stock(5)
        .create()
        .await;
    let page = Browser::new(shop)
        .open(&format!("/products/{}", product.id))
        .await;
    let html = page.reply.expect_html(200);
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("<img src=x"), "{html}");
}

async fn a_query_can_not_bring_markup_into_the_results(shop: &Shop) {
    let ask = shop
        .get("/search")
        .query(&[("q", MARKUP), ("brand", MARKUP), ("category", MARKUP)]);
    let html = ask.send().await.expect_html(200);
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("<img src=x"), "{html}");
    assert!(!html.contains("\"'>"), "{html}");
}

/// What a form of another site makes a browser send.
fn forged(shop: &Shop, form: &Form, cookies: &str) -> Ask {
    let ask = shop
        .post(&form.action)
        .header("origin", "https://evil.example");
    let ask = ask
        .header("referer", "https://evil.example/")
        .header("sec-fetch-site", "cross-site");
    if cookies.is_empty() {
        ask.form(&form.fields)
    } else {
        ask.header("cookie", cookies).form(&form.fields)
    }
}

async fn a_form_posted_from_another_site_is_refused(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let browser = Browser::new(shop);
    let page = browser.open(&format!("/products/{}", product.id)).await;
    let form = page.form_with(&["quantity"]);
    browser.submit(&form).await.reply.expect_html(200);
    let more = form.fill("quantity", "4");
    let reply = forged(shop, &more, &browser.cookies()).send().await;
    assert!(matches!(reply.status, 400..=403), "{}", reply.summary());
    let cart = browser.open("/cart").await;
    let quantity = cart
        .form_with(&["quantity"])
        .fields
        .into_iter()
        .find(|(name, _)| name == "quantity");
    assert_eq!(quantity.map(|(_, value)| value).as_deref(), Some("1"));
}

async fn a_sign_in_posted_from_another_site_is_refused(shop: &Shop) {
    let user = shop.user().await;
    let form = Browser::new(shop)
        .open("/login")
        .await
        .form_with(&["email", "password"]);
    let form = form
        .fill("email", &user.email)
        .fill("password", &user.password);
    let reply = forged(shop, &form, "").send().await;
    assert!(matches!(reply.status, 400..=403), "{}", reply.summary());
    assert!(
        bothways_tests::set_cookies(&reply)
            .iter()
            .all(|cookie| cookie.contains("Max-Age=0"))
    );
}

async fn the_api_takes_no_cookies(shop: &Shop) {
    let user = shop.user().await;
    let browser = Browser::new(shop);
    let form = browser
        .open("/login")
        .await
        .form_with(&["email", "password"]);
    browser
        .submit(
            &form
                .fill("email", &user.email)
                .fill("password", &user.password),
        )
        .await;
    assert!(!browser.cookies().is_empty());
    let reply = shop
        .get("/api/me")
        .header("cookie", browser.cookies())
        .send()
        .await;
    reply.problem("unauthenticated");
}

async fn signing_in_redirects_inside_the_shop_only(shop: &Shop) {
    let user = shop.user().await;
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let browser = Browser::new(shop);
        let names = ["next", "return_to", "redirect", "to"];
        let query: Vec<String> = names
            .iter()
            .map(|name| format!("{name}={}", elsewhere.replace('/', "%2F")))
            .collect();
        let page = browser.open(&format!("/login?{}", query.join("&"))).await;
        let form = page.form_with(&["email", "password"]);
        let form = form
            .fill("email", &user.email)
            .fill("password", &user.password);
        // A redirect to another origin fails inside.
        browser.submit(&form).await.reply.expect_html(200);
    }
}

async fn a_form_past_1_mib_is_refused(shop: &Shop) {
    let form = Browser::new(shop)
        .open("/register")
        .await
        .form_with(&["email", "password", "name"]);
    let form = form
        .fill("email", &email())
        .fill("name", &"x".repeat(1 << 20));
    let reply = Browser::new(shop)
        .request(&Method::POST, &form.action, Some(&form.fields))
        .await;
    assert_eq!(reply.status, 413, "{}", reply.summary());
}

async fn a_page_takes_no_method_it_does_not_know(shop: &Shop) {
    for path in ["/", "/search"] {
        let reply = shop.delete(path).send().await;
        assert_eq!(reply.status, 405, "{}", reply.summary());
    }
}
