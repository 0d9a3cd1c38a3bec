//! Finding products.

use bothways_tests::{
    Case, Product, SEARCH_LAG, Shop, cases, entries, eventually, members, money, word,
};
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
        without_a_query_everything_is_browsed,
        a_category_takes_everything_below_it,
        a_category_does_not_take_what_only_begins_like_it,
        several_categories_are_either_or,
        several_brands_are_either_or,
        category_and_brand_are_both_asked,
        a_price_range_takes_both_its_ends,
        a_price_range_may_be_open_at_one_end,
        in_stock_leaves_out_what_is_out_of_stock,
        the_cheapest_come_first_by_price_asc,
        the_dearest_come_first_by_price_desc,
        the_newest_come_first_by_newest,
        an_unknown_order_is_refused,
        a_lowest_price_above_the_highest_is_refused,
        a_price_that_is_no_number_is_refused,
        in_stock_is_true_or_false,
        the_syntax_of_a_search_engine_is_just_text,
        a_very_long_query_is_no_fault_of_the_shop,
        filters_may_contain_any_character,
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

/// Searches until `total` products are found.
pub(crate) async fn until_found(shop: &Shop, query: &[(&str, &str)], total: i64) -> Value {
    eventually(
        SEARCH_LAG,
        &format!("{total} found for {query:?}"),
        async || {
            let found = search(shop, query).await;
            if found["total"] == total {
                Ok(found)
            } else {
                Err(format!("{}", found["total"]))
            }
        },
    )
    .await
}

/// The ids of the hits in their order.
#[track_caller]
pub(crate) fn ids(found: &Value) -> Vec<&str> {
    entries(&found["hits"])
        .iter()
        .map(|hit| hit["id"].as_str().unwrap_or_default())
        .collect()
}

#[track_caller]
fn sorted(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids
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
    let found = search(shop, &[("q", &format!("{first} {second}"))]).await;
    assert_eq!(ids(&found).first(), Some(&all.id.as_str()), "{found}");
    if let Some(other) = ids(&found).get(1) {
        assert_eq!(*other, some.id);
    }
}

/// Products that differ in one member, all of one brand nobody else has.
async fn branded(
    shop: &Shop,
    count: usize,
    change: impl Fn(usize, Product) -> Product,
) -> (String, Vec<String>) {
    let brand = word();
    let mut products = Vec::new();
    for n in 0..count {
        let product = change(n, shop.product().brand(&brand).unwritten());
        product.put(shop).await.expect(201);
        products.push(product.id);
    }
    until_found(
        shop,
        &[("brand", &brand)],
        i64::try_from(count).unwrap_or_default(),
    )
    .await;
    (brand, products)
}

async fn without_a_query_everything_is_browsed(shop: &Shop) {
    let (brand, products) = branded(shop, 3, |_, product| product).await;
    let found = search(shop, &[("brand", &brand)]).await;
    let mut expected: Vec<&str> = products.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(sorted(ids(&found)), expected);
    let empty = search(shop, &[("q", ""), ("brand", &brand)]).await;
    assert_eq!(empty["total"], 3);
}

async fn a_category_takes_everything_below_it(shop: &Shop) {
    let top = word();
    for path in [
        vec![&*top],
        vec![&*top, "Low"],
        vec![&*top, "Low", "Lower"],
        vec![&*top, "Side"],
    ] {
        shop.product().category(&path).create().await;
    }
    until_found(shop, &[("category", &top)], 4).await;
    until_found(shop, &[("category", &format!("{top} > Low"))], 2).await;
    until_found(shop, &[("category", &format!("{top} > Low > Lower"))], 1).await;
    until_found(shop, &[("category", &format!("{top} > Nothing"))], 0).await;
}

async fn a_category_does_not_take_what_only_begins_like_it(shop: &Shop) {
    let top = word();
    let inside = shop.product().category(&[&top, "Pot"]).create().await;
    shop.product().category(&[&top, "Pottery"]).create().await;
    until_found(shop, &[("category", &top)], 2).await;
    let found = search(shop, &[("category", &format!("{top} > Pot"))]).await;
    assert_eq!(ids(&found), [inside.id]);
}

async fn several_categories_are_either_or(shop: &Shop) {
    let top = word();
    for low in ["Red", "Green", "Blue"] {
        shop.product().category(&[&top, low]).create().await;
    }
    until_found(shop, &[("category", &top)], 3).await;
    let (red, blue) = (format!("{top} > Red"), format!("{top} > Blue"));
    until_found(shop, &[("category", &red), ("category", &blue)], 2).await;
}

async fn several_brands_are_either_or(shop: &Shop) {
    let (first, second) = (word(), word());
    let one = shop.product().brand(&first).create().await;
    let other = shop.product().brand(&second).create().await;
    let found = until_found(shop, &[("brand", &first), ("brand", &second)], 2).await;
    assert_eq!(sorted(ids(&found)), sorted(vec![&one.id, &other.id]));
}

async fn category_and_brand_are_both_asked(shop: &Shop) {
    let (top, brand) = (word(), word());
    let both = shop
        .product()
        .brand(&brand)
        .category(&[&top])
        .create()
        .await;
    shop.product().category(&[&top]).create().await;
    shop.product().brand(&brand).create().await;
    until_found(shop, &[("category", &top)], 2).await;
    until_found(shop, &[("brand", &brand)], 2).await;
    let found = search(shop, &[("category", &top), ("brand", &brand)]).await;
    assert_eq!(ids(&found), [both.id]);
}

/// Five products at 1000, 2000, … 5000, in an order that is none.
async fn priced(shop: &Shop) -> (String, Vec<String>) {
    let prices = [3000, 1000, 5000, 2000, 4000];
    let (brand, ids) = branded(shop, 5, |n, product| {
        product.with("price", money(prices[n]))
    })
    .await;
    let by_price = [1, 3, 0, 4, 2].map(|n: usize| ids[n].clone());
    (brand, by_price.to_vec())
}

async fn a_price_range_takes_both_its_ends(shop: &Shop) {
    let (brand, products) = priced(shop).await;
    let query = [
        ("brand", &*brand),
        ("min_price", "2000"),
        ("max_price", "4000"),
        ("sort", "price_asc"),
    ];
    assert_eq!(ids(&search(shop, &query).await), products[1..4]);
    let query = [
        ("brand", &*brand),
        ("min_price", "2001"),
        ("max_price", "3999"),
    ];
    assert_eq!(ids(&search(shop, &query).await), products[2..3]);
}

async fn a_price_range_may_be_open_at_one_end(shop: &Shop) {
    let (brand, _) = priced(shop).await;
    assert_eq!(
        search(shop, &[("brand", &brand), ("min_price", "4000")]).await["total"],
        2
    );
    assert_eq!(
        search(shop, &[("brand", &brand), ("max_price", "1000")]).await["total"],
        1
    );
    assert_eq!(
        search(
            shop,
            &[
                ("brand", &brand),
                ("min_price", "3000"),
                ("max_price", "3000")
            ]
        )
        .await["total"],
        1
    );
}

async fn in_stock_leaves_out_what_is_out_of_stock(shop: &Shop) {
    let brand = word();
    let stocked = shop.product().brand(&brand).stock(9).create().await;
    let low = shop.product().brand(&brand).stock(1).create().await;
    shop.product().brand(&brand).stock(0).create().await;
    until_found(shop, &[("brand", &brand)], 3).await;
    let found = until_found(shop, &[("brand", &brand), ("in_stock", "true")], 2).await;
    assert_eq!(sorted(ids(&found)), sorted(vec![&stocked.id, &low.id]));
    until_found(shop, &[("brand", &brand), ("in_stock", "false")], 3).await;
}

async fn the_cheapest_come_first_by_price_asc(shop: &Shop) {
    let (brand, products) = priced(shop).await;
    let found = search(shop, &[("brand", &brand), ("sort", "price_asc")]).await;
    assert_eq!(ids(&found), products);
}

async fn the_dearest_come_first_by_price_desc(shop: &Shop) {
    let (brand, mut products) = priced(shop).await;
    let found = search(shop, &[("brand", &brand), ("sort", "price_desc")]).await;
    products.reverse();
    assert_eq!(ids(&found), products);
}

async fn the_newest_come_first_by_newest(shop: &Shop) {
    let (brand, mut products) = branded(shop, 3, |_, product| product).await;
    let found = search(shop, &[("brand", &brand), ("sort", "newest")]).await;
    products.reverse();
    assert_eq!(ids(&found), products);
}

async fn refused(shop: &Shop, query: &[(&str, &str)], pointer: &str) {
    shop.get("/api/search")
        .query(query)
        .send()
        .await
        .invalid(pointer);
}

async fn an_unknown_order_is_refused(shop: &Shop) {
    refused(shop, &[("sort", "cheapest")], "?sort").await;
    for known in ["relevance", "price_asc", "price_desc", "newest"] {
        search(shop, &[("sort", known)]).await;
    }
}

async fn a_lowest_price_above_the_highest_is_refused(shop: &Shop) {
    refused(
        shop,
        &[("min_price", "2001"), ("max_price", "2000")],
        "?min_price",
    )
    .await;
    search(shop, &[("min_price", "2000"), ("max_price", "2000")]).await;
}

async fn a_price_that_is_no_number_is_refused(shop: &Shop) {
    refused(shop, &[("min_price", "cheap")], "?min_price").await;
    refused(shop, &[("max_price", "12.99")], "?max_price").await;
    refused(
        shop,
        &[("max_price", "99999999999999999999999")],
        "?max_price",
    )
    .await;
}

async fn in_stock_is_true_or_false(shop: &Shop) {
    refused(shop, &[("in_stock", "perhaps")], "?in_stock").await;
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

async fn filters_may_contain_any_character(shop: &Shop) {
    let brand = format!("{} & Söhne, \"100%\" + <b>", word());
    let product = shop.product().brand(&brand).create().await;
    let found = until_found(shop, &[("brand", &brand)], 1).await;
    assert_eq!(ids(&found), [product.id]);
}
