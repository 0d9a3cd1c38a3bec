//! Completing what is being typed.

use bothways_tests::{Case, SEARCH_LAG, Shop, cases, entries, eventually, members, word};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_beginning_of_a_name_is_completed,
        the_beginning_of_its_last_word_is_completed,
        there_are_at_most_10_completions,
        what_nothing_begins_like_has_no_completions,
        odd_beginnings_are_just_text,
        a_deleted_product_is_no_longer_suggested,
    ]
}

async fn suggest(shop: &Shop, beginning: &str) -> Vec<String> {
    let ask = shop.get("/api/search/suggest").query(&[("q", beginning)]);
    let answer = ask.send().await.expect(200);
    assert_eq!(members(&answer), ["suggestions"]);
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("not text: {value}"))
            .to_owned()
    };
    entries(&answer["suggestions"]).iter().map(text).collect()
}

/// Waits until a completion of `beginning` contains `expected`.
async fn is_suggested(shop: &Shop, beginning: &str, expected: &str) {
    eventually(
        SEARCH_LAG,
        &format!("{beginning} is completed to {expected}"),
        async || {
            let suggestions = suggest(shop, beginning).await;
            let found = suggestions
                .iter()
                .any(|text| text.to_lowercase().contains(expected));
            if found {
                Ok(())
            } else {
                Err(format!("{suggestions:?}"))
            }
        },
    )
    .await;
}

async fn the_beginning_of_a_name_is_completed(shop: &Shop) {
    let product = shop.product().create().await;
    is_suggested(shop, &product.word[..7], &product.word).await;
    is_suggested(shop, &product.word[..7].to_uppercase(), &product.word).await;
}

async fn the_beginning_of_its_last_word_is_completed(shop: &Shop) {
    let (first, second) = (word(), word());
    shop.product()
        .name(&format!("{first} {second}"))
        .create()
        .await;
    is_suggested(shop, &format!("{first} {}", &second[..6]), &second).await;
}

async fn there_are_at_most_10_completions(shop: &Shop) {
    let stem = word();
    let lines: String = (b'a'..b'p')
        .map(|letter| {
            let name = format!("{stem}{0}{0} kettle", char::from(letter));
            shop.product().name(&name).unwritten().line() + "\n"
        })
        .collect();
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
    eventually(SEARCH_LAG, "10 completions", async || {
        let suggestions = suggest(shop, &stem).await;
        assert!(suggestions.len() <= 10, "{suggestions:?}");
        if suggestions.len() == 10 {
            Ok(())
        } else {
            Err(format!("{suggestions:?}"))
        }
    })
    .await;
}

async fn what_nothing_begins_like_has_no_completions(shop: &Shop) {
    assert!(suggest(shop, &word()).await.is_empty());
}

async fn odd_beginnings_are_just_text(shop: &Shop) {
    for odd in ["\"", "(", "*", ".*", "\\", "ä", "☕", " ", "a b c d"] {
        suggest(shop, odd).await;
    }
}

async fn a_deleted_product_is_no_longer_suggested(shop: &Shop) {
    let product = shop.product().create().await;
    is_suggested(shop, &product.word[..7], &product.word).await;
    product.delete(shop).await;
    // All of the word: its beginning could be a typo away from another's.
    eventually(SEARCH_LAG, "no completion any more", async || {
        let ask = shop
            .get("/api/search/suggest")
            .query(&[("q", &product.word)]);
        let answer = ask.send().await.expect(200);
        if answer["suggestions"] == json!([]) {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    })
    .await;
}
