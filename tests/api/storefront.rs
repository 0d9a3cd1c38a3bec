//! The web pages, used as a person with a browser without JavaScript does.

use bothways_tests::{
    Browser, Case, Form, Page, Product, SEARCH_LAG, Shop, cases, email, eventually, id, word,
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_home_page_opens,
        everything_the_home_page_links_to_is_there,
        an_unknown_path_is_an_html_404_page,
        an_unknown_product_is_an_html_404_page,
        a_product_has_a_page,
        a_product_is_found_through_the_search_form,
        search_says_when_it_searched_for_something_else,
        search_results_come_in_pages,
        search_results_can_be_narrowed_down_by_facets,
        an_empty_cart_has_a_page,
        a_guest_buys_without_javascript,
        a_guest_changes_the_cart,
        a_declined_card_is_said_and_can_be_tried_again,
        what_is_wrong_with_a_checkout_is_said_on_its_page,
        a_guest_finds_the_way_back_to_the_order,
        an_order_page_is_not_found_by_somebody_else,
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

async fn the_home_page_opens(shop: &Shop) {
    let page = Browser::new(shop).open("/").await;
    let html = page.reply.expect_html(200).to_lowercase();
    assert!(
        html.starts_with("<!doctype html>"),
        "{}",
        &html[..html.len().min(80)]
    );
    assert!(html.contains("<html lang="), "a page says its language");
    assert!(
        html.contains("name=\"viewport\""),
        "a page is readable on a phone"
    );
    assert!(html.contains("<title>"), "a page has a title");
}

async fn everything_the_home_page_links_to_is_there(shop: &Shop) {
    let browser = Browser::new(shop);
    let page = browser.open("/").await;
    let mut links = [page.all("href"), page.all("src")].concat();
    links.sort_unstable();
    links.dedup();
    assert!(!links.is_empty());
    for link in links.iter().filter(|link| link.starts_with('/')) {
        let status = browser.open(link).await.reply.status;
        assert_eq!(status, 200, "{link}");
    }
}

async fn an_unknown_path_is_an_html_404_page(shop: &Shop) {
    for path in ["/no/such/page", "/orders", "/product/x", "/index.php"] {
        Browser::new(shop).open(path).await.reply.expect_html(404);
    }
}

async fn an_unknown_product_is_an_html_404_page(shop: &Shop) {
    for product in [id(), "im%20possible".to_owned()] {
        Browser::new(shop)
            .open(&format!("/products/{product}"))
            .await
            .reply
            .expect_html(404);
    }
}

async fn product_page(browser: &Browser, product: &Product) -> Page {
    let page = browser.open(&format!("/products/{}", product.id)).await;
    page.reply.expect_html(200);
    page
}

async fn a_product_has_a_page(shop: &Shop) {
    let product = shop
        .product()
        .price(123_456)
        .brand("Trial & Sons")
        .stock(9)
        .create()
        .await;
    let text = product_page(&Browser::new(shop), &product).await.text();
    assert!(text.contains(&product.word), "{text}");
    assert!(text.contains("Trial & Sons"), "{text}");
    assert!(
        text.contains("1,234.56") || text.contains("1234.56"),
        "{text}"
    );
    assert!(text.contains("Boils water for a test."), "{text}");
}

/// Waits until a page contains something.
async fn until_shown(browser: &Browser, path: &str, expected: &str) -> Page {
    eventually(
        SEARCH_LAG,
        &format!("{path} shows {expected}"),
        async || {
            let page = browser.open(path).await;
            if page.text().contains(expected) {
                Ok(page)
            } else {
                Err(page.reply.summary())
            }
        },
    )
    .await
}

async fn a_product_is_found_through_the_search_form(shop: &Shop) {
    let product = shop.product().create().await;
    let browser = Browser::new(shop);
    until_shown(
        &browser,
        &format!("/search?q={}", product.word),
        &product.name(),
    )
    .await;
    let home = browser.open("/").await;
    let form = home.form_with(&["q"]).fill("q", &product.word);
    assert_eq!(form.method, "get");
    let results = browser.submit(&form).await;
    assert!(results.path.starts_with("/search?"), "{}", results.path);
    let link = format!("/products/{}", product.id);
    assert!(
        results
            .all("href")
            .iter()
            .any(|href| href.starts_with(&link)),
        "{}",
        results.html
    );
}

async fn search_says_when_it_searched_for_something_else(shop: &Shop) {
    let product = shop.product().create().await;
    let misspelt = format!("{}x{}", &product.word[..5], &product.word[6..]);
    let page = until_shown(
        &Browser::new(shop),
        &format!("/search?q={misspelt}"),
        &product.name(),
    )
    .await;
    assert!(page.text().contains(&misspelt), "{}", page.text());
}

async fn import(shop: &Shop, products: &[Product]) {
    let lines: String = products
        .iter()
        .map(|product| product.line() + "\n")
        .collect();
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
}

async fn search_results_come_in_pages(shop: &Shop) {
    let shared = word();
    let products: Vec<Product> = (0..30)
        .map(|_| shop.product().name(&format!("{shared} kettle")).unwritten())
        .collect();
    import(shop, &products).await;
    crate::search::until_found(shop, &[("q", &shared)], 30).await;
    let browser = Browser::new(shop);
    let first = browser.open(&format!("/search?q={shared}")).await;
    let next = first
        .all("href")
        .into_iter()
        .find(|href| href.contains("page=2"));
    let next = next.unwrap_or_else(|| panic!("no link to the second page: {}", first.html));
    let second = browser.open(&next).await;
    second.reply.expect_html(200);
    let on = |page: &Page| {
        let links = page.all("href");
        products
            .iter()
            .filter(|p| links.iter().any(|href| href.contains(&p.id)))
            .count()
    };
    assert_eq!(on(&first) + on(&second), 30);
    assert!(on(&second) > 0);
}

async fn search_results_can_be_narrowed_down_by_facets(shop: &Shop) {
    let (shared, brand) = (word(), word());
    let named = |name: &str| shop.product().name(&format!("{shared} {name}"));
    let inside = named("inside").brand(&brand).create().await;
    let outside = named("outside").brand("Another").create().await;
    crate::search::until_found(shop, &[("q", &shared)], 2).await;
    let browser = Browser::new(shop);
    let all = browser.open(&format!("/search?q={shared}")).await;
    let links = all.all("href");
    let link = links
        .iter()
        .find(|href| href.contains(&format!("brand={brand}")));
    let by_form = format!("/search?q={shared}&brand={brand}");
    assert!(
        all.html.contains(&brand),
        "the brand is offered: {}",
        all.html
    );
    let narrowed = browser.open(link.unwrap_or(&by_form)).await;
    assert!(narrowed.html.contains(&inside.id), "{}", narrowed.html);
    assert!(!narrowed.html.contains(&outside.id), "{}", narrowed.html);
}

async fn an_empty_cart_has_a_page(shop: &Shop) {
    Browser::new(shop)
        .open("/cart")
        .await
        .reply
        .expect_html(200);
}

/// Puts some of a product into the browser's cart by the form on its page.
async fn put_in_cart(browser: &Browser, product: &Product, quantity: &str) -> Page {
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

async fn buy(browser: &Browser, product: &Product) -> Page {
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
