//! Finding products.

use std::fmt::Debug;

use bothways_tests::{Case, SEARCH_LAG, Shop, cases, entries, eventually, members, money, word};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_new_product_is_found_by_its_name,
        an_answer_has_the_members_of_the_contract_and_no_others,
        a_hit_shows_the_product,
        a_hit_without_brand_and_rating_has_null_there,
        capitals_make_no_difference,
        anybody_may_search,
        what_nothing_matches_finds_nothing,
        a_misspelt_query_finds_its_products,
        a_query_spelt_right_is_not_corrected,
        the_query_comes_back_as_it_was_asked,
        a_product_that_has_all_words_comes_before_one_that_has_some,
        of_products_that_match_alike_the_one_that_sells_comes_first,
        the_syntax_of_a_search_engine_is_just_text,
        a_very_long_query_is_no_fault_of_the_shop,
    ]
}

/// One search.
pub(crate) async fn search(shop: &Shop, query: &[(&str, &str)]) -> Value {
    shop.get("/api/search")
        .query(query)
        .send()
        .await
        .expect(200)
}

/// Searches until `check` has no complaint about the answer. Instances of search follow changes each
/// at its own pace, so one that was seen to know a change says nothing about the next.
pub(crate) async fn until(
    shop: &Shop,
    query: &[(&str, &str)],
    check: impl Fn(&Value) -> Result<(), String>,
) -> Value {
    eventually(SEARCH_LAG, &format!("search for {query:?}"), async || {
        let found = search(shop, query).await;
        check(&found).map(|()| found)
    })
    .await
}

/// Searches until `total` products are found.
pub(crate) async fn until_found(shop: &Shop, query: &[(&str, &str)], total: usize) -> Value {
    until(shop, query, |found| same(&found["total"], &json!(total))).await
}

/// Searches until exactly these products are listed, in this order.
pub(crate) async fn until_listed(
    shop: &Shop,
    query: &[(&str, &str)],
    products: &[String],
) -> Value {
    until(shop, query, |found| same(&ids(found), &products)).await
}

/// Whether two things are equal; if not, what there is.
pub(crate) fn same<T: PartialEq<U> + Debug, U: Debug>(
    there: &T,
    expected: &U,
) -> Result<(), String> {
    if there == expected {
        Ok(())
    } else {
        Err(format!("{there:?} instead of {expected:?}"))
    }
}

/// The ids of the hits in their order.
#[track_caller]
pub(crate) fn ids(found: &Value) -> Vec<&str> {
    entries(&found["hits"])
        .iter()
        .map(|hit| hit["id"].as_str().unwrap_or_default())
        .collect()
}

/// A hit has the contract's members and no others.
#[track_caller]
pub(crate) fn assert_hit(hit: &Value) {
    assert_eq!(
        members(hit),
        [
            "availability",
            "brand",
            "category",
            "id",
            "image",
            "name",
            "price",
            "rating"
        ]
    );
}

async fn a_new_product_is_found_by_its_name(shop: &Shop) {
    let product = shop.product().create().await;
    let found = until_found(shop, &[("q", &product.word)], 1).await;
    assert_eq!(ids(&found), [product.id]);
}

async fn an_answer_has_the_members_of_the_contract_and_no_others(shop: &Shop) {
    let found = search(shop, &[]).await;
    let expected = [
        "corrected_query",
        "facets",
        "hits",
        "page",
        "per_page",
        "query",
        "total",
    ];
    assert_eq!(members(&found), expected);
    assert_eq!(members(&found["facets"]), ["brand", "category", "price"]);
}

async fn a_hit_shows_the_product(shop: &Shop) {
    let brand = word();
    let product = shop
        .product()
        .brand(&brand)
        .category(&["Trials", "Kettles & pots"])
        .with("rating", 4.5)
        .price(1234)
        .stock(9)
        .create()
        .await;
    let expected = json!({
        "id": product.id, "name": product.name(), "brand": brand,
        "category": ["Trials", "Kettles & pots"], "price": money(1234), "image": null,
        "availability": "in_stock", "rating": 4.5,
    });
    eventually(SEARCH_LAG, "the hit shows everything", async || {
        let found = search(shop, &[("q", &product.word)]).await;
        let hit = found["hits"][0].clone();
        if hit == expected {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
}

async fn a_hit_without_brand_and_rating_has_null_there(shop: &Shop) {
    let product = shop.product().create().await;
    let found = until_found(shop, &[("q", &product.word)], 1).await;
    let hit = &found["hits"][0];
    assert_hit(hit);
    assert_eq!(hit["brand"], Value::Null);
    assert_eq!(hit["rating"], Value::Null);
    assert_eq!(hit["availability"], "out_of_stock");
}

async fn capitals_make_no_difference(shop: &Shop) {
    let product = shop.product().create().await;
    let found = until_found(shop, &[("q", &product.word.to_uppercase())], 1).await;
    assert_eq!(ids(&found), [product.id]);
}

async fn anybody_may_search(shop: &Shop) {
    let user = shop.user().await;
    shop.get("/api/search?q=kettle")
        .bearer(&user.access_token)
        .send()
        .await
        .expect(200);
    shop.get("/api/search?q=kettle").send().await.expect(200);
}

async fn what_nothing_matches_finds_nothing(shop: &Shop) {
    let found = search(shop, &[("q", &word())]).await;
    assert_eq!(found["total"], 0);
    assert_eq!(found["hits"], json!([]));
    assert_eq!(found["corrected_query"], Value::Null);
}

async fn a_misspelt_query_finds_its_products(shop: &Shop) {
    let product = shop.product().create().await;
    until_found(shop, &[("q", &product.word)], 1).await;
    let (start, end) = (&product.word[..5], &product.word[6..]);
    for misspelt in [
        format!("{start}x{end}"),
        format!("{start}{end}"),
        format!("{start}xx{end}"),
    ] {
        let found = until_found(shop, &[("q", &misspelt)], 1).await;
        assert_eq!(ids(&found), [product.id.as_str()], "{misspelt}");
        assert_eq!(found["corrected_query"], product.word, "{misspelt}");
        assert_eq!(found["query"], misspelt);
    }
}

async fn a_query_spelt_right_is_not_corrected(shop: &Shop) {
    let product = shop.product().create().await;
    let found = until_found(shop, &[("q", &product.word)], 1).await;
    assert_eq!(found["corrected_query"], Value::Null);
}

async fn the_query_comes_back_as_it_was_asked(shop: &Shop) {
    let found = search(shop, &[("q", "Red KETTLE & \"pot\"")]).await;
    assert_eq!(found["query"], "Red KETTLE & \"pot\"");
    assert_eq!(search(shop, &[]).await["query"], "");
}

async fn a_product_that_has_all_words_comes_before_one_that_has_some(shop: &Shop) {
    let (first, second) = (word(), word());
    let some = shop
        .product()
        .name(&format!("{first} kettle"))
        .create()
        .await;
    let all = shop
        .product()
        .name(&format!("{second} {first} kettle"))
        .create()
        .await;
    until_found(shop, &[("q", &second)], 1).await;
    until_found(shop, &[("q", &first)], 2).await;
    let query = format!("{first} {second}");
    until(shop, &[("q", &query)], |found| {
        let mut ids = ids(found).into_iter();
        same(&ids.next(), &Some(all.id.as_str()))?;
        ids.next()
            .map_or(Ok(()), |next| same(&next, &some.id.as_str()))
    })
    .await;
}

async fn of_products_that_match_alike_the_one_that_sells_comes_first(shop: &Shop) {
    let word = word();
    let name = format!("{word} kettle");
    for _ in 0..2 {
        shop.product().name(&name).stock(100).create().await;
    }
    let found = until_found(shop, &[("q", &word)], 2).await;
    let [first, second] = ids(&found)[..] else {
        panic!("two were found: {found}")
    };
    let cart = shop.cart_of(&[(second, 10)]).await;
    shop.checkout(&cart.id).buy().await;
    let listed = [second.to_owned(), first.to_owned()];
    until_listed(shop, &[("q", &word)], &listed).await;
}

async fn the_syntax_of_a_search_engine_is_just_text(shop: &Shop) {
    let odd = [
        "\"",
        "AND OR NOT",
        "name:(",
        "a^2 ~3",
        "[* TO *]",
        "*",
        "+-",
        "\\",
        "☕",
        "%",
        "\u{0}",
        "ÄÖÜ ß",
    ];
    for text in odd {
        let found = search(shop, &[("q", text)]).await;
        assert_eq!(found["query"], text);
    }
}

async fn a_very_long_query_is_no_fault_of_the_shop(shop: &Shop) {
    let reply = shop
        .get("/api/search")
        .query(&[("q", &"kettle ".repeat(400))])
        .send()
        .await;
    if reply.status != 200 {
        reply.invalid("?q");
    }
}
