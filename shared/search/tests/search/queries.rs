//! What is found, in which order, on which page.

use std::time::{Duration, Instant};

use bothways_domain::{
    Error,
    inventory::Availability,
    paging::Paging,
    search::{MAX_QUERY, SearchApi, SearchRequest, Sort},
};

use crate::world::{But, World, asking, assortment, ids, paging, product};

#[tokio::test]
async fn a_better_match_comes_first() {
    let world = World::with(vec![
        product("pad", "Mouse pad", "", ""),
        product("wired", "Mouse, wired", "", ""),
        product("best", "Wireless mouse", "", ""),
        product("other", "Kettle", "", ""),
    ])
    .await;
    let found = world.find("wireless MOUSE").await;
    assert_eq!(found[0], "best");
    assert_eq!(
        found.len(),
        3,
        "products that match one word are found, too: {found:?}"
    );
}

#[tokio::test]
async fn words_are_found_in_every_text_of_a_product_and_in_other_forms() {
    let world = World::with(vec![
        product("a", "Thing", "Brandwein", "Printing > Toner & drums").but(|indexed| {
            let draft = &mut indexed.product.draft;
            draft.description = "Recharges batteries".to_owned();
            draft
                .attributes
                .insert("model".to_owned(), "TN-2010/X".to_owned());
            draft
                .attributes
                .insert("bluetooth".to_owned(), "True".to_owned());
        }),
        product("b", "Décor", "", ""),
    ])
    .await;
    for query in [
        "thing",
        "BRANDWEIN",
        "drum",
        "battery",
        "tn-2010",
        "2010",
        "bluetooth",
    ] {
        assert_eq!(world.find(query).await, ["a"], "{query}");
    }
    assert_eq!(world.find("decor").await, ["b"]);
}

#[tokio::test]
async fn a_word_that_means_the_same_is_found_behind_the_word_itself() {
    let world = World::with(vec![
        product("other", "Kettle", "", ""),
        product("same", "Notebook with a bright screen", "", ""),
        product("word", "Laptop with a bright screen", "", ""),
        product("phrase", "Camcorder", "", ""),
    ])
    .await;
    assert_eq!(world.find("laptops").await, ["word", "same"]);
    assert_eq!(world.find("notebook").await, ["same", "word"]);
    assert_eq!(world.find("video camera").await, ["phrase"]);
}

#[tokio::test]
async fn a_thing_comes_before_what_goes_with_it_unless_that_is_asked_for() {
    let world = World::with(vec![
        product("pad", "Gaming mouse pad", "Hyper", "Input"),
        product("mouse", "Wireless mouse for gaming", "Hyper", "Input"),
    ])
    .await;
    assert_eq!(world.find("gaming mouse").await, ["mouse", "pad"]);
    assert_eq!(world.find("gaming mouse pads").await, ["pad", "mouse"]);
}

#[tokio::test]
async fn what_a_query_is_without_is_not_searched_and_puts_products_back() {
    let world = World::with(vec![
        product("straw", "Water bottle, straw and lid", "", ""),
        product("plain", "Water bottle, plain and blue", "", ""),
        product("only", "Straw hat", "", ""),
    ])
    .await;
    assert_eq!(
        world.find("water bottle without straw").await,
        ["plain", "straw"]
    );
    assert_eq!(
        world.find("bottle without straw with blue").await[0],
        "plain"
    );
    // A query of nothing else means what it says.
    assert_eq!(world.find("without straw").await.len(), 2);
}

#[tokio::test]
async fn a_hit_says_what_the_product_is_now() {
    let indexed = product("a", "Lamp", "Acme", "Home > Light")
        .at(4_999)
        .rated(4.35)
        .being(Availability::LowStock);
    let world = World::with(vec![indexed.clone()]).await;
    let page = world.search(asking("lamp")).await;
    assert_eq!(page.hits, [indexed.product.to_hit(Availability::LowStock)]);

    let changed = indexed.at(3_000).being(Availability::OutOfStock);
    world.put(vec![changed.clone()]).await;
    let page = world.search(asking("lamp")).await;
    assert_eq!(
        page.hits,
        [changed.product.to_hit(Availability::OutOfStock)]
    );
}

#[tokio::test]
async fn browsing_lists_everything_best_rated_first_and_unrated_last() {
    let world = World::with(vec![
        product("d", "One", "", ""),
        product("c", "Two", "", "").rated(3.0),
        product("b", "Three", "", "").rated(4.5),
        product("a", "Four", "", "").rated(3.0),
    ])
    .await;
    assert_eq!(world.find("  ").await, ["b", "a", "c", "d"]);
}

#[tokio::test]
async fn lists_are_sorted_as_asked_with_ties_by_id() {
    let world = World::with(vec![
        product("a", "Cup", "", "").at(300).since(2),
        product("b", "Cup", "", "").at(100).since(3),
        product("c", "Cup", "", "").at(300).since(1),
        product("d", "Cup", "", "").at(200).since(3),
    ])
    .await;
    for (sort, expected) in [
        (Sort::PriceAsc, ["b", "d", "a", "c"]),
        (Sort::PriceDesc, ["a", "c", "d", "b"]),
        (Sort::Newest, ["b", "d", "a", "c"]),
        (Sort::Relevance, ["a", "b", "c", "d"]),
    ] {
        let page = world
            .search(SearchRequest {
                sort,
                ..asking("cup")
            })
            .await;
        assert_eq!(ids(&page), expected, "{sort:?}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap_up_to_the_limit() {
    let world = World::with(assortment(230)).await;
    let mut all = Vec::new();
    for page in 1..=4 {
        let page = world
            .search(SearchRequest {
                paging: paging(page, 60),
                ..asking("mouse cable hub battery")
            })
            .await;
        assert_eq!(page.per_page, 60);
        all.extend(ids(&page));
        if all.len() as u64 >= page.total {
            assert_eq!(all.len() as u64, page.total);
            break;
        }
    }
    let mut unique = all.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), all.len());

    let last = world
        .search(SearchRequest {
            paging: paging(100, 100),
            ..asking("")
        })
        .await;
    assert_eq!((last.total, last.hits.len(), last.page), (230, 0, 100));
    assert!(Paging::parse(Some(101), Some(100)).is_err());
}

#[tokio::test]
async fn a_query_of_unknown_words_finds_nothing_and_says_so() {
    let world = World::with(assortment(30)).await;
    for query in ["xylophonist quetzalcoatl", "!!!", "\u{1F600}", "*"] {
        let page = world.search(asking(query)).await;
        assert_eq!(
            (page.total, page.query.as_str(), page.corrected_query),
            (0, query, None)
        );
        assert!(page.facets.brand.is_empty());
    }
}

#[tokio::test]
async fn hostile_queries_are_answered_quickly() {
    let world = World::with(assortment(400)).await;
    let long = "mouse ".repeat(83);
    let letters: String = ('a'..='z').flat_map(|a| [a, 'x', 'q', 'w', ' ']).collect();
    let queries = [
        long.as_str(),
        &letters,
        &"a".repeat(MAX_QUERY),
        "\"mouse\" AND (name:* OR -cable~2) [a TO z] ^9 \\",
        "mouse\u{0}\u{7}\u{1b}[31m",
        "\u{202e}esuom \u{05e9}\u{05dc}\u{05d5}\u{05dd} \u{0645}\u{0631}\u{062d}\u{0628}\u{0627}",
        "\u{1F468}\u{200d}\u{1F469}\u{200d}\u{1F467} ﷽ \u{0301}\u{0301}\u{0301}",
        "%00 ../../etc <script>alert(1)</script> ' OR 1=1 --",
    ];
    for query in queries {
        let started = Instant::now();
        let page = world.search(asking(query)).await;
        world.searcher.suggest(query).await.unwrap();
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{query} took {:?}",
            started.elapsed()
        );
        assert_eq!(page.query, query);
    }
    let refused = world
        .searcher
        .search(&asking(&"x".repeat(MAX_QUERY + 1)))
        .await;
    assert!(matches!(refused, Err(Error::Validation(_))));
}

#[tokio::test]
async fn among_equals_what_can_be_had_comes_first() {
    let world = World::with(vec![
        product("a", "Mouse", "", "").being(Availability::OutOfStock),
        product("b", "Mouse", "", ""),
        product("c", "Mouse", "", "").being(Availability::LowStock),
        product("d", "Wireless mouse", "", ""),
    ])
    .await;
    assert_eq!(world.find("mouse").await, ["b", "c", "a", "d"]);
    assert_eq!(world.find("").await, ["b", "c", "d", "a"]);
    assert_eq!(world.find("wireless mouse").await[0], "d");
}

/// A gentle prior: a better match wins over any number of sales.
#[tokio::test]
async fn among_about_equals_what_sells_best_comes_first() {
    let world = World::with(vec![
        product("a", "Mouse", "", ""),
        product("b", "Mouse", "", "").sold(3),
        product("c", "Mouse", "", "").sold(4),
        product("d", "Mouse", "", "")
            .sold(5_000)
            .being(Availability::OutOfStock),
        product("e", "Keyboard for a mouse", "", "").sold(1),
    ])
    .await;
    assert_eq!(world.find("mouse").await, ["c", "b", "a", "d", "e"]);
    world.put(vec![product("a", "Mouse", "", "").sold(8)]).await;
    assert_eq!(world.find("mouse").await, ["a", "c", "b", "d", "e"]);
    let bestseller = product("a", "Mouse", "", "").sold(u32::MAX);
    world.put(vec![bestseller]).await;
    assert_eq!(world.find("keyboard").await[0], "e");
    assert_eq!(world.find("keyboard mouse").await[0], "e");
}
