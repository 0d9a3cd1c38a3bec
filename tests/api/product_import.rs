//! Importing products.

use bothways_tests::{
    Case, Product, Reply, SEARCH_LAG, Shop, cases, entries, eventually, id, money, word,
};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_import_counts_what_it_created,
        the_same_file_twice_changes_nothing,
        an_import_counts_what_it_updated,
        good_lines_land_and_bad_lines_are_named,
        a_line_without_an_id_is_rejected,
        a_line_breaks_the_same_rules_a_product_does,
        an_import_of_1000_lines_is_taken_and_one_of_1001_is_not,
        an_import_of_exactly_4_mib_is_taken_and_one_byte_more_is_not,
        an_import_needs_an_administrator,
        an_import_that_is_not_ndjson_is_refused,
        an_imported_product_is_visible_at_once,
        imported_products_are_found,
    ]
}

async fn import(shop: &Shop, lines: impl Into<reqwest::Body>) -> Reply {
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines).send().await
}

fn products(shop: &Shop, count: usize) -> Vec<Product> {
    std::iter::repeat_with(|| shop.product().unwritten())
        .take(count)
        .collect()
}

fn lines(products: &[Product]) -> String {
    products
        .iter()
        .map(|product| product.line() + "\n")
        .collect()
}

#[track_caller]
fn assert_counts(answer: &Value, created: i64, updated: i64) {
    assert_eq!(
        *answer,
        json!({ "created": created, "updated": updated, "rejected": [] })
    );
}

async fn an_import_counts_what_it_created(shop: &Shop) {
    let answer = import(shop, lines(&products(shop, 3))).await.expect(200);
    assert_counts(&answer, 3, 0);
}

async fn the_same_file_twice_changes_nothing(shop: &Shop) {
    let mut products = products(shop, 3);
    products[0] = products[0]
        .with("attributes", json!({ "b": "2", "a": "1" }))
        .with("rating", 4.5);
    let file = lines(&products);
    import(shop, file.clone()).await.expect(200);
    let before = shop.get(&products[0].path()).send().await.expect(200);
    assert_counts(&import(shop, file).await.expect(200), 0, 0);
    let after = shop.get(&products[0].path()).send().await.expect(200);
    assert_eq!(after["updated_at"], before["updated_at"]);
}

async fn an_import_counts_what_it_updated(shop: &Shop) {
    let mut products = products(shop, 3);
    import(shop, lines(&products)).await.expect(200);
    products[1] = products[1].with("price", money(7));
    products.push(shop.product().unwritten());
    assert_counts(&import(shop, lines(&products)).await.expect(200), 1, 1);
    let read = shop.get(&products[1].path()).send().await.expect(200);
    assert_eq!(read["price"], money(7));
}

/// The numbers of the rejected lines; each must say why.
#[track_caller]
fn rejected(answer: &Value) -> Vec<i64> {
    let say = |line: &Value| {
        assert!(
            line["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{line}"
        );
        line["line"]
            .as_i64()
            .unwrap_or_else(|| panic!("no line number: {line}"))
    };
    entries(&answer["rejected"]).iter().map(say).collect()
}

async fn good_lines_land_and_bad_lines_are_named(shop: &Shop) {
    let products = products(shop, 3);
    let file = format!(
        "{}\nnot json\n{}\n{}\n{}",
        products[0].line(),
        products[1].line(),
        products[1].with("id", id()).with("name", "").line(),
        products[2].line(),
    );
    let answer = import(shop, file).await.expect(200);
    assert_eq!(answer["created"], 3, "{answer}");
    assert_eq!(answer["updated"], 0, "{answer}");
    assert_eq!(rejected(&answer), [2, 4]);
    for product in products {
        shop.get(&product.path()).send().await.expect(200);
    }
}

async fn a_line_without_an_id_is_rejected(shop: &Shop) {
    let product = shop.product().unwritten();
    let impossible = shop.product().id("im possible").unwritten();
    let file = format!(
        "{}\n{}\n{}\n",
        product.body,
        impossible.line(),
        product.line()
    );
    let answer = import(shop, file).await.expect(200);
    assert_eq!(rejected(&answer), [1, 2]);
    assert_eq!(answer["created"], 1);
}

async fn a_line_breaks_the_same_rules_a_product_does(shop: &Shop) {
    let product = || shop.product().unwritten();
    let bad = [
        product().with("name", "x".repeat(501)),
        product().with("price", json!({ "amount": 1, "currency": "EUR" })),
        product().with("price", json!({ "amount": 1.5, "currency": "USD" })),
        product().with("rating", 6),
        product().with("colour", "unknown member"),
        product().with("category", vec!["x"; 7]),
        product().with("description", "x".repeat(20_001)),
    ];
    let answer = import(shop, lines(&bad)).await.expect(200);
    assert_eq!(rejected(&answer), [1, 2, 3, 4, 5, 6, 7]);
    for product in bad {
        shop.get(&product.path()).send().await.problem("not-found");
    }
}

async fn an_import_of_1000_lines_is_taken_and_one_of_1001_is_not(shop: &Shop) {
    let mut products = products(shop, 1000);
    assert_counts(&import(shop, lines(&products)).await.expect(200), 1000, 0);
    products.push(shop.product().unwritten());
    import(shop, lines(&products)).await.problem("validation");
    shop.get(&products[1000].path())
        .send()
        .await
        .problem("not-found");
}

/// An import of exactly `size` bytes, in lines as long as they may be.
fn file_of(shop: &Shop, size: usize) -> String {
    let product = shop.product().unwritten();
    let mut file = String::with_capacity(size);
    while file.len() < size {
        let line = product.with("description", "d".repeat(19_000)).line();
        let left = size - file.len();
        if left < line.len() * 2 {
            file.push_str(&product.line());
            file.push_str(&" ".repeat(size - file.len()));
        } else {
            file.push_str(&line);
            file.push('\n');
        }
    }
    file
}

async fn an_import_of_exactly_4_mib_is_taken_and_one_byte_more_is_not(shop: &Shop) {
    let limit = 4 << 20;
    let taken = import(shop, file_of(shop, limit)).await.expect(200);
    assert_eq!(taken["rejected"], json!([]));
    import(shop, file_of(shop, limit + 1))
        .await
        .problem("payload-too-large");
}

async fn an_import_needs_an_administrator(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().unwritten());
    let ask = || {
        shop.post("/api/products/import")
            .body("application/x-ndjson", product.line())
    };
    ask().send().await.problem("unauthenticated");
    ask()
        .bearer(&user.access_token)
        .send()
        .await
        .problem("forbidden");
    shop.get(&product.path()).send().await.problem("not-found");
}

async fn an_import_that_is_not_ndjson_is_refused(shop: &Shop) {
    let (admin, product) = (shop.admin().await, shop.product().unwritten());
    for kind in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
    ] {
        let ask = shop
            .post("/api/products/import")
            .bearer(&admin)
            .body(kind, product.line());
        ask.send().await.problem("unsupported-media-type");
    }
    let ask = shop
        .post("/api/products/import")
        .bearer(&admin)
        .bare_body(product.line());
    ask.send().await.problem("unsupported-media-type");
}

async fn an_imported_product_is_visible_at_once(shop: &Shop) {
    let product = shop.product().brand("Imported").unwritten();
    import(shop, product.line()).await.expect(200);
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["brand"], "Imported");
}

async fn imported_products_are_found(shop: &Shop) {
    let brand = word();
    let products: Vec<Product> =
        std::iter::repeat_with(|| shop.product().brand(&brand).unwritten())
            .take(12)
            .collect();
    import(shop, lines(&products)).await.expect(200);
    eventually(SEARCH_LAG, "all 12 are found", async || {
        let found = shop
            .get("/api/search")
            .query(&[("brand", &brand)])
            .send()
            .await
            .expect(200);
        if found["total"] == 12 {
            Ok(())
        } else {
            Err(found["total"].to_string())
        }
    })
    .await;
}
