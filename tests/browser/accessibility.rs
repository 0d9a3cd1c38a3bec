//! No page has a serious barrier: axe-core looks at each, on a phone and a desktop, light and dark.

use bothways_tests::{Case, Shop, cases};

use crate::{
    tour::{self, Goods},
    visitor::{Scheme, Screen, Visitor},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        nothing_serious_on_the_pages_for_looking_around,
        nothing_serious_on_the_pages_for_buying,
        nothing_serious_on_the_pages_for_managing,
        a_barrier_is_found_where_there_is_one,
    ]
}

const AXE: &str = include_str!("vendor/axe.min.js");
const RUN: &str = include_str!("axe.js");

/// Each screen and each scheme once: what a scheme changes is colours, which no screen changes.
const LOOKS: [(Screen, Scheme); 2] = [
    (Screen::Phone, Scheme::Dark),
    (Screen::Desktop, Scheme::Light),
];

/// What axe found serious or critical so far.
#[derive(Default)]
struct Barriers(Vec<String>);

impl Barriers {
    async fn look_for(&mut self, visitor: &Visitor, page: &str) {
        visitor.run(AXE, vec![]).await;
        for (screen, scheme) in LOOKS {
            visitor.look(screen, scheme).await;
            let found = visitor.run_async(RUN, vec![]).await;
            let found = found.as_array().cloned().unwrap_or_default();
            self.0.extend(found.iter().map(|barrier| {
                let barrier = barrier.as_str().unwrap_or_default();
                format!("{page}, {screen:?} {scheme:?}: {barrier}")
            }));
        }
    }

    fn none(&self) {
        assert!(self.0.is_empty(), "barriers:\n{}", self.0.join("\n"));
    }
}

async fn nothing_serious_on_the_pages_for_looking_around(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    let mut barriers = Barriers::default();
    let look = async |page: &str| barriers.look_for(&visitor, page).await;
    tour::browsing(&visitor, &goods, look).await;
    barriers.none();
}

async fn nothing_serious_on_the_pages_for_buying(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    let mut barriers = Barriers::default();
    let look = async |page: &str| barriers.look_for(&visitor, page).await;
    tour::buying(&visitor, &goods, look).await;
    barriers.none();
}

async fn nothing_serious_on_the_pages_for_managing(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    let mut barriers = Barriers::default();
    let look = async |page: &str| barriers.look_for(&visitor, page).await;
    tour::managing(&visitor, shop, &goods, look).await;
    barriers.none();
}

async fn a_barrier_is_found_where_there_is_one(shop: &Shop) {
    let visitor = Visitor::new(shop).await;
    visitor.open("/login").await;
    let unlabel = "for (const label of document.querySelectorAll('main label')) label.remove()";
    visitor.run(unlabel, vec![]).await;
    let mut barriers = Barriers::default();
    barriers.look_for(&visitor, "login").await;
    let found = barriers
        .0
        .iter()
        .any(|barrier| barrier.contains("critical label"));
    assert!(found, "{:?}", barriers.0);
}
