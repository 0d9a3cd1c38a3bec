//! Buying on the web pages, without JavaScript.

use bothways_tests::{Browser, Case, Form, Page, Product, Shop, cases, email};

use crate::storefront::product_page;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guest_buys_without_javascript,
        a_guest_changes_the_cart,
        a_declined_card_is_said_and_can_be_tried_again,
        what_is_wrong_with_a_checkout_is_said_on_its_page,
        a_guest_finds_the_way_back_to_the_order,
        an_order_page_is_not_found_by_somebody_else,
    ]
}

/// Puts some of a product into the browser's cart by the form on its page.
pub(crate) async fn put_in_cart(browser: &Browser, product: &Product, quantity: &str) -> Page {
    let form = product_page(browser, product)
        .await
        .form_with(&["quantity"])
        .fill("quantity", quantity);
    assert_eq!(form.method, "post");
    let page = browser.submit(&form).await;
    page.reply.expect_html(200);
    page
}

/// The checkout form with everything filled in; a field the page names otherwise fails the test.
fn filled(page: &Page, card: &str) -> Form {
    let form = page.form_with(&["email", "line1"]);
    form.fill("email", &email())
        .fill("name", "Robin Trial")
        .fill("line1", "1 Test Street")
        .fill("city", "Springfield")
        .fill("postal_code", "12345")
        .fill("country", "US")
        .fill("payment_method", card)
}

pub(crate) async fn buy(browser: &Browser, product: &Product) -> Page {
    put_in_cart(browser, product, "1").await;
    let checkout = browser.open("/checkout").await;
    let order = browser.submit(&filled(&checkout, "pm_card_visa")).await;
    assert!(
        order.path.starts_with("/orders/"),
        "{}: {}",
        order.path,
        order.reply.summary()
    );
    order.reply.expect_html(200);
    order
}

async fn a_guest_buys_without_javascript(shop: &Shop) {
    let product = shop.product().price(1299).stock(5).create().await;
    let browser = Browser::new(shop);
    put_in_cart(&browser, &product, "2").await;
    let cart = browser.open("/cart").await;
    assert!(cart.text().contains(&product.name()), "{}", cart.text());
    assert!(cart.text().contains("25.98"), "{}", cart.text());
    let checkout = browser.open("/checkout").await;
    assert!(
        checkout.text().contains("30.97"),
        "the total is shown: {}",
        checkout.text()
    );
    let order = browser.submit(&filled(&checkout, "pm_card_visa")).await;
    assert!(
        order.path.starts_with("/orders/"),
        "{}: {}",
        order.path,
        order.reply.summary()
    );
    assert!(order.text().contains(&product.name()), "{}", order.text());
    assert!(order.text().contains("30.97"), "{}", order.text());
    shop.settles_at(&product.id, 3).await;
    let cart = browser.open("/cart").await;
    assert!(
        !cart.text().contains(&product.name()),
        "the cart is empty: {}",
        cart.text()
    );
}

async fn a_guest_changes_the_cart(shop: &Shop) {
    let product = shop.product().price(1000).stock(50).create().await;
    let browser = Browser::new(shop);
    put_in_cart(&browser, &product, "2").await;
    let cart = browser.open("/cart").await;
    let changed = browser
        .submit(&cart.form_with(&["quantity"]).fill("quantity", "7"))
        .await;
    assert!(changed.text().contains("70.00"), "{}", changed.text());
    let remove = changed.form_to("remove");
    let emptied = browser.submit(&remove).await;
    assert!(
        !emptied.text().contains(&product.name()),
        "{}",
        emptied.text()
    );
}

async fn a_declined_card_is_said_and_can_be_tried_again(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let browser = Browser::new(shop);
    put_in_cart(&browser, &product, "1").await;
    let checkout = browser.open("/checkout").await;
    let declined = browser
        .submit(&filled(&checkout, "pm_card_chargeDeclined"))
        .await;
    assert!(
        declined.text().to_lowercase().contains("declined"),
        "{}",
        declined.text()
    );
    let order = browser.submit(&filled(&declined, "pm_card_visa")).await;
    assert!(
        order.path.starts_with("/orders/"),
        "{}: {}",
        order.path,
        order.reply.summary()
    );
}

async fn what_is_wrong_with_a_checkout_is_said_on_its_page(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let browser = Browser::new(shop);
    put_in_cart(&browser, &product, "1").await;
    let checkout = browser.open("/checkout").await;
    let wrong = browser
        .submit(&filled(&checkout, "pm_card_visa").fill("email", "nowhere"))
        .await;
    assert_eq!(wrong.reply.status, 422, "{}", wrong.reply.summary());
    let again = wrong.form_with(&["email", "line1"]);
    let city = again
        .fields
        .iter()
        .find(|(name, _)| name == "city")
        .map(|(_, city)| city.as_str());
    assert_eq!(city, Some("Springfield"), "what was typed is still there");
    let order = browser.submit(&again.fill("email", &email())).await;
    assert!(
        order.path.starts_with("/orders/"),
        "{}: {}",
        order.path,
        order.reply.summary()
    );
}

async fn a_guest_finds_the_way_back_to_the_order(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let browser = Browser::new(shop);
    let order = buy(&browser, &product).await;
    let again = browser.open(&order.path).await;
    again.reply.expect_html(200);
    assert!(again.text().contains(&product.name()), "{}", again.text());
}

async fn an_order_page_is_not_found_by_somebody_else(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let order = buy(&Browser::new(shop), &product).await;
    let path = order.path.split('?').next().unwrap_or_default();
    Browser::new(shop).open(path).await.reply.expect_html(404);
}
