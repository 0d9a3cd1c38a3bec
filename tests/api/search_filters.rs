//! Narrowing down and ordering what is found.

use bothways_tests::{Case, Product, Shop, cases, money, word};

use crate::search::{ids, same, search, until, until_found, until_listed};

pub(crate) fn cases() -> Vec<Case> {
    cases![
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
        filters_may_contain_any_character,
    ]
}

#[track_caller]
fn sorted(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids
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
    until_found(shop, &[("brand", &brand)], count).await;
    (brand, products)
}

async fn without_a_query_everything_is_browsed(shop: &Shop) {
    let (brand, products) = branded(shop, 3, |_, product| product).await;
    let expected = sorted(products.iter().map(String::as_str).collect());
    until(shop, &[("brand", &brand)], |found| {
        same(&sorted(ids(found)), &expected)
    })
    .await;
    until_found(shop, &[("q", ""), ("brand", &brand)], 3).await;
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
    until_listed(shop, &[("category", &format!("{top} > Pot"))], &[inside.id]).await;
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
    until_listed(shop, &[("category", &top), ("brand", &brand)], &[both.id]).await;
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
    let between = async |min: &str, max: &str, expected: &[String]| {
        let query = [
            ("brand", &*brand),
            ("min_price", min),
            ("max_price", max),
            ("sort", "price_asc"),
        ];
        until_listed(shop, &query, expected).await;
    };
    between("2000", "4000", &products[1..4]).await;
    between("2001", "3999", &products[2..3]).await;
    between("3000", "3000", &products[2..3]).await;
}

async fn a_price_range_may_be_open_at_one_end(shop: &Shop) {
    let (brand, _) = priced(shop).await;
    until_found(shop, &[("brand", &brand), ("min_price", "4000")], 2).await;
    until_found(shop, &[("brand", &brand), ("max_price", "1000")], 1).await;
}

async fn in_stock_leaves_out_what_is_out_of_stock(shop: &Shop) {
    let brand = word();
    let stocked = shop.product().brand(&brand).stock(9).create().await;
    let low = shop.product().brand(&brand).stock(1).create().await;
    shop.product().brand(&brand).stock(0).create().await;
    until_found(shop, &[("brand", &brand)], 3).await;
    let expected = sorted(vec![&*stocked.id, &*low.id]);
    let query = [("brand", &*brand), ("in_stock", "true")];
    until(shop, &query, |found| same(&sorted(ids(found)), &expected)).await;
}

async fn the_cheapest_come_first_by_price_asc(shop: &Shop) {
    let (brand, products) = priced(shop).await;
    until_listed(shop, &[("brand", &brand), ("sort", "price_asc")], &products).await;
}

async fn the_dearest_come_first_by_price_desc(shop: &Shop) {
    let (brand, mut products) = priced(shop).await;
    products.reverse();
    until_listed(
        shop,
        &[("brand", &brand), ("sort", "price_desc")],
        &products,
    )
    .await;
}

async fn the_newest_come_first_by_newest(shop: &Shop) {
    let (brand, mut products) = branded(shop, 3, |_, product| product).await;
    products.reverse();
    until_listed(shop, &[("brand", &brand), ("sort", "newest")], &products).await;
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

async fn filters_may_contain_any_character(shop: &Shop) {
    let brand = format!("{} & Söhne, \"100%\" + <b>", word());
    let product = shop.product().brand(&brand).create().await;
    let found = until_found(shop, &[("brand", &brand)], 1).await;
    assert_eq!(ids(&found), [product.id]);
}
