//! Administrators at work.

use bothways_tests::{Case, SEARCH_LAG, Shop, cases, eventually, id, word};

use crate::{tour, visitor::Visitor};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_administrator_makes_a_product_and_stocks_it,
        a_shopper_finds_no_pages_for_managing,
    ]
}

async fn an_administrator_makes_a_product_and_stocks_it(shop: &Shop) {
    let (id, name) = (id(), format!("{} lantern", word()));
    let manager = Visitor::new(shop).await;
    tour::sign_in_to_manage(&manager, shop).await;
    manager.click("link", "Manage").await;
    manager.click("link", "New product").await;
    manager.fill("Id", &id).await;
    manager.fill("Name", &name).await;
    manager.fill("Price", "24.90").await;
    manager.fill("Description", "Lights the way.").await;
    manager.click("button", "Make the product").await;
    manager.finds("heading", &name).await;
    manager.fill("On hand", "7").await;
    manager.click("button", "Set the stock").await;
    manager.sees("7 available").await;
    let shopper = Visitor::arrive(shop, false).await;
    shopper.open(&format!("/products/{id}")).await;
    shopper.sees("$24.90").await;
    shopper.sees("Lights the way.").await;
    shopper.finds("button", "Add to cart").await;
    eventually(SEARCH_LAG, "the product in search", async || {
        shopper.open(&format!("/search?q={name}")).await;
        if shopper.has("link", &name).await {
            Ok(())
        } else {
            Err(shopper.text().await)
        }
    })
    .await;
}

async fn a_shopper_finds_no_pages_for_managing(shop: &Shop) {
    let shopper = Visitor::new(shop).await;
    tour::register(&shopper, &format!("secret {}", word())).await;
    assert!(!shopper.has("link", "Manage").await);
    shopper.open("/admin").await;
    let text = shopper.text().await;
    assert!(!text.contains("New product"), "{text}");
}
