//! The administrator's pages, without JavaScript.

use bothways_tests::{Browser, Case, Page, SOON, Shop, cases, eventually, id, word};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_administrator_makes_and_changes_a_product,
        what_is_wrong_with_a_product_is_said,
        a_new_product_does_not_replace_another,
        an_administrator_deletes_a_product,
        an_administrator_sets_stock,
        a_stock_that_can_not_be_is_refused_with_words,
        an_administrator_sees_everybodys_orders,
        the_dead_letters_page_says_what_is_no_dead_letter,
        admin_pages_are_for_administrators_only,
    ]
}

async fn sign_in(shop: &Shop) -> Browser {
    let browser = Browser::new(shop);
    let login = browser.open("/login?next=/admin").await;
    let form = login.form_with(&["email", "password"]);
    let access = shop.access();
    let form = form.fill("email", &access.admin_email);
    let page = browser
        .submit(&form.fill("password", &access.admin_password))
        .await;
    page.reply.expect_html(200);
    assert_eq!(page.path, "/admin");
    browser
}

async fn make(browser: &Browser, product: &str, name: &str) -> Page {
    let form = browser.open("/admin/products").await;
    let form = form.form_with(&["id", "name", "price"]);
    let form = form
        .fill("id", product)
        .fill("name", name)
        .fill("price", "12.50")
        .fill("category", "Tests > Admin")
        .fill("attributes", "colour=green");
    browser.submit(&form).await
}

async fn an_administrator_makes_and_changes_a_product(shop: &Shop) {
    let (browser, product) = (sign_in(shop).await, id());
    make(&browser, &product, "A first name")
        .await
        .reply
        .expect_html(200);
    let path = format!("/api/products/{product}");
    let made = shop.get(&path).send().await.expect(200);
    assert_eq!(made["name"], "A first name");
    assert_eq!(made["price"]["amount"], 1250);
    assert_eq!(made["attributes"]["colour"], "green");
    let page = browser.open(&format!("/admin/products/{product}")).await;
    let form = page.form_with(&["name", "price"]);
    let form = form.fill("name", "A second name").fill("price", "9");
    browser.submit(&form).await.reply.expect_html(200);
    let changed = shop.get(&path).send().await.expect(200);
    assert_eq!(changed["name"], "A second name");
    assert_eq!(changed["price"]["amount"], 900);
    assert_eq!(changed["attributes"]["colour"], "green");
}

async fn what_is_wrong_with_a_product_is_said(shop: &Shop) {
    let (browser, product) = (sign_in(shop).await, id());
    let page = browser.open("/admin/products").await;
    let form = page.form_with(&["id", "name", "price"]);
    let form = form.fill("id", &product).fill("name", "A kept name");
    let page = browser.submit(&form.fill("price", "much")).await;
    page.reply.expect_html(422);
    assert!(page.html.contains("aria-invalid=\"true\""), "{}", page.html);
    let name = page.form_with(&["name"]).fields;
    assert!(
        name.contains(&("name".to_owned(), "A kept name".to_owned())),
        "what was typed is still there: {name:?}"
    );
    let path = format!("/api/products/{product}");
    shop.get(&path).send().await.problem("not-found");
}

async fn a_new_product_does_not_replace_another(shop: &Shop) {
    let (browser, product) = (sign_in(shop).await, shop.product().create().await);
    let page = make(&browser, &product.id, "Another").await;
    page.reply.expect_html(422);
    let path = format!("/api/products/{}", product.id);
    let kept = shop.get(&path).send().await.expect(200);
    assert_eq!(kept["name"].as_str(), Some(product.name().as_str()));
}

async fn an_administrator_deletes_a_product(shop: &Shop) {
    let (browser, product) = (sign_in(shop).await, shop.product().create().await);
    let page = browser
        .open(&format!("/admin/products/{}", product.id))
        .await;
    let page = browser.submit(&page.form_to("/delete")).await;
    page.reply.expect_html(200);
    let path = format!("/api/products/{}", product.id);
    shop.get(&path).send().await.problem("not-found");
}

async fn an_administrator_sets_stock(shop: &Shop) {
    let browser = sign_in(shop).await;
    let name = format!("Stocked {}", word());
    let product = shop.product().name(&name).stock(5).create().await;
    let page = browser
        .open(&format!("/admin/products/{}", product.id))
        .await;
    let form = page.form_with(&["on_hand"]).fill("on_hand", "17");
    browser.submit(&form).await.reply.expect_html(200);
    assert_eq!(shop.stock(&product.id).await["on_hand"], 17);
    let path = format!("/admin/stock?q={}", name.replace(' ', "+"));
    let form = eventually(SOON, "the product is in the list", async || {
        let page = browser.open(&path).await;
        let forms = page.forms();
        let has = |form: &&bothways_tests::Form| {
            form.has("on_hand") && form.fields.iter().any(|(_, value)| *value == product.id)
        };
        forms.iter().find(has).cloned().ok_or(page.text())
    })
    .await;
    let page = browser.submit(&form.fill("on_hand", "23")).await;
    page.reply.expect_html(200);
    assert!(page.path.starts_with("/admin/stock"), "{}", page.path);
    assert_eq!(shop.stock(&product.id).await["on_hand"], 23);
}

async fn a_stock_that_can_not_be_is_refused_with_words(shop: &Shop) {
    let browser = sign_in(shop).await;
    let product = shop.product().stock(5).create().await;
    let page = browser
        .open(&format!("/admin/products/{}", product.id))
        .await;
    let form = page.form_with(&["on_hand"]).fill("on_hand", "-1");
    let page = browser.submit(&form).await;
    page.reply.expect_html(422);
    assert!(page.html.contains("role=\"alert\""), "{}", page.html);
    assert_eq!(shop.stock(&product.id).await["on_hand"], 5);
}

async fn an_administrator_sees_everybodys_orders(shop: &Shop) {
    let browser = sign_in(shop).await;
    let product = shop.product().stock(5).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    let link = format!("/orders/{}", order.id);
    // Others buy at the same time, so it may not be on the first page any more.
    for number in 1..=3 {
        let path = format!("/admin/orders?page={number}");
        let page = browser.open(&path).await;
        page.reply.expect_html(200);
        if page.all("href").contains(&link) {
            browser.open(&link).await.reply.expect_html(200);
            return;
        }
    }
    panic!("{link} is on none of the first pages");
}

async fn the_dead_letters_page_says_what_is_no_dead_letter(shop: &Shop) {
    let browser = sign_in(shop).await;
    let page = browser.open("/admin/dead-letters").await;
    page.reply.expect_html(200);
    assert!(!page.text().contains("out of reach"), "{}", page.text());
    let path = format!("/admin/dead-letters/{}/replay", id());
    let replay = bothways_tests::Form {
        action: path,
        method: "post".to_owned(),
        fields: Vec::new(),
    };
    let page = browser.submit(&replay).await;
    page.reply.expect_html(200);
    assert!(page.text().contains("no dead letter"), "{}", page.text());
}

async fn admin_pages_are_for_administrators_only(shop: &Shop) {
    let product = shop.product().create().await;
    let user = shop.user().await;
    let (guest, customer) = (Browser::new(shop), Browser::new(shop));
    let login = customer.open("/login").await;
    let form = login.form_with(&["email", "password"]);
    let form = form.fill("email", &user.email);
    customer
        .submit(&form.fill("password", &user.password))
        .await;
    let own = format!("/admin/products/{}", product.id);
    for path in [
        "/admin",
        "/admin/products",
        &own,
        "/admin/stock",
        "/admin/orders",
        "/admin/dead-letters",
    ] {
        let page = guest.open(path).await;
        assert!(page.path.starts_with("/login"), "{path}: {}", page.path);
        customer.open(path).await.reply.expect_html(403);
    }
    for path in [&format!("{own}/delete"), "/admin/products", "/admin/stock"] {
        let fields = ["id", "name", "price", "on_hand"];
        let fields = fields.map(|name| (name.to_owned(), product.id.clone()));
        let method = reqwest::Method::POST;
        let reply = customer.request(&method, path, Some(&fields)).await;
        reply.expect_html(403);
    }
    let path = format!("/api/products/{}", product.id);
    shop.get(&path).send().await.expect(200);
}
