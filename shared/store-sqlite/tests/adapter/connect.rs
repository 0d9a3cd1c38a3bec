//! Opening files, and what is said when that fails.

use bothways_domain::{Error, id::CartId};
use bothways_store_contract::Place;
use bothways_store_sqlite::{Carts, connect};

use crate::place::Directory;

const CONTEXTS: [&str; 7] = [
    "product",
    "inventory",
    "cart",
    "checkout",
    "fulfilment",
    "identity",
    "media",
];

#[tokio::test]
async fn every_context_has_a_file_that_answers() {
    let place = Directory::prepare().await.unwrap();
    for context in CONTEXTS {
        place.open(context).await.ping().await.unwrap();
        let file = place.url().replace("{context}", context);
        assert!(std::fs::exists(file.trim_start_matches("sqlite://")).unwrap());
    }
}

#[tokio::test]
async fn a_closed_database_is_named_when_it_is_missing() {
    let place = Directory::prepare().await.unwrap();
    let database = place.open("inventory").await;
    database.close().await;
    let missing = database.ping().await.unwrap_err();
    assert!(matches!(missing, Error::Unavailable { what } if what == "the inventory database"));
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    use bothways_domain::{
        cart::{Cart, CartStore},
        time::Timestamp,
    };
    let place = Directory::prepare().await.unwrap();
    let cart = Cart {
        id: CartId::parse("cart").unwrap(),
        owner: None,
        lines: Vec::new(),
        version: 1,
        updated_at: Timestamp::from_millis(1),
    };
    let database = place.open("cart").await;
    Carts::new(database.clone()).create(&cart).await.unwrap();
    database.close().await;
    let found = Carts::new(place.open("cart").await).find(&cart.id).await;
    assert_eq!(found.unwrap(), Some(cart));
}

#[tokio::test]
async fn what_cannot_be_opened_is_an_error_and_no_panic() {
    let place = Directory::prepare().await.unwrap();
    assert!(
        connect("sqlite::memory:", "cart", 1).await.is_err(),
        "several connections share a file"
    );
    assert!(connect(&place.url(), "no-context", 1).await.is_err());
    let directory = place.url().replace("{context}.db", "");
    std::fs::create_dir_all(directory.trim_start_matches("sqlite://")).unwrap();
    assert!(
        connect(&directory, "cart", 1).await.is_err(),
        "a directory is no file"
    );
}
