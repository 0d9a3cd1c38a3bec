//! What changes is found soon, also while a large import is under way. How soon is printed:
//! `FRESH_IMPORT=26170 cargo test -p bothways-tests --test resilience -- freshness --nocapture`.

use std::{cell::Cell, collections::BTreeMap, env, time::Duration};

use bothways_tests::{
    Case, Launcher, Options, Product, RECOVERY, SEARCH_LAG, Shop, cases, eventually, money,
};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) fn cases() -> Vec<Case> {
    cases![changes_are_found_soon_while_products_are_imported]
}

/// Products of an import, unless `FRESH_IMPORT` says how many.
const PRODUCTS: usize = 1_500;
/// Products a request of it.
const BATCH: usize = 500;
/// Words that imported products are named and described by.
const WORDS: [&str; 16] = [
    "brass", "cedar", "drum", "ember", "flint", "garnet", "hazel", "ivory", "jasper", "kelp",
    "linen", "marble", "nickel", "olive", "pewter", "quartz",
];

async fn changes_are_found_soon_while_products_are_imported(given: &Shop) {
    let asked = env::var("FRESH_IMPORT").ok();
    let count = asked
        .and_then(|count| count.parse().ok())
        .unwrap_or(PRODUCTS);
    let launcher = Launcher::start(Options::of(given.architecture()));
    let shop = launcher.shop(given.architecture());
    let product = shop.product().stock(50).create().await;
    found(
        &shop,
        &product,
        &json!("in_stock"),
        |hit| &hit["availability"],
    )
    .await;
    let under_way = Cell::new(true);
    let import = async {
        let started = Instant::now();
        for start in (0..count).step_by(BATCH) {
            import(&shop, start..count.min(start + BATCH)).await;
        }
        under_way.set(false);
        started.elapsed()
    };
    let change = async {
        let mut slowest = BTreeMap::new();
        let mut round = 0;
        // At least once, however quick the import is.
        while under_way.get() || round == 0 {
            round += 1;
            for (kind, took) in change(&shop, &product, round).await {
                let most: &mut Duration = slowest.entry(kind).or_default();
                *most = took.max(*most);
            }
        }
        (round, slowest)
    };
    let (took, (rounds, slowest)) = futures::join!(import, change);
    eventually(RECOVERY, "what was imported is found", async || {
        let reply = shop.get("/api/search").query(&[("q", "imported")]);
        let total = reply.try_send().await?.value()["total"].as_u64();
        if total == u64::try_from(count).ok() {
            Ok(())
        } else {
            Err(format!("{total:?}"))
        }
    })
    .await;
    println!(
        "{}: {count} products imported in {took:.1?}; meanwhile, of {rounds} changes of each kind, the slowest was found \
         after {slowest:.2?}",
        shop.architecture()
    );
}

/// Changes name, price and stock, one after the other; how long each took to be found once it was answered.
async fn change(shop: &Shop, product: &Product, round: i64) -> [(&'static str, Duration); 3] {
    let name = format!("{} kettle mark {round}", product.word);
    let named = product
        .with("name", name.as_str())
        .with("price", money(round * 2));
    named.put(shop).await.expect(200);
    let name = found(shop, product, &json!(name), |hit| &hit["name"]).await;
    let amount = round * 2 + 1;
    named
        .with("price", money(amount))
        .put(shop)
        .await
        .expect(200);
    let price = found(shop, product, &json!(amount), |hit| &hit["price"]["amount"]).await;
    let (on_hand, band) = if round % 2 == 0 {
        (50, "in_stock")
    } else {
        (0, "out_of_stock")
    };
    shop.restock(&product.id, on_hand).await;
    let stock = found(shop, product, &json!(band), |hit| &hit["availability"]).await;
    [("name", name), ("price", price), ("stock", stock)]
}

/// Waits until the product is found with this; how long that took.
async fn found(
    shop: &Shop,
    product: &Product,
    expected: &Value,
    member: impl Fn(&Value) -> &Value,
) -> Duration {
    let started = Instant::now();
    eventually(SEARCH_LAG, "the change is found", async || {
        let reply = shop
            .get("/api/search")
            .query(&[("q", product.word.as_str())]);
        let answer = reply.try_send().await?.value();
        let there = member(&answer["hits"][0]);
        if there == expected {
            Ok(())
        } else {
            Err(format!("{there}, not {expected}"))
        }
    })
    .await;
    started.elapsed()
}

async fn import(shop: &Shop, numbers: std::ops::Range<usize>) {
    let count = numbers.len();
    let lines: String = numbers.map(|number| line(number) + "\n").collect();
    let import = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    let answer = import
        .body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
    assert_eq!(answer["created"], count, "{answer}");
}

/// A product like others, as a line of an import.
fn line(number: usize) -> String {
    let word = |turn: usize| WORDS[number / turn % WORDS.len()];
    let name = format!("Imported {} {} {} {number}", word(1), word(16), word(256));
    let product = json!({
        "id": format!("imported-{number}"),
        "name": name,
        "brand": word(7),
        "category": ["Imported", word(3)],
        "description": format!("{name}, of {} and {}, for every day.", word(5), word(11)).repeat(4),
        "price": money(100 + i64::try_from(number % 9_000).unwrap_or(0)),
    });
    product.to_string()
}
