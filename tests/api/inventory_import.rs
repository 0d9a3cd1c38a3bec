//! Importing stock.

use bothways_tests::{Case, Reply, Shop, cases, id};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_import_sets_what_is_on_hand,
        the_same_file_twice_changes_nothing,
        good_lines_land_and_bad_lines_are_named,
        an_import_of_1000_lines_is_taken_and_one_of_1001_is_not,
        an_import_past_4_mib_is_refused,
        an_import_needs_an_administrator,
        an_import_that_is_not_ndjson_is_refused,
    ]
}

async fn import(shop: &Shop, lines: String) -> Reply {
    let ask = shop
        .post("/api/inventory/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines).send().await
}

fn line(product: &str, on_hand: i64) -> String {
    json!({ "product_id": product, "on_hand": on_hand }).to_string() + "\n"
}

async fn an_import_sets_what_is_on_hand(shop: &Shop) {
    let first = shop.product().create().await.id;
    let second = shop.product().stock(2).create().await.id;
    let answer = import(shop, line(&first, 5) + &line(&second, 6))
        .await
        .expect(200);
    assert_eq!(
        answer,
        json!({ "created": 1, "updated": 1, "rejected": [] })
    );
    assert_eq!(shop.stock(&first).await["on_hand"], 5);
    assert_eq!(shop.stock(&second).await["on_hand"], 6);
}

async fn the_same_file_twice_changes_nothing(shop: &Shop) {
    let product = shop.product().create().await.id;
    import(shop, line(&product, 5)).await.expect(200);
    let answer = import(shop, line(&product, 5)).await.expect(200);
    assert_eq!(
        answer,
        json!({ "created": 0, "updated": 0, "rejected": [] })
    );
}

async fn good_lines_land_and_bad_lines_are_named(shop: &Shop) {
    let product = shop.product().create().await.id;
    let bad = [
        "not json\n".to_owned(),
        line("im possible", 1),
        line(&product, -1),
        json!({ "product_id": product, "on_hand": 1, "colour": "red" }).to_string() + "\n",
        json!({ "product_id": product }).to_string() + "\n",
    ];
    let answer = import(shop, bad.concat() + &line(&product, 9))
        .await
        .expect(200);
    let lines = answer["rejected"].as_array().expect("rejected lines");
    let numbers: Vec<&Value> = lines.iter().map(|line| &line["line"]).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(
        lines.iter().all(|line| line["detail"].is_string()),
        "{answer}"
    );
    assert_eq!(answer["created"], 1);
    assert_eq!(shop.stock(&product).await["on_hand"], 9);
}

async fn an_import_of_1000_lines_is_taken_and_one_of_1001_is_not(shop: &Shop) {
    let product = shop.product().create().await.id;
    let taken = import(shop, line(&product, 4).repeat(1000))
        .await
        .expect(200);
    assert_eq!(taken["rejected"], json!([]));
    import(shop, line(&product, 5).repeat(1001))
        .await
        .problem("validation");
    assert_eq!(shop.stock(&product).await["on_hand"], 4);
}

async fn an_import_past_4_mib_is_refused(shop: &Shop) {
    let line = line(&id(), 4);
    let padding = " ".repeat((4 << 20) + 1 - line.len());
    import(shop, line + &padding)
        .await
        .problem("payload-too-large");
}

async fn an_import_needs_an_administrator(shop: &Shop) {
    let user = shop.user().await;
    let ask = || {
        shop.post("/api/inventory/import")
            .body("application/x-ndjson", line(&id(), 1))
    };
    ask().send().await.problem("unauthenticated");
    ask()
        .bearer(&user.access_token)
        .send()
        .await
        .problem("forbidden");
}

async fn an_import_that_is_not_ndjson_is_refused(shop: &Shop) {
    let ask = shop
        .post("/api/inventory/import")
        .bearer(&shop.admin().await);
    let reply = ask.body("application/json", line(&id(), 1)).send().await;
    reply.problem("unsupported-media-type");
}
