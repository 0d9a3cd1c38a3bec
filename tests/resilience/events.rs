//! Consumers of events that are killed before, after and in the middle of handling some: what they follow arrives, and
//! has its effect once.

use std::time::Duration;

use bothways_tests::{
    Case, FailPoint, Launcher, Options, Order, PostOffice, Product, Shop, cases, entries,
    eventually, money, photo, word,
};
use futures::{StreamExt as _, stream};
use image::ImageFormat;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_indexer_killed_around_an_event_hears_it_again,
        a_maker_of_pictures_killed_around_an_event_hears_it_again,
        fulfilment_killed_around_an_event_hears_it_again_and_sends_one_receipt,
        an_indexer_killed_again_and_again_ends_with_the_last_of_many_changes,
    ]
}

/// Where a consumer dies: before it has handled an event, and when it has and nobody knows.
const MOMENTS: [&str; 2] = ["kill-before", "kill-after"];
/// Until an event has come again after its consumer was killed, on a busy machine.
const AGAIN: Duration = Duration::from_mins(2);

fn start(given: &Shop) -> Launcher {
    Launcher::start(Options::of(given.architecture()).impatient_queues())
}

/// Waits until search shows this price of the product.
pub(crate) async fn costs_in_search(within: Duration, shop: &Shop, product: &Product, price: i64) {
    let what = format!("search shows {price} for {}", product.word);
    eventually(within, &what, async || {
        let found = shop.get("/api/search").query(&[("q", &product.word)]);
        let found = found.send().await.expect(200);
        if found["hits"][0]["price"] == money(price) {
            Ok(())
        } else {
            Err(found["hits"].to_string())
        }
    })
    .await;
}

async fn an_indexer_killed_around_an_event_hears_it_again(given: &Shop) {
    let launcher = start(given);
    let shop = launcher.shop(given.architecture());
    for moment in MOMENTS {
        let product = shop.product().price(1_000).create().await;
        costs_in_search(AGAIN, &shop, &product, 1_000).await;
        let killing = FailPoint::set(&shop, &format!("{moment}.product.changed.{}", product.id));
        let dear = product.with("price", money(2_000));
        dear.put(&shop).await.expect(200);
        costs_in_search(AGAIN, &shop, &product, 2_000).await;
        // Not so long ago that the indexer may have been spared.
        eventually(AGAIN, "it was killed", async || {
            killing.has_struck().then_some(()).ok_or_else(String::new)
        })
        .await;
    }
}

async fn a_maker_of_pictures_killed_around_an_event_hears_it_again(given: &Shop) {
    let launcher = start(given);
    let shop = launcher.shop(given.architecture());
    for moment in MOMENTS {
        let product = shop.product().create().await;
        let killing = FailPoint::set(&shop, &format!("{moment}.photo.uploaded.{}", product.id));
        let file = photo::file(photo::plain(90, 60, photo::RED), ImageFormat::Png);
        let reply = product.upload(&shop, "image/png", file).await;
        reply.expect(202);
        let full = reply.must_header("location").to_owned();
        eventually(AGAIN, "the product shows its picture", async || {
            let read = shop.get(&product.path()).send().await.expect(200);
            if read["images"]["full"] == full.as_str() && killing.has_struck() {
                Ok(())
            } else {
                Err(read["images"].to_string())
            }
        })
        .await;
        // The process that died may be the one that shows pictures, too.
        eventually(AGAIN, "the picture is shown", async || {
            let shown = shop.get(&full).send().await;
            if shown.status == 200 {
                Ok(())
            } else {
                Err(shown.summary())
            }
        })
        .await;
    }
}

async fn fulfilment_killed_around_an_event_hears_it_again_and_sends_one_receipt(given: &Shop) {
    let office = PostOffice::open().await;
    let options = Options::of(given.architecture())
        .impatient_queues()
        .env("SHIP_AFTER_MS", "2000")
        .env("DELIVER_AFTER_MS", "2000");
    let launcher = Launcher::start(options.mail_to(&office));
    let shop = launcher.shop(given.architecture());
    let product = shop.product().stock(9).create().await;
    for moment in MOMENTS {
        let killing = FailPoint::set(&shop, &format!("{moment}.order.confirmed"));
        let email = format!("{}@shoppers.example", word());
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        let order: Order = shop
            .checkout(&cart.id)
            .with("email", email.as_str())
            .buy()
            .await;
        eventually(AGAIN, "the order is delivered", async || {
            let read = order.read(&shop).await;
            if read["status"] == "delivered" && killing.has_struck() {
                Ok(())
            } else {
                Err(read["timeline"].to_string())
            }
        })
        .await;
        let read = order.read(&shop).await;
        assert_eq!(entries(&read["timeline"]).len(), 4, "{read}");
        office.delivers_to(&email).await;
        assert_eq!(office.mail_for(&email).len(), 1, "one order, one receipt");
    }
}

/// How many products change, and how often each.
const PRODUCTS: usize = 30;
const CHANGES: i64 = 3;

async fn an_indexer_killed_again_and_again_ends_with_the_last_of_many_changes(given: &Shop) {
    let launcher = start(given);
    let shop = launcher.shop(given.architecture());
    let products: Vec<Product> = stream::iter(0..PRODUCTS)
        .then(|_| shop.product().price(1_000).create())
        .collect()
        .await;
    let changing = async {
        for change in 1..=CHANGES {
            for product in &products {
                let changed = product.with("price", money(1_000 + change));
                changed.put(&shop).await.expect(200);
            }
        }
    };
    let killing = async {
        for _ in 0..3 {
            shop.kill("indexer").await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    };
    futures::join!(changing, killing);
    for product in &products {
        costs_in_search(AGAIN, &shop, product, 1_000 + CHANGES).await;
    }
}
