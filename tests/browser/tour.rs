//! A walk past every page of the shop: whoever looks at pages one by one (accessibility, weight,
//! pictures of them) goes along and stops at each.

use bothways_tests::{Product, SEARCH_LAG, Shop, email, eventually, word};

use crate::visitor::Visitor;

/// What the tour looks for and buys.
pub(crate) struct Goods {
    /// What is typed into the search box.
    pub(crate) words: String,
    /// The page of a product that is in stock.
    pub(crate) product: String,
}

impl Goods {
    /// A product that is for this tour only, and findable.
    pub(crate) async fn create(shop: &Shop) -> Self {
        let product = shop.product().stock(50).brand("Tellwell").create().await;
        is_found(shop, &product).await;
        Self {
            product: format!("/products/{}", product.id),
            words: product.word,
        }
    }
}

/// Waits until a product is in search.
pub(crate) async fn is_found(shop: &Shop, product: &Product) {
    let search = format!("/api/search?q={}", product.word);
    eventually(SEARCH_LAG, "the product in search", async || {
        let found = shop.get(&search).send().await.expect(200);
        if found["total"] == 0 {
            Err(found.to_string())
        } else {
            Ok(())
        }
    })
    .await;
}

/// The pages of somebody who looks around.
pub(crate) async fn browsing(visitor: &Visitor, goods: &Goods, mut pause: impl AsyncFnMut(&str)) {
    let found = format!("/search?q={}", goods.words);
    let pages = [
        ("home", "/"),
        ("search", &found),
        ("search-everything", "/search"),
        ("search-empty", "/search?q=qqzzxxjjvv"),
        ("product", &goods.product),
        ("cart-empty", "/cart"),
        ("login", "/login"),
        ("register", "/register"),
        ("not-found", "/nowhere"),
    ];
    for (name, path) in pages {
        visitor.open(path).await;
        pause(name).await;
    }
}

/// The pages of somebody who registers and buys.
pub(crate) async fn buying(visitor: &Visitor, goods: &Goods, mut pause: impl AsyncFnMut(&str)) {
    register(visitor, &format!("secret {}", word())).await;
    visitor.open("/account").await;
    pause("account-new").await;
    visitor.open(&goods.product).await;
    visitor.adds_to_cart().await;
    pause("cart").await;
    visitor.open("/checkout").await;
    pause("checkout").await;
    let untold = "for (const form of document.forms) form.noValidate = true";
    visitor.run(untold, vec![]).await;
    visitor.fill("E-mail for the receipt", "nowhere").await;
    visitor.click("button", "Pay").await;
    visitor.finds("alert", "").await;
    pause("checkout-errors").await;
    visitor.fill("E-mail for the receipt", &email()).await;
    address(visitor).await;
    visitor.choose("Payment", "Test card that works").await;
    visitor.click("button", "Pay").await;
    visitor.is_at("/orders/").await;
    pause("order").await;
    visitor.open("/account").await;
    pause("account").await;
}

/// The pages of an administrator.
pub(crate) async fn managing(
    visitor: &Visitor,
    shop: &Shop,
    goods: &Goods,
    mut pause: impl AsyncFnMut(&str),
) {
    sign_in_to_manage(visitor, shop).await;
    let product = format!("/admin{}", goods.product);
    let pages = [
        ("admin", "/admin"),
        ("admin-new-product", "/admin/products"),
        ("admin-product", &product),
        ("admin-stock", "/admin/stock"),
        ("admin-orders", "/admin/orders"),
        ("admin-dead-letters", "/admin/dead-letters"),
    ];
    for (name, path) in pages {
        visitor.open(path).await;
        pause(name).await;
    }
}

/// Signs in as the administrator.
pub(crate) async fn sign_in_to_manage(visitor: &Visitor, shop: &Shop) {
    let access = shop.access();
    visitor.open("/login").await;
    visitor.fill("E-mail", &access.admin_email).await;
    visitor.fill("Password", &access.admin_password).await;
    visitor.click("button", "Sign in").await;
    visitor.finds("link", "Manage").await;
}

/// Registers with this password; gives the address that was registered.
pub(crate) async fn register(visitor: &Visitor, password: &str) -> String {
    let address = email();
    visitor.open("/register").await;
    visitor.fill("Name", "Robin Trial").await;
    visitor.fill("E-mail", &address).await;
    visitor.fill("Password", password).await;
    visitor.click("button", "Register").await;
    visitor.finds("link", "Account").await;
    address
}

/// Fills in where an order goes.
pub(crate) async fn address(visitor: &Visitor) {
    visitor.fill("Name", "Robin Trial").await;
    visitor.fill("Street and number", "1 Test Street").await;
    visitor.fill("Postal code", "12345").await;
    visitor.fill("Town", "Springfield").await;
    visitor.fill("Country", "US").await;
}
