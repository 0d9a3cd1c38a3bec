//! Everything can be reached and used by keyboard alone, and where the focus is can be seen.

use bothways_tests::{Case, Shop, cases};
use thirtyfour::Key;

use crate::{
    tour::{self, Goods},
    visitor::{Scheme, Screen, Visitor},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_product_gets_into_the_cart_by_keyboard,
        arrow_keys_choose_a_suggestion,
        the_skip_link_jumps_over_the_header,
        every_stop_of_the_tab_key_can_be_seen,
    ]
}

/// More stops than any page has.
const STOPS: usize = 150;

/// Presses Tab until the focus is on this element.
async fn tab_to(visitor: &Visitor, kind: &str, name: &str) {
    for _ in 0..STOPS {
        visitor.press(Key::Tab).await;
        if visitor.is_focused(kind, name).await {
            return;
        }
    }
    panic!(
        "Tab never gets to the {kind} “{name}”: {}",
        visitor.text().await
    );
}

async fn a_product_gets_into_the_cart_by_keyboard(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    visitor.open("/").await;
    tab_to(&visitor, "field", "Search the shop").await;
    visitor.press(goods.words.as_str()).await;
    visitor.press(Key::Enter).await;
    visitor.is_at("/search").await;
    tab_to(&visitor, "link", &goods.words).await;
    visitor.press(Key::Enter).await;
    visitor.is_at("/products/").await;
    tab_to(&visitor, "button", "Add to cart").await;
    visitor.press(Key::Enter).await;
    // Whoever leaves before the form was sent has not added anything.
    visitor.is_at("/cart").await;
    visitor.finds("link", &goods.words).await;
    tab_to(&visitor, "link", "Check out").await;
    visitor.press(Key::Enter).await;
    visitor.is_at("/checkout").await;
}

async fn arrow_keys_choose_a_suggestion(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    visitor.open("/").await;
    visitor.append("Search the shop", &goods.words[..9]).await;
    visitor.finds("option", &goods.words).await;
    visitor.press(Key::Down).await;
    visitor.press(Key::Enter).await;
    visitor.is_at("/search").await;
    visitor.finds("link", &goods.words).await;
    assert!(
        visitor
            .value("Search the shop")
            .await
            .contains(&goods.words)
    );
}

async fn the_skip_link_jumps_over_the_header(shop: &Shop) {
    let visitor = Visitor::new(shop).await;
    visitor.open("/search").await;
    visitor.press(Key::Tab).await;
    assert!(visitor.is_focused("link", "Skip to content").await);
    visitor.press(Key::Enter).await;
    visitor.press(Key::Tab).await;
    let inside = "return document.querySelector('main').contains(document.activeElement)";
    assert_eq!(
        visitor.run(inside, vec![]).await,
        true,
        "the focus is in the content"
    );
}

async fn every_stop_of_the_tab_key_can_be_seen(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    visitor.look(Screen::Desktop, Scheme::Light).await;
    let mut hidden = Vec::new();
    tour::browsing(&visitor, &goods, async |page: &str| {
        for _ in 0..STOPS {
            visitor.press(Key::Tab).await;
            let seen = visitor.run(include_str!("focus.js"), vec![]).await;
            match seen.as_str() {
                // The focus is back where it began.
                Some("around") => break,
                Some("seen") => {}
                _ => hidden.push(format!("{page}: {seen}")),
            }
        }
    })
    .await;
    assert!(
        hidden.is_empty(),
        "the focus cannot be seen:\n{}",
        hidden.join("\n")
    );
}
