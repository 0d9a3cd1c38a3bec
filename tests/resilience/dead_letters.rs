//! Events that nobody can handle: each is tried five times, holds up none of another subject, is listed, and arrives
//! when it is replayed.

use std::time::Duration;

use bothways_tests::{
    Case, FailPoint, Launcher, Options, Product, SEARCH_LAG, Shop, cases, entries, eventually,
    money, photo,
};
use image::ImageFormat;
use serde_json::Value;

use crate::events::costs_in_search;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_event_that_is_refused_five_times_is_listed_and_replayed,
        a_photo_that_cannot_be_read_is_a_dead_letter_until_a_better_one_came,
    ]
}

/// Five tries with 1, 2, 4 and 8 s between them, on a busy machine.
const GIVEN_UP: Duration = Duration::from_mins(2);

/// The first page of dead letters.
async fn first_page(shop: &Shop) -> Value {
    let list = shop.get("/api/dead-letters?per_page=100");
    list.bearer(&shop.admin().await).send().await.expect(200)
}

/// The dead letters about a product.
async fn about(shop: &Shop, product: &Product) -> Vec<Value> {
    let list = first_page(shop).await;
    let letters = entries(&list["dead_letters"]).iter();
    letters
        .filter(|letter| letter["subject"] == product.id.as_str())
        .cloned()
        .collect()
}

async fn is_given_up(shop: &Shop, product: &Product) -> Value {
    eventually(GIVEN_UP, "it is a dead letter", async || {
        match about(shop, product).await.as_slice() {
            [letter] => Ok(letter.clone()),
            letters => Err(format!("{letters:?}")),
        }
    })
    .await
}

async fn is_none_any_more(within: Duration, shop: &Shop, product: &Product) {
    eventually(within, "it is no dead letter any more", async || {
        let letters = about(shop, product).await;
        if letters.is_empty() {
            Ok(())
        } else {
            Err(format!("{letters:?}"))
        }
    })
    .await;
}

async fn price_in_search(shop: &Shop, product: &Product) -> Value {
    let found = shop.get("/api/search").query(&[("q", &product.word)]);
    found.send().await.expect(200)["hits"][0]["price"].clone()
}

async fn an_event_that_is_refused_five_times_is_listed_and_replayed(given: &Shop) {
    let launcher = Launcher::start(Options::of(given.architecture()).impatient_queues());
    let shop = launcher.shop(given.architecture());
    let product = shop.product().price(1_000).create().await;
    let other = shop.product().price(1_000).create().await;
    for product in [&product, &other] {
        costs_in_search(SEARCH_LAG, &shop, product, 1_000).await;
    }
    let refusing = FailPoint::set(&shop, &format!("refuse.product.changed.{}", product.id));
    product
        .with("price", money(2_000))
        .put(&shop)
        .await
        .expect(200);
    // What happens to other subjects meanwhile is not held up.
    for price in [3_000, 4_000] {
        other
            .with("price", money(price))
            .put(&shop)
            .await
            .expect(200);
        costs_in_search(SEARCH_LAG, &shop, &other, price).await;
    }
    let letter = is_given_up(&shop, &product).await;
    assert_eq!(letter["type"], "product.changed");
    assert_eq!(letter["source"], "/product");
    assert_eq!(letter["attempts"], 5);
    assert_ne!(letter["reason"], "");
    assert_eq!(price_in_search(&shop, &product).await, money(1_000));
    let id = letter["id"].as_str().expect("an id");
    let listed = launcher.command(&["dead-letters", "list"]);
    assert!(
        listed.contains(id) && listed.contains(&product.id),
        "{listed}"
    );

    // Replayed too early, it takes its five tries and is back.
    let replayed = launcher.command(&["dead-letters", "replay", id]);
    assert!(replayed.contains("1 replayed"), "{replayed}");
    is_none_any_more(SEARCH_LAG, &shop, &product).await;
    assert_eq!(is_given_up(&shop, &product).await["id"], id);
    assert_eq!(price_in_search(&shop, &product).await, money(1_000));

    // A function's message can hold events of several subjects, and is given up on with all of them.
    let all = first_page(&shop).await["total"].as_u64().expect("a number");
    assert!(
        all == 1 || shop.architecture() != "microservices",
        "{all} dead letters"
    );
    refusing.lift();
    let replayed = launcher.command(&["dead-letters", "replay", "--all"]);
    assert!(replayed.contains(&format!("{all} replayed")), "{replayed}");
    costs_in_search(SEARCH_LAG, &shop, &product, 2_000).await;
    assert!(about(&shop, &product).await.is_empty());
    let listed = launcher.command(&["dead-letters", "list"]);
    assert!(listed.contains("none"), "{listed}");
}

async fn a_photo_that_cannot_be_read_is_a_dead_letter_until_a_better_one_came(given: &Shop) {
    let launcher = Launcher::start(Options::of(given.architecture()).impatient_queues());
    let shop = launcher.shop(given.architecture());
    let product = shop.product().create().await;
    let small = photo::file(photo::plain(90, 60, photo::RED), ImageFormat::Png);
    let images = product.photograph(&shop, "image/png", small).await;
    let broken = product.upload(&shop, "image/png", photo::claiming(500, 500));
    broken.await.expect(202);
    let letter = is_given_up(&shop, &product).await;
    assert_eq!(letter["type"], "photo.uploaded");
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["images"], images, "the old picture stays");

    let blue = photo::file(photo::plain(90, 60, photo::BLUE), ImageFormat::Png);
    let better = product.photograph(&shop, "image/png", blue).await;
    launcher.command(&["dead-letters", "replay", "--all"]);
    is_none_any_more(GIVEN_UP, &shop, &product).await;
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(read["images"], better);
}
