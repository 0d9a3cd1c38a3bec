//! Functions are processes, any number of which write the same file.

use std::{
    env,
    process::{Command, Stdio},
};

use bothways_domain::{
    id::{OrderId, ProductId},
    inventory::{InventoryStore, Reserved, Settled, StockLevel, StockLine},
    time::Timestamp,
};
use bothways_store_contract::{Counter, Place};
use bothways_store_sqlite::{Inventory, connect};

use crate::place::Directory;

/// Tells a process that it is a buyer, and at which file.
const BUYER_URL: &str = "BOTHWAYS_TEST_BUYER_URL";
const BUYERS: u32 = 8;
const ORDERS_EACH: u32 = 15;
const STOCK: u32 = 100;

fn product() -> ProductId {
    ProductId::parse("kettle").unwrap()
}

async fn open(url: &str) -> Inventory {
    let database = connect(url, "inventory", 1).await.unwrap();
    Inventory::new(database, std::sync::Arc::new(Counter))
}

/// Buys one unit as often as it may; a refusal is fine, an error is not.
async fn buy(url: &str) {
    let store = open(url).await;
    let lines = [StockLine {
        product_id: product(),
        quantity: 1,
    }];
    let (now, later) = (Timestamp::from_millis(0), Timestamp::from_millis(60_000));
    for n in 0..ORDERS_EACH {
        let order = OrderId::parse(&format!("order-{}-{n}", std::process::id())).unwrap();
        if store.reserve(&order, &lines, now, later).await.unwrap() == Reserved::Kept {
            assert_eq!(store.settle(&order, now).await.unwrap(), Settled::Sold);
        }
    }
}

/// What a buyer's process does: this test, started by the one below.
#[tokio::test]
#[ignore = "is run as a process of its own by many_processes_write_one_file"]
async fn a_buyer() {
    buy(&env::var(BUYER_URL).unwrap()).await;
}

#[tokio::test]
async fn many_processes_write_one_file() {
    let place = Directory::prepare().await.unwrap();
    let start = |_| {
        let name = "processes::a_buyer";
        let mut buyer = Command::new(env::current_exe().unwrap());
        buyer.args([name, "--exact", "--ignored", "--nocapture"]);
        buyer
            .env(BUYER_URL, place.url())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        buyer.spawn().unwrap()
    };
    // The file is new to all of them, this one too.
    let buyers: Vec<_> = (0..BUYERS).map(start).collect();
    let store = open(&place.url()).await;
    let set = store
        .set(&[(product(), STOCK)], Timestamp::from_millis(0))
        .await
        .unwrap();
    assert!(set[0].is_ok());
    for buyer in buyers {
        let ended = buyer.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{said}");
    }
    buy(&place.url()).await;
    let level = store.levels(&[product()]).await.unwrap().remove(0);
    let sold = STOCK - level.on_hand;
    assert_eq!(level, StockLevel::new(product(), STOCK - sold, 0));
    assert!(
        sold >= ORDERS_EACH,
        "at least those of this process after all was set up"
    );
}
