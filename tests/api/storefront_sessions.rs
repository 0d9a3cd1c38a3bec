//! Sessions on the web pages: carts that come along, tabs that share a cookie, passwords, signing out everywhere.

use bothways_tests::{Browser, Case, Page, Shop, User, cases};

use crate::storefront_buying::{buy, put_in_cart};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guests_cart_joins_the_users_at_sign_in,
        a_cart_is_found_on_another_device,
        a_cart_stays_with_its_user_at_sign_out,
        tabs_that_renew_a_session_at_once_all_stay_signed_in,
        a_password_is_changed_on_the_account_page,
        a_password_that_can_not_be_changed_is_said,
        signing_out_everywhere_signs_out_other_browsers,
        a_signed_in_checkout_knows_the_last_address,
    ]
}

/// A browser in which this user is signed in, and the page it came to.
async fn sign_in(browser: &Browser, user: &User) -> Page {
    let login = browser.open("/login").await;
    let form = login.form_with(&["email", "password"]);
    let form = form.fill("email", &user.email);
    let page = browser.submit(&form.fill("password", &user.password)).await;
    page.reply.expect_html(200);
    page
}

/// How many the cart page says there are of this product; `None` when it is not in the cart.
async fn quantity(browser: &Browser, product: &str) -> Option<String> {
    let cart = browser.open("/cart").await;
    cart.reply.expect_html(200);
    let is_of = |form: &&bothways_tests::Form| {
        form.has("quantity") && form.fields.iter().any(|(_, value)| value == product)
    };
    let forms = cart.forms();
    let form = forms.iter().find(is_of)?;
    let field = form.fields.iter().find(|(name, _)| name == "quantity");
    field.map(|(_, value)| value.clone())
}

async fn a_guests_cart_joins_the_users_at_sign_in(shop: &Shop) {
    let user = shop.user().await;
    let (a, b) = (
        shop.product().stock(9).create().await,
        shop.product().stock(9).create().await,
    );
    let home = Browser::new(shop);
    sign_in(&home, &user).await;
    put_in_cart(&home, &a, "2").await;
    let away = Browser::new(shop);
    put_in_cart(&away, &a, "3").await;
    put_in_cart(&away, &b, "1").await;
    sign_in(&away, &user).await;
    for browser in [&away, &home] {
        assert_eq!(quantity(browser, &a.id).await.as_deref(), Some("5"));
        assert_eq!(quantity(browser, &b.id).await.as_deref(), Some("1"));
    }
}

async fn a_cart_is_found_on_another_device(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(9).create().await);
    let (home, away) = (Browser::new(shop), Browser::new(shop));
    sign_in(&home, &user).await;
    sign_in(&away, &user).await;
    put_in_cart(&home, &product, "4").await;
    assert_eq!(quantity(&away, &product.id).await.as_deref(), Some("4"));
}

async fn a_cart_stays_with_its_user_at_sign_out(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(9).create().await);
    let browser = Browser::new(shop);
    sign_in(&browser, &user).await;
    put_in_cart(&browser, &product, "2").await;
    let account = browser.open("/account").await;
    browser.submit(&account.form_to("logout")).await;
    assert_eq!(quantity(&browser, &product.id).await, None);
    sign_in(&browser, &user).await;
    assert_eq!(quantity(&browser, &product.id).await.as_deref(), Some("2"));
}

async fn tabs_that_renew_a_session_at_once_all_stay_signed_in(shop: &Shop) {
    let user = shop.user().await;
    // The access cookie is gone, as it is a quarter of an hour after the last page.
    let cookie = format!("refresh={}", user.refresh_token);
    let tab = async || {
        let ask = shop.get("/account").header("accept", "text/html");
        let reply = ask.header("cookie", &cookie).send().await;
        assert!(reply.expect_html(200).contains(&user.email));
        let cookies = bothways_tests::set_cookies(&reply);
        let access = cookies
            .iter()
            .find_map(|cookie| cookie.strip_prefix("access="));
        let access = access.and_then(|rest| rest.split(';').next());
        access.unwrap_or_default().to_owned()
    };
    let (one, two, three) = tokio::join!(tab(), tab(), tab());
    for token in [one, two, three, tab().await] {
        shop.get("/api/me").bearer(&token).send().await.expect(200);
    }
}

async fn a_password_is_changed_on_the_account_page(shop: &Shop) {
    let mut user = shop.user().await;
    let (browser, other) = (Browser::new(shop), Browser::new(shop));
    sign_in(&browser, &user).await;
    sign_in(&other, &user).await;
    let account = browser.open("/account").await;
    let form = account.form_with(&["current_password", "new_password"]);
    let form = form.fill("current_password", &user.password);
    let page = browser
        .submit(&form.fill("new_password", "another secret"))
        .await;
    page.reply.expect_html(200);
    assert!(page.text().contains("changed"), "{}", page.text());
    let elsewhere = other.open("/account").await;
    assert!(elsewhere.path.starts_with("/login"), "{}", elsewhere.path);
    "another secret".clone_into(&mut user.password);
    sign_in(&Browser::new(shop), &user).await;
}

async fn a_password_that_can_not_be_changed_is_said(shop: &Shop) {
    let user = shop.user().await;
    let browser = Browser::new(shop);
    sign_in(&browser, &user).await;
    let account = browser.open("/account").await;
    let form = account.form_with(&["current_password", "new_password"]);
    for (current, new) in [
        ("not the password", "another secret"),
        (user.password.as_str(), "short"),
    ] {
        let form = form.clone().fill("current_password", current);
        let page = browser.submit(&form.fill("new_password", new)).await;
        page.reply.expect_html(422);
        assert!(page.html.contains("aria-invalid=\"true\""), "{}", page.html);
        assert!(!page.html.contains(&format!("value=\"{current}\"")));
    }
    user.sign_in(shop).await.expect(200);
}

async fn signing_out_everywhere_signs_out_other_browsers(shop: &Shop) {
    let user = shop.user().await;
    let (browser, other) = (Browser::new(shop), Browser::new(shop));
    sign_in(&browser, &user).await;
    sign_in(&other, &user).await;
    let account = browser.open("/account").await;
    let page = browser
        .submit(&account.form_to("sign-out-everywhere"))
        .await;
    page.reply.expect_html(200);
    for browser in [&browser, &other] {
        let account = browser.open("/account").await;
        assert!(account.path.starts_with("/login"), "{}", account.path);
    }
}

async fn a_signed_in_checkout_knows_the_last_address(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(9).create().await);
    let browser = Browser::new(shop);
    sign_in(&browser, &user).await;
    buy(&browser, &product).await;
    put_in_cart(&browser, &product, "1").await;
    let checkout = browser.open("/checkout").await;
    let form = checkout.form_with(&["email", "line1", "city"]);
    for (name, value) in [("line1", "1 Test Street"), ("city", "Springfield")] {
        let known = form.fields.iter().find(|(field, _)| field == name);
        assert_eq!(known.map(|(_, value)| value.as_str()), Some(value));
    }
}
