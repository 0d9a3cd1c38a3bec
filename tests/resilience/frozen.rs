//! A service that is there and does not answer: those who can do without it stop waiting for it.

use bothways_tests::{Case, Control, Product, RECOVERY, Shop, cases, eventually};
use futures::future::join_all;
use serde_json::Value;

use crate::processes::Frozen;

pub(crate) fn cases() -> Vec<Case> {
    cases![without_an_answer_from_inventory_products_are_soon_shown_without_waiting]
}

const ARCHITECTURE: &str = "microservices";
/// More than a circuit breaker needs to see.
const SHOPPERS: usize = 40;

/// How product finds inventory to be.
async fn inventory(control: &Control) -> Value {
    let states = control.upstreams(ARCHITECTURE, "product").await;
    let found = states.iter().find(|state| state["name"] == "inventory");
    found
        .cloned()
        .unwrap_or_else(|| panic!("no inventory in {states:?}"))
}

fn asked(state: &Value) -> u64 {
    state["endpoints"][0]["requests"].as_u64().expect("a count")
}

/// Reads a product, many at a time; what is said of its availability, which has to be said.
async fn availability(shop: &Shop, product: &Product) -> Vec<Value> {
    let path = product.path();
    let each = (0..SHOPPERS).map(async |_| {
        let read = shop.get(&path).send().await.expect(200);
        read["availability"].clone()
    });
    join_all(each).await
}

async fn without_an_answer_from_inventory_products_are_soon_shown_without_waiting(shop: &Shop) {
    let control = shop.control();
    control.mend(ARCHITECTURE).await;
    let product = shop.product().stock(9).create().await;
    let opened = inventory(&control).await["opened"].as_u64();
    let frozen = Frozen::new(&control.process(ARCHITECTURE, "inventory").await);
    // These wait, in vain.
    let said = availability(shop, &product).await;
    assert!(said.iter().all(|said| said == "unknown"), "{said:?}");
    let state = inventory(&control).await;
    assert!(state["opened"].as_u64() > opened, "{state}");
    // Of these hardly any: single calls see whether it is back.
    let said = availability(shop, &product).await;
    assert!(said.iter().all(|said| said == "unknown"), "{said:?}");
    let after = inventory(&control).await;
    let tried = asked(&after) - asked(&state);
    assert!(
        tried < SHOPPERS as u64 / 4,
        "{tried} of {SHOPPERS}: {after}"
    );
    assert!(after["refused"].as_u64() > state["refused"].as_u64());
    drop(frozen);
    eventually(RECOVERY, "its stock is known again", async || {
        let said = availability(shop, &product).await;
        if said.iter().all(|said| said == "in_stock") {
            Ok(())
        } else {
            Err(format!("{said:?}"))
        }
    })
    .await;
}
