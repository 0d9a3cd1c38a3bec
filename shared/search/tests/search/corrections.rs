//! Misspelt queries and completions.

use bothways_domain::search::{MAX_SUGGESTIONS, SearchApi};

use crate::world::{World, asking, ids, product};

async fn shop() -> World {
    World::with(vec![
        product(
            "t1",
            "Toner cartridge black",
            "HP",
            "Printing > Toner & drums",
        ),
        product(
            "t2",
            "Toner cartridge cyan",
            "HP",
            "Printing > Toner & drums",
        ),
        product("m1", "Wireless mouse", "Logitech", "Input > Mice"),
        product("m2", "Wireless mouse, silent", "Logitech", "Input > Mice"),
        product("k1", "Wireless keyboard", "Logitech", "Input > Keyboards"),
        product("u1", "USB-C hub with HDMI", "Anker", "Cables"),
        product("d1", "Computer desk", "Ikaria", "Furniture"),
        product("d2", "Dell computer", "Dell", "Computers"),
        product("d3", "Dell laptop", "Dell", "Computers"),
        product("d4", "Office desk", "Ikaria", "Furniture"),
    ])
    .await
}

#[tokio::test]
async fn a_misspelt_word_is_searched_as_the_likeliest_known_one() {
    let world = shop().await;
    for (query, corrected, first) in [
        ("HP tonr", "HP toner", "t1"),
        ("wireles, mousse", "wireless, mouse", "m1"),
        ("keybaord", "keyboard", "k1"),
        ("cartrigde black", "cartridge black", "t1"),
    ] {
        let page = world.search(asking(query)).await;
        assert_eq!(page.corrected_query.as_deref(), Some(corrected));
        assert_eq!(page.query, query);
        assert_eq!(ids(&page)[0], first, "{query}");
    }
}

#[tokio::test]
async fn the_other_words_decide_between_corrections() {
    let world = shop().await;
    let page = world.search(asking("office delk")).await;
    assert_eq!(page.corrected_query.as_deref(), Some("office desk"));
    let page = world.search(asking("laptop delk")).await;
    assert_eq!(page.corrected_query.as_deref(), Some("laptop dell"));
}

#[tokio::test]
async fn known_words_model_numbers_and_hopeless_ones_are_left_alone() {
    let world = shop().await;
    for query in ["wireless mouse", "toners", "hdmi", "hub4", "zzzzzzzz mouse"] {
        assert_eq!(
            world.search(asking(query)).await.corrected_query,
            None,
            "{query}"
        );
    }
    assert_eq!(
        ids(&world.search(asking("zzzzzzzz mouse")).await),
        ["m1", "m2"]
    );
}

#[tokio::test]
async fn a_model_number_is_found_however_it_is_written() {
    let world = World::with(vec![
        product("apart", "Drum TN-2010", "", ""),
        product("joined", "Drum TN3030 16GB", "", ""),
        product("other", "Drum", "", ""),
    ])
    .await;
    for query in ["tn2010", "TN-2010", "tn 2010"] {
        assert_eq!(world.find(query).await[0], "apart", "{query}");
    }
    for query in ["tn3030", "TN-3030", "tn 3030", "drum 16 gb"] {
        let page = world.search(asking(query)).await;
        assert_eq!(ids(&page)[0], "joined", "{query}");
        assert_eq!(page.corrected_query, None, "{query}");
    }
}

#[tokio::test]
async fn words_that_were_run_together_are_parted() {
    let page = shop().await.search(asking("wirelessmouse")).await;
    assert_eq!(page.corrected_query.as_deref(), Some("wireless mouse"));
    assert_eq!(ids(&page)[..2], ["m1", "m2"]);
}

#[tokio::test]
async fn words_of_products_that_are_gone_are_no_longer_known() {
    let world = shop().await;
    world
        .put(vec![
            product("x", "Tonr", "", ""),
            product("y", "Thing", "", ""),
        ])
        .await;
    assert_eq!(world.search(asking("tonr")).await.corrected_query, None);
    world.remove(&["x"]).await;
    assert_eq!(
        world
            .search(asking("tonr"))
            .await
            .corrected_query
            .as_deref(),
        Some("toner")
    );
    assert!(
        world
            .searcher
            .suggest("ton")
            .await
            .unwrap()
            .iter()
            .all(|suggestion| !suggestion.contains("tonr"))
    );
}

#[tokio::test]
async fn suggestions_complete_words_and_phrases_most_frequent_first() {
    let world = shop().await;
    let suggest = async |prefix: &str| world.searcher.suggest(prefix).await.unwrap();
    assert_eq!(suggest("WIRE").await[..2], ["wireless mouse", "wireless"]);
    assert_eq!(
        suggest("wireless ").await,
        ["wireless mouse", "wireless keyboard"]
    );
    assert_eq!(suggest("usb-c").await[0], "usb c hub");
    assert_eq!(
        suggest("hp toner ca").await,
        [
            "hp toner cartridge",
            "hp toner cartridge black",
            "hp toner cartridge cyan"
        ]
    );
    assert_eq!(
        suggest("logitech wireless mo").await[0],
        "logitech wireless mouse"
    );
    assert!(suggest("toner").await.contains(&"toner drums".to_owned()));
}

#[tokio::test]
async fn suggestions_forgive_a_typo() {
    let world = shop().await;
    let suggest = async |prefix: &str| world.searcher.suggest(prefix).await.unwrap();
    assert_eq!(suggest("wirless").await, suggest("wireless").await);
    assert_eq!(suggest("wierl").await[0], "wireless mouse");
    assert_eq!(suggest("wirless mo").await[0], "wireless mouse");
    assert_eq!(suggest("wireless keyob").await[0], "wireless keyboard");
    assert_eq!(
        suggest("logitech wirless mosu").await[0],
        "logitech wireless mouse"
    );
    // What is known stays, and what is beyond help has no completion.
    assert_eq!(suggest("wire").await[..2], ["wireless mouse", "wireless"]);
    assert!(suggest("wxyzless").await.is_empty() && suggest("tn99").await.is_empty());
}

#[tokio::test]
async fn suggestions_are_few_and_none_without_a_prefix_or_a_match() {
    let mut products: Vec<_> = (0..40)
        .map(|n| product(&format!("p{n}"), &format!("Cup c{n}x"), "", ""))
        .collect();
    products.push(product("z", "Zebra", "", ""));
    let world = World::with(products).await;
    let suggest = async |prefix: &str| world.searcher.suggest(prefix).await.unwrap();
    assert_eq!(suggest("c").await.len(), MAX_SUGGESTIONS);
    assert_eq!(suggest("c").await, suggest("C").await);
    for prefix in ["", "   ", "!", "qqq", "zebra cup"] {
        assert!(suggest(prefix).await.is_empty(), "{prefix}");
    }
}
