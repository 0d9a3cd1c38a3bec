//! What the found products can be narrowed down by.

use bothways_tests::{Case, Shop, cases, entries, word};
use serde_json::{Value, json};

use crate::search::{same, search, until, until_found};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_category_facet_lists_the_top_level,
        the_category_facet_lists_the_level_below_the_chosen_path,
        the_brand_facet_counts_brands,
        the_brand_facet_ignores_the_chosen_brand,
        the_brand_facet_honours_the_other_filters,
        the_category_facet_honours_the_other_filters,
        the_price_facet_covers_every_price_once,
        the_price_facet_ignores_the_chosen_prices,
        following_a_facet_finds_as_many_as_it_said,
        facets_of_nothing_are_empty,
    ]
}

/// A facet's values and counts, sorted by value.
#[track_caller]
fn values(found: &Value, facet: &str) -> Vec<(String, i64)> {
    let pair = |entry: &Value| {
        let value = entry["value"]
            .as_str()
            .unwrap_or_else(|| panic!("no value: {entry}"))
            .to_owned();
        (
            value,
            entry["count"]
                .as_i64()
                .unwrap_or_else(|| panic!("no count: {entry}")),
        )
    };
    let mut values: Vec<_> = entries(&found["facets"][facet]).iter().map(pair).collect();
    values.sort();
    values
}

fn pairs(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    let mut pairs: Vec<_> = expected
        .iter()
        .map(|(value, count)| ((*value).to_owned(), *count))
        .collect();
    pairs.sort();
    pairs
}

/// Searches until a facet lists exactly these values and counts, in whatever order.
async fn until_facet(
    shop: &Shop,
    query: &[(&str, &str)],
    facet: &str,
    expected: &[(&str, i64)],
) -> Value {
    until(shop, query, |found| {
        same(&values(found, facet), &pairs(expected))
    })
    .await
}

/// Six products that share a word: two departments, two brands, and prices far apart.
async fn range(shop: &Shop) -> (String, [String; 2], [String; 2]) {
    let (shared, tops, brands) = (word(), [word(), word()], [word(), word()]);
    let products = [
        (0, "Pots", 0, 500),
        (0, "Pots", 1, 1500),
        (0, "Pans", 0, 2500),
        (1, "Lamps", 0, 12_500),
        (1, "Lamps", 0, 45_000),
        (1, "Desks", 1, 99_500),
    ];
    for (top, low, brand, price) in products {
        let product = shop
            .product()
            .name(&format!("{shared} thing"))
            .brand(&brands[brand]);
        product
            .category(&[&tops[top], low])
            .price(price)
            .create()
            .await;
    }
    until_found(shop, &[("q", &shared)], 6).await;
    (shared, tops, brands)
}

async fn the_category_facet_lists_the_top_level(shop: &Shop) {
    let (shared, tops, _) = range(shop).await;
    let expected = [(&*tops[0], 3), (&*tops[1], 3)];
    until_facet(shop, &[("q", &shared)], "category", &expected).await;
}

async fn the_category_facet_lists_the_level_below_the_chosen_path(shop: &Shop) {
    let (shared, tops, _) = range(shop).await;
    let (pots, pans) = (format!("{} > Pots", tops[0]), format!("{} > Pans", tops[0]));
    let query = [("q", &*shared), ("category", &tops[0])];
    let found = until_facet(shop, &query, "category", &[(&pots, 2), (&pans, 1)]).await;
    assert_eq!(found["total"], 3);
}

async fn the_brand_facet_counts_brands(shop: &Shop) {
    let (shared, _, brands) = range(shop).await;
    let expected = [(&*brands[0], 4), (&*brands[1], 2)];
    until_facet(shop, &[("q", &shared)], "brand", &expected).await;
}

async fn the_brand_facet_ignores_the_chosen_brand(shop: &Shop) {
    let (shared, _, brands) = range(shop).await;
    let expected = [(&*brands[0], 4), (&*brands[1], 2)];
    let query = [("q", &*shared), ("brand", &brands[1])];
    let found = until_facet(shop, &query, "brand", &expected).await;
    assert_eq!(found["total"], 2);
}

async fn the_brand_facet_honours_the_other_filters(shop: &Shop) {
    let (shared, tops, brands) = range(shop).await;
    let expected = [(&*brands[0], 1), (&*brands[1], 1)];
    let query = [
        ("q", &*shared),
        ("category", &tops[0]),
        ("max_price", "1500"),
    ];
    until_facet(shop, &query, "brand", &expected).await;
}

async fn the_category_facet_honours_the_other_filters(shop: &Shop) {
    let (shared, tops, brands) = range(shop).await;
    let expected = [(&*tops[0], 1), (&*tops[1], 1)];
    let query = [("q", &*shared), ("brand", &brands[1])];
    until_facet(shop, &query, "category", &expected).await;
}

fn counted(found: &Value) -> i64 {
    entries(&found["facets"]["price"])
        .iter()
        .filter_map(|range| range["count"].as_i64())
        .sum()
}

async fn the_price_facet_covers_every_price_once(shop: &Shop) {
    let (shared, _, _) = range(shop).await;
    let found = until_found(shop, &[("q", &shared)], 6).await;
    let ranges = entries(&found["facets"]["price"]);
    assert!(!ranges.is_empty());
    assert_eq!(counted(&found), 6);
    for pair in ranges.windows(2) {
        let (end, next) = (pair[0]["to"].as_i64(), pair[1]["from"].as_i64());
        assert!(
            end.is_some() && end <= next,
            "ranges go up and do not overlap: {ranges:?}"
        );
    }
    for range in ranges {
        assert!(range["from"].is_i64(), "{range}");
        assert!(range["to"].is_i64() || range["to"].is_null(), "{range}");
    }
}

async fn the_price_facet_ignores_the_chosen_prices(shop: &Shop) {
    let (shared, _, _) = range(shop).await;
    let query = [
        ("q", &*shared),
        ("min_price", "2000"),
        ("max_price", "20000"),
    ];
    let found = until(shop, &query, |found| same(&counted(found), &6)).await;
    assert_eq!(found["total"], 2);
}

async fn following_a_facet_finds_as_many_as_it_said(shop: &Shop) {
    let (shared, _, _) = range(shop).await;
    let found = until_found(shop, &[("q", &shared)], 6).await;
    for facet in ["category", "brand"] {
        for (value, count) in values(&found, facet) {
            let query = [("q", &*shared), (facet, &value)];
            until(shop, &query, |found| same(&found["total"], &count)).await;
        }
    }
}

async fn facets_of_nothing_are_empty(shop: &Shop) {
    let found = search(shop, &[("q", &word())]).await;
    assert_eq!(found["facets"]["category"], json!([]));
    assert_eq!(found["facets"]["brand"], json!([]));
    assert_eq!(counted(&found), 0);
}
