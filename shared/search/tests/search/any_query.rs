//! Whatever is typed, in any script, is answered: generated queries over an assortment.

use bothways_domain::search::{MAX_QUERY, MAX_SUGGESTIONS, SearchApi};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::world::{World, asking, assortment};

/// Anything, and what comes near to real queries: known words, misspelt, run together, with stray signs.
fn query() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "wireless", "mouse", "tn-2110", "without", "with", "laptop", "17\"", "usb-c", "toner",
    ]);
    let word = prop_oneof![
        4 => known.prop_map(str::to_owned),
        2 => "[a-z]{1,12}",
        1 => "\\PC{0,8}",
        1 => any::<String>().prop_map(|text| text.chars().take(20).collect()),
        1 => "[\\p{Arabic}\\p{Hebrew}\\p{Han}\\p{Thai}\\p{Devanagari}\\p{Emoji}]{1,8}",
    ];
    let joined = prop::sample::select(vec![" ", "", "-", "\u{0}", "\u{202e}", "\""]);
    (vec(word, 0..9), joined).prop_map(|(words, joined)| words.join(joined))
}

#[tokio::test(flavor = "multi_thread")]
async fn any_query_is_answered_the_same_each_time_and_its_correction_is_a_query_too() {
    let world = World::with(assortment(200)).await;
    let runtime = tokio::runtime::Handle::current();
    let searched = tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 500,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner.run(&query(), |query| {
            runtime.block_on(async {
                let Ok(page) = world.searcher.search(&asking(&query)).await else {
                    // Only what is too long is refused.
                    prop_assert!(query.chars().count() > MAX_QUERY);
                    return Ok(());
                };
                prop_assert_eq!(&page.query, &query);
                prop_assert!(page.total >= page.hits.len() as u64 && page.total <= 200);
                let again = world.search(asking(&query)).await;
                prop_assert_eq!(&page, &again);
                if let Some(corrected) = &page.corrected_query {
                    prop_assert_ne!(corrected, &query);
                    prop_assert!(world.searcher.search(&asking(corrected)).await.is_ok());
                }
                let suggestions = world.searcher.suggest(&query).await.unwrap();
                prop_assert!(suggestions.len() <= MAX_SUGGESTIONS);
                Ok(())
            })
        })
    });
    searched.await.unwrap().unwrap();
}

#[tokio::test]
async fn hostile_queries_are_queries_like_others() {
    let world = World::with(assortment(200)).await;
    for query in [
        "(a+)+$",
        "^(?:mouse|.*)*$",
        "mouse*",
        "*:*",
        "name:mouse AND NOT hub",
        "mou?e~2^9",
        "\"'; DROP TABLE products; --",
        "\u{0}\u{1}\u{7f}\u{9b}mouse",
        "\u{202e}esuom\u{202c} \u{2066}mouse\u{2069}",
        "\u{feff}mouse\u{200b}\u{200d}\u{ad}",
        "\u{1f469}\u{200d}\u{1f4bb}\u{1f1e9}\u{1f1ea} mouse",
        "m\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}ouse",
        "\u{fdfa}\u{fdfa}\u{fdfa}",
        "\u{10ffff}\u{e000}",
    ] {
        let page = world.search(asking(query)).await;
        assert_eq!(page.query, query);
        assert!(page.total <= 200, "{query:?}");
        assert!(world.searcher.suggest(query).await.unwrap().len() <= MAX_SUGGESTIONS);
    }
    let control = world.search(asking("\u{0}\u{1}mouse\u{202e}")).await;
    assert_eq!(control.hits, world.search(asking("mouse")).await.hits);
}

#[tokio::test]
async fn a_query_of_ten_thousand_characters_is_refused_and_completed_by_nothing() {
    let world = World::with(assortment(200)).await;
    for query in [
        "x".repeat(10_000),
        "mouse ".repeat(1_667),
        "\u{1f600}".repeat(10_000),
    ] {
        assert!(world.searcher.search(&asking(&query)).await.is_err());
        assert!(world.searcher.suggest(&query).await.unwrap().is_empty());
    }
}
