//! Signing in and out in a browser, and what happens to carts meanwhile.

use bothways_tests::{Case, Product, Shop, cases, word};

use crate::{tour, visitor::Visitor};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_guests_cart_joins_the_one_left_in_another_browser,
        signing_out_everywhere_ends_the_other_browser_too,
    ]
}

async fn add(visitor: &Visitor, product: &Product) {
    visitor.open(&format!("/products/{}", product.id)).await;
    visitor.adds_to_cart().await;
    visitor.finds("link", &product.name()).await;
}

async fn sign_in(visitor: &Visitor, email: &str, password: &str) {
    visitor.open("/login").await;
    visitor.fill("E-mail", email).await;
    visitor.fill("Password", password).await;
    visitor.click("button", "Sign in").await;
    visitor.finds("link", "Account").await;
}

async fn a_guests_cart_joins_the_one_left_in_another_browser(shop: &Shop) {
    let first = shop.product().stock(5).create().await;
    let second = shop.product().stock(5).create().await;
    let password = format!("secret {}", word());
    let at_home = Visitor::new(shop).await;
    let email = tour::register(&at_home, &password).await;
    add(&at_home, &first).await;
    let at_work = Visitor::arrive(shop, false).await;
    add(&at_work, &second).await;
    sign_in(&at_work, &email, &password).await;
    for visitor in [&at_work, &at_home] {
        visitor.open("/cart").await;
        visitor.finds("link", &first.name()).await;
        visitor.finds("link", &second.name()).await;
    }
}

async fn signing_out_everywhere_ends_the_other_browser_too(shop: &Shop) {
    let password = format!("secret {}", word());
    let (here, there) = (Visitor::new(shop).await, Visitor::new(shop).await);
    let email = tour::register(&here, &password).await;
    sign_in(&there, &email, &password).await;
    here.open("/account").await;
    here.click("button", "Sign out everywhere").await;
    here.finds("link", "Sign in").await;
    // What the other one still holds cannot be renewed.
    there.forget("access").await;
    there.open("/account").await;
    there.is_at("/login").await;
}
