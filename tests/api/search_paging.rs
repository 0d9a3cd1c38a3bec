//! Found products in pages.

use bothways_tests::{Case, Shop, cases, word};
use serde_json::json;

use crate::search::{ids, search, until_found};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_page_has_24_hits_unless_asked_otherwise,
        pages_follow_each_other_without_gap_or_overlap,
        a_page_past_the_end_is_empty,
        a_page_has_from_1_to_100_hits,
        pages_count_from_1,
        the_10_000th_hit_can_be_asked_for_and_the_next_page_can_not,
        paging_that_is_no_number_is_refused,
        the_same_search_gives_the_same_order,
    ]
}

/// A brand with 30 products that a search can't tell apart but by their ids.
async fn thirty(shop: &Shop) -> String {
    let brand = word();
    let lines: String = (0..30)
        .map(|_| {
            shop.product()
                .brand(&brand)
                .name("The same kettle")
                .unwritten()
                .line()
                + "\n"
        })
        .collect();
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
    until_found(shop, &[("brand", &brand)], 30).await;
    brand
}

async fn a_page_has_24_hits_unless_asked_otherwise(shop: &Shop) {
    let brand = thirty(shop).await;
    let found = until_found(shop, &[("brand", &brand)], 30).await;
    assert_eq!(ids(&found).len(), 24);
    assert_eq!(found["per_page"], 24);
    assert_eq!(found["page"], 1);
}

async fn pages_follow_each_other_without_gap_or_overlap(shop: &Shop) {
    let brand = thirty(shop).await;
    let mut seen: Vec<String> = Vec::new();
    for page in ["1", "2", "3", "4"] {
        let query = [("brand", &*brand), ("per_page", "8"), ("page", page)];
        let found = until_found(shop, &query, 30).await;
        assert_eq!(found["per_page"], 8);
        seen.extend(ids(&found).into_iter().map(str::to_owned));
    }
    let whole = until_found(shop, &[("brand", &brand), ("per_page", "100")], 30).await;
    assert_eq!(seen, ids(&whole));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30);
}

async fn a_page_past_the_end_is_empty(shop: &Shop) {
    let brand = thirty(shop).await;
    let found = until_found(shop, &[("brand", &brand), ("page", "3")], 30).await;
    assert_eq!(found["hits"], json!([]));
    assert_eq!(found["page"], 3);
}

async fn refused(shop: &Shop, query: &[(&str, &str)], pointer: &str) {
    shop.get("/api/search")
        .query(query)
        .send()
        .await
        .invalid(pointer);
}

async fn a_page_has_from_1_to_100_hits(shop: &Shop) {
    search(shop, &[("per_page", "1")]).await;
    search(shop, &[("per_page", "100")]).await;
    refused(shop, &[("per_page", "0")], "?per_page").await;
    refused(shop, &[("per_page", "101")], "?per_page").await;
}

async fn pages_count_from_1(shop: &Shop) {
    refused(shop, &[("page", "0")], "?page").await;
    refused(shop, &[("page", "-1")], "?page").await;
}

async fn the_10_000th_hit_can_be_asked_for_and_the_next_page_can_not(shop: &Shop) {
    search(shop, &[("page", "100"), ("per_page", "100")]).await;
    search(shop, &[("page", "10000"), ("per_page", "1")]).await;
    for (page, per_page) in [
        ("101", "100"),
        ("10001", "1"),
        ("18446744073709551615", "100"),
    ] {
        let query = [("page", page), ("per_page", per_page)];
        shop.get("/api/search")
            .query(&query)
            .send()
            .await
            .invalid_within("?p");
    }
}

async fn paging_that_is_no_number_is_refused(shop: &Shop) {
    refused(shop, &[("page", "first")], "?page").await;
    refused(shop, &[("per_page", "many")], "?per_page").await;
    refused(shop, &[("page", "1.5")], "?page").await;
}

async fn the_same_search_gives_the_same_order(shop: &Shop) {
    let brand = thirty(shop).await;
    let query = [("q", "kettle"), ("brand", &*brand), ("per_page", "100")];
    let first = until_found(shop, &query, 30).await;
    for _ in 0..3 {
        assert_eq!(ids(&until_found(shop, &query, 30).await), ids(&first));
    }
}
