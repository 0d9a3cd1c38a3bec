//! Events that were given up on: who may list and replay them, and how. That there are any takes faults, which are the
//! resilience suite's.

use bothways_tests::{Case, Shop, cases, entries};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        dead_letters_are_listed_in_pages,
        dead_letters_are_for_administrators,
        a_page_of_dead_letters_that_cannot_be_is_refused,
        an_unknown_dead_letter_cannot_be_replayed,
        dead_letters_are_only_read_and_replayed,
    ]
}

const LIST: &str = "/api/dead-letters";

async fn dead_letters_are_listed_in_pages(shop: &Shop) {
    let list = shop.get(LIST).bearer(&shop.admin().await);
    let found = list.send().await.expect(200);
    assert_eq!(
        (&found["page"], &found["per_page"]),
        (&1.into(), &24.into())
    );
    assert!(found["total"].is_u64(), "{found}");
    assert!(entries(&found["unavailable"]).is_empty(), "{found}");
    for letter in entries(&found["dead_letters"]) {
        for member in ["id", "source", "type", "subject", "occurred_at", "reason"] {
            assert!(letter[member].is_string(), "{letter}");
        }
        assert!(letter["attempts"].is_u64(), "{letter}");
    }
    let beyond = shop.get("/api/dead-letters?page=100&per_page=100");
    let beyond = beyond.bearer(&shop.admin().await).send().await.expect(200);
    assert_eq!(
        (&beyond["page"], &beyond["per_page"]),
        (&100.into(), &100.into())
    );
    assert!(entries(&beyond["dead_letters"]).is_empty(), "{beyond}");
}

async fn dead_letters_are_for_administrators(shop: &Shop) {
    let customer = shop.user().await.access_token;
    // Not even how to ask is for others to know.
    let asks = || {
        [
            shop.get(LIST),
            shop.get("/api/dead-letters?page=0"),
            shop.post("/api/dead-letters/unknown/replay"),
            shop.post("/api/dead-letters/im%20possible/replay"),
        ]
    };
    for ask in asks() {
        ask.send().await.problem("unauthenticated");
    }
    for ask in asks() {
        ask.bearer("nonsense")
            .send()
            .await
            .problem("unauthenticated");
    }
    for ask in asks() {
        ask.bearer(&customer).send().await.problem("forbidden");
    }
}

async fn a_page_of_dead_letters_that_cannot_be_is_refused(shop: &Shop) {
    let admin = shop.admin().await;
    for (query, pointer) in [
        ("page=0", "?page"),
        ("page=x", "?page"),
        ("per_page=0", "?per_page"),
        ("per_page=101", "?per_page"),
        ("page=101&per_page=100", "?page"),
    ] {
        let list = shop.get(&format!("{LIST}?{query}")).bearer(&admin);
        let refused = list.send().await.problem("validation");
        assert_eq!(
            refused["errors"][0]["pointer"], pointer,
            "{query}: {refused}"
        );
    }
}

async fn an_unknown_dead_letter_cannot_be_replayed(shop: &Shop) {
    let admin = shop.admin().await;
    for id in ["unknown", "im%20possible", "%2e%2e", &"x".repeat(65)] {
        let replay = shop.post(&format!("{LIST}/{id}/replay"));
        replay.bearer(&admin).send().await.problem("not-found");
    }
}

async fn dead_letters_are_only_read_and_replayed(shop: &Shop) {
    let admin = shop.admin().await;
    let post = shop.post(LIST).bearer(&admin).send().await;
    post.problem("method-not-allowed");
    let get = shop.get("/api/dead-letters/unknown/replay").bearer(&admin);
    get.send().await.problem("method-not-allowed");
    let one = shop.get("/api/dead-letters/unknown").bearer(&admin);
    one.send().await.problem("not-found");
}
