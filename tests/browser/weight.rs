//! Pages are light and steady: what the first load transfers, how it comes, and that nothing moves.

use bothways_tests::{Case, Shop, cases};

use crate::{
    tour::{self, Goods},
    visitor::{Scheme, Screen, Visitor},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_first_load_is_light_steady_and_without_complaints,
        a_first_load_while_buying_is_light_steady_and_without_complaints,
    ]
}

const MEASURE: &str = include_str!("measure.js");

/// Bytes of HTML, CSS and JavaScript a first load may transfer.
const WEIGHT: u64 = 60_000;
/// The sum of layout shifts a page may have.
const SHIFT: f64 = 0.01;

/// What is wrong with the pages seen so far.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// Measures a page that was reached by a GET, loading it again as if for the first time.
    async fn look_for(&mut self, visitor: &Visitor, page: &str) {
        for screen in [Screen::Phone, Screen::Desktop] {
            visitor.look(screen, Scheme::Light).await;
            visitor
                .tell("Network.clearBrowserCache", serde_json::json!({}))
                .await;
            visitor.reload().await;
            let measured = visitor.run_async(MEASURE, vec![]).await;
            let bytes = measured["bytes"].as_u64().expect("a weight");
            let shift = measured["shift"].as_f64().expect("a shift");
            println!("{page} {screen:?}: {bytes} bytes, shift {shift:.4}");
            self.unless(bytes > 0 && bytes < WEIGHT, page, || {
                format!("{bytes} bytes")
            });
            self.unless(shift < SHIFT, page, || format!("layout shift of {shift}"));
            self.unless(measured["documents"] == 1, page, || {
                format!("{} documents", measured["documents"])
            });
            self.unless(measured["foreign"] == serde_json::json!([]), page, || {
                format!("from elsewhere: {}", measured["foreign"])
            });
            let complaints = visitor.complaints().await;
            self.unless(complaints.is_empty(), page, || format!("{complaints:#?}"));
        }
    }

    fn unless(&mut self, fine: bool, page: &str, fault: impl FnOnce() -> String) {
        if !fine {
            self.0.push(format!("{page}: {}", fault()));
        }
    }

    fn none(&self) {
        assert!(self.0.is_empty(), "faults:\n{}", self.0.join("\n"));
    }
}

async fn a_first_load_is_light_steady_and_without_complaints(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    let mut faults = Faults::default();
    let look = async |page: &str| faults.look_for(&visitor, page).await;
    tour::browsing(&visitor, &goods, look).await;
    faults.none();
}

async fn a_first_load_while_buying_is_light_steady_and_without_complaints(shop: &Shop) {
    let goods = Goods::create(shop).await;
    let visitor = Visitor::new(shop).await;
    let mut faults = Faults::default();
    let look = async |page: &str| {
        // What a form was answered with is no page to load again.
        if page != "checkout-errors" {
            faults.look_for(&visitor, page).await;
        }
    };
    tour::buying(&visitor, &goods, look).await;
    faults.none();
}
