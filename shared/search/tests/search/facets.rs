//! Filters, and the counts that narrow a result.

use bothways_domain::{
    inventory::Availability,
    product::Category,
    search::{FacetCount, PriceRange, SearchRequest},
};

use crate::world::{But, World, asking, ids, product};

async fn shop() -> World {
    World::with(vec![
        product("m1", "Mouse", "Acme", "Input > Mice").at(900),
        product("m2", "Mouse", "Borealis", "Input > Mice")
            .at(1_000)
            .being(Availability::LowStock),
        product(
            "k1",
            "Keyboard for mouse users",
            "Acme",
            "Input > Keyboards",
        )
        .at(2_600),
        product("k2", "Keyboard", "Corvid", "Input > Keyboards")
            .at(7_000)
            .being(Availability::OutOfStock),
        product("c1", "Mouse cable", "Acme", "Cables")
            .at(400)
            .being(Availability::Unknown),
        product("x1", "Mouse toy", "", "").at(20_000),
    ])
    .await
}

fn pairs(facet: &[FacetCount]) -> Vec<(&str, u64)> {
    facet
        .iter()
        .map(|entry| (entry.value.as_str(), entry.count))
        .collect()
}

fn paths(paths: &[&str]) -> Vec<Category> {
    paths
        .iter()
        .map(|path| Category::parse_path(path))
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn counts_cover_the_whole_result_and_not_only_the_page() {
    let page = shop().await.search(asking("mouse")).await;
    assert_eq!(page.total, 5);
    assert_eq!(pairs(&page.facets.category), [("Input", 3), ("Cables", 1)]);
    assert_eq!(pairs(&page.facets.brand), [("Acme", 3), ("Borealis", 1)]);
    let ranges = [
        (0, Some(1_000), 2),
        (1_000, Some(2_500), 1),
        (2_500, Some(5_000), 1),
        (20_000, Some(50_000), 1),
    ];
    let expected = ranges.map(|(from, to, count)| PriceRange { from, to, count });
    assert_eq!(page.facets.price, expected);
}

#[tokio::test]
async fn a_filter_narrows_the_other_facets_and_not_its_own() {
    let world = shop().await;
    let page = world
        .search(SearchRequest {
            brands: names(&["Borealis"]),
            ..asking("mouse")
        })
        .await;
    assert_eq!(ids(&page), ["m2"]);
    assert_eq!(pairs(&page.facets.brand), [("Acme", 3), ("Borealis", 1)]);
    assert_eq!(pairs(&page.facets.category), [("Input", 1)]);
    assert_eq!(
        page.facets.price,
        [PriceRange {
            from: 1_000,
            to: Some(2_500),
            count: 1
        }]
    );

    let page = world
        .search(SearchRequest {
            max_price: Some(900),
            ..asking("mouse")
        })
        .await;
    assert_eq!(page.total, 2);
    assert_eq!(
        page.facets
            .price
            .iter()
            .map(|range| range.count)
            .sum::<u64>(),
        5
    );
    assert_eq!(pairs(&page.facets.brand), [("Acme", 2)]);
}

#[tokio::test]
async fn values_of_one_facet_are_alternatives_and_facets_add_up() {
    let world = shop().await;
    let request = SearchRequest {
        brands: names(&["Acme", "Corvid"]),
        categories: paths(&["Input > Keyboards", "Cables"]),
        ..asking("")
    };
    let page = world.search(request).await;
    assert_eq!(ids(&page), ["k1", "c1", "k2"]);
    let none = SearchRequest {
        brands: names(&["acme"]),
        ..asking("")
    };
    assert_eq!(world.search(none).await.total, 0, "brands are exact");
}

#[tokio::test]
async fn a_category_takes_everything_below_it_and_its_facet_lists_the_next_level() {
    let world = shop().await;
    let page = world
        .search(SearchRequest {
            categories: paths(&["Input"]),
            ..asking("")
        })
        .await;
    assert_eq!(page.total, 4);
    assert_eq!(
        pairs(&page.facets.category),
        [("Input > Keyboards", 2), ("Input > Mice", 2)]
    );
    let page = world
        .search(SearchRequest {
            categories: paths(&["Inp"]),
            ..asking("")
        })
        .await;
    assert_eq!((page.total, page.facets.category.len()), (0, 0));
}

#[tokio::test]
async fn prices_are_bounded_inclusively() {
    let world = shop().await;
    let request = SearchRequest {
        min_price: Some(900),
        max_price: Some(2_600),
        ..asking("")
    };
    assert_eq!(ids(&world.search(request).await), ["k1", "m1", "m2"]);
}

#[tokio::test]
async fn in_stock_means_that_some_are_known_to_be_there() {
    let world = shop().await;
    let stocked = SearchRequest {
        in_stock: Some(true),
        ..asking("")
    };
    assert_eq!(ids(&world.search(stocked).await), ["k1", "m1", "m2", "x1"]);
    let missing = SearchRequest {
        in_stock: Some(false),
        ..asking("")
    };
    assert_eq!(ids(&world.search(missing).await), ["c1", "k2"]);
}

#[tokio::test]
async fn many_brands_are_cut_off_but_a_chosen_one_stays() {
    let mut products: Vec<_> = (0..60)
        .flat_map(|n| {
            (0..2).map(move |i| product(&format!("p{n}-{i}"), "Cup", &format!("Brand {n:02}"), ""))
        })
        .collect();
    products.push(product("last", "Cup", "Zulu", ""));
    let world = World::with(products).await;
    let page = world.search(asking("cup")).await;
    assert_eq!(page.facets.brand.len(), 50);
    assert_eq!(pairs(&page.facets.brand)[0], ("Brand 00", 2));
    let page = world
        .search(SearchRequest {
            brands: names(&["Zulu"]),
            ..asking("cup")
        })
        .await;
    assert_eq!(pairs(&page.facets.brand).last(), Some(&("Zulu", 1)));
}
