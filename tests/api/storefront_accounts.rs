//! Accounts on the web pages, without JavaScript.

use bothways_tests::{Browser, Case, Page, Shop, cases, email, word};

use crate::storefront_buying::{buy, put_in_cart};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        somebody_registers_and_is_signed_in,
        somebody_signs_in_and_out,
        a_wrong_password_is_said,
        what_is_wrong_with_a_registration_is_said,
        an_account_page_needs_a_sign_in,
        an_account_page_lists_orders,
        a_guests_cart_survives_signing_in,
        a_sign_in_with_an_unknown_address_reads_like_a_wrong_password,
        the_admin_page_is_for_administrators_only,
    ]
}

async fn register(browser: &Browser) -> (String, String, Page) {
    let (email, password) = (email(), format!("secret {}", word()));
    let form = browser
        .open("/register")
        .await
        .form_with(&["email", "password", "name"]);
    let form = form
        .fill("email", &email)
        .fill("password", &password)
        .fill("name", "Robin Trial");
    let page = browser.submit(&form).await;
    page.reply.expect_html(200);
    (email, password, page)
}

async fn sign_in(browser: &Browser, email: &str, password: &str) -> Page {
    let form = browser
        .open("/login")
        .await
        .form_with(&["email", "password"]);
    browser
        .submit(&form.fill("email", email).fill("password", password))
        .await
}

async fn somebody_registers_and_is_signed_in(shop: &Shop) {
    let browser = Browser::new(shop);
    let (email, _, _) = register(&browser).await;
    let account = browser.open("/account").await;
    assert_eq!(account.path, "/account");
    assert!(account.text().contains(&email), "{}", account.text());
}

async fn somebody_signs_in_and_out(shop: &Shop) {
    let (email, password, _) = register(&Browser::new(shop)).await;
    let browser = Browser::new(shop);
    sign_in(&browser, &email, &password)
        .await
        .reply
        .expect_html(200);
    let account = browser.open("/account").await;
    assert!(account.text().contains(&email), "{}", account.text());
    browser.submit(&account.form_to("logout")).await;
    let gone = browser.open("/account").await;
    assert!(!gone.text().contains(&email), "{}", gone.text());
}

async fn a_wrong_password_is_said(shop: &Shop) {
    let browser = Browser::new(shop);
    let (email, _, _) = register(&Browser::new(shop)).await;
    let page = sign_in(&browser, &email, "not the password").await;
    assert!(
        matches!(page.reply.status, 401 | 422),
        "{}",
        page.reply.summary()
    );
    assert!(
        page.reply
            .must_header("content-type")
            .starts_with("text/html")
    );
    page.form_with(&["email", "password"]);
}

async fn a_sign_in_with_an_unknown_address_reads_like_a_wrong_password(shop: &Shop) {
    let (known, _, _) = register(&Browser::new(shop)).await;
    let unknown = email();
    let wrong = sign_in(&Browser::new(shop), &known, "not the password").await;
    let nobody = sign_in(&Browser::new(shop), &unknown, "not the password").await;
    assert_eq!(wrong.reply.status, nobody.reply.status);
    assert_eq!(
        wrong.text().replace(&known, ""),
        nobody.text().replace(&unknown, "")
    );
}

async fn what_is_wrong_with_a_registration_is_said(shop: &Shop) {
    let browser = Browser::new(shop);
    let form = browser
        .open("/register")
        .await
        .form_with(&["email", "password", "name"]);
    let form = form
        .fill("email", &email())
        .fill("password", "short")
        .fill("name", "Robin Trial");
    let page = browser.submit(&form).await;
    assert_eq!(page.reply.status, 422, "{}", page.reply.summary());
    assert!(
        !page.html.contains("value=\"short\""),
        "a password is never sent back"
    );
    let name = page
        .form_with(&["name"])
        .fields
        .into_iter()
        .find(|(name, _)| name == "name");
    assert_eq!(
        name.map(|(_, value)| value).as_deref(),
        Some("Robin Trial"),
        "what was typed is still there"
    );
}

async fn an_account_page_needs_a_sign_in(shop: &Shop) {
    let page = Browser::new(shop).open("/account").await;
    assert!(
        page.path.starts_with("/login") || page.reply.status == 401,
        "{}",
        page.reply.summary()
    );
}

async fn an_account_page_lists_orders(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let browser = Browser::new(shop);
    register(&browser).await;
    let order = buy(&browser, &product).await;
    let path = order.path.split('?').next().unwrap_or_default().to_owned();
    let account = browser.open("/account").await;
    assert!(
        account
            .all("href")
            .iter()
            .any(|href| href.starts_with(&path)),
        "{}",
        account.html
    );
}

async fn a_guests_cart_survives_signing_in(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let (email, password, _) = register(&Browser::new(shop)).await;
    let browser = Browser::new(shop);
    put_in_cart(&browser, &product, "1").await;
    sign_in(&browser, &email, &password)
        .await
        .reply
        .expect_html(200);
    let cart = browser.open("/cart").await;
    assert!(cart.text().contains(&product.name()), "{}", cart.text());
}

async fn the_admin_page_is_for_administrators_only(shop: &Shop) {
    let browser = Browser::new(shop);
    let guest = browser.open("/admin").await;
    assert!(
        guest.path.starts_with("/login") || guest.reply.status >= 400,
        "{}",
        guest.reply.summary()
    );
    register(&browser).await;
    let customer = browser.open("/admin").await;
    assert!(
        matches!(customer.reply.status, 403 | 404),
        "{}",
        customer.reply.summary()
    );
}
