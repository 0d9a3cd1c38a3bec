//! What people see while a part of the shop is down. These cases start a shop of their own to break.

use bothways_tests::{Case, Launcher, Options, RECOVERY, SEARCH_LAG, Shop, cases, eventually};

use crate::visitor::Visitor;

pub(crate) fn cases() -> Vec<Case> {
    cases![pages_say_so_when_stock_is_unknown_and_when_search_rests]
}

/// Loads a page until it has these words, in lower case.
pub(crate) async fn says(visitor: &Visitor, path: &str, words: &str) {
    eventually(RECOVERY, &format!("“{words}” on {path}"), async || {
        visitor.open(path).await;
        let text = visitor.text().await;
        if text.to_lowercase().contains(words) {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
}

async fn pages_say_so_when_stock_is_unknown_and_when_search_rests(given: &Shop) {
    let architecture = given.architecture();
    let launcher = Launcher::start(Options::of(architecture));
    let shop = launcher.shop(architecture);
    let product = shop.product().stock(50).create().await;
    let path = format!("/products/{}", product.id);
    let visitor = Visitor::new(&shop).await;
    visitor.open(&path).await;
    visitor.sees("in stock").await;
    let control = shop.control();
    control.order(architecture, "inventory", "kill").await;
    says(&visitor, &path, "stock unknown").await;
    visitor.finds("button", "Add to cart").await;
    visitor.adds_to_cart().await;
    visitor.finds("link", &product.name()).await;
    control.order(architecture, "search", "kill").await;
    says(&visitor, "/", "search is resting").await;
    control.mend(architecture).await;
    says(&visitor, &path, "in stock").await;
    let home = eventually(SEARCH_LAG, "a home page", async || {
        visitor.open("/").await;
        let text = visitor.text().await;
        if text.contains("Departments") {
            Ok(text)
        } else {
            Err(text)
        }
    });
    home.await;
}
