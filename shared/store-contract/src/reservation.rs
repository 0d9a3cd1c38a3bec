//! Reservations.

use std::sync::Arc;

use bothways_domain::inventory::{InventoryStore, Reserved, Settled, StockLine};

use crate::{
    Place,
    inventory::{level, set},
    sample::{at, order_id, product_id, told_of, units},
};

/// Reserves for the order until the moment 1 000.
async fn reserve(store: &dyn InventoryStore, order: &str, lines: &[StockLine]) -> Reserved {
    let order = order_id(order);
    store
        .reserve(&order, lines, at(0), at(1_000))
        .await
        .unwrap()
}

/// Ten kettles on hand, of which `order` has three.
async fn three_of_ten(place: &dyn Place) -> Arc<dyn InventoryStore> {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 10).await;
    assert_eq!(
        reserve(store.as_ref(), "order", &[units("kettle", 3)]).await,
        Reserved::Kept
    );
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 3));
    store
}

/// What does not suffice is named; nothing of the rest is kept.
pub async fn a_reservation_keeps_all_lines_or_none(place: &dyn Place) {
    let store = place.inventory().await;
    for (product, on_hand) in [("a", 5), ("b", 1), ("c", 9)] {
        set(store.as_ref(), product, on_hand).await;
    }
    let wanted = [
        units("c", 2),
        units("b", 2),
        units("unknown", 1),
        units("a", 5),
    ];
    let Reserved::Short(mut short) = reserve(store.as_ref(), "order", &wanted).await else {
        panic!("that many there are not")
    };
    short.sort();
    assert_eq!(short, ["b", "unknown"].map(product_id));
    for (product, on_hand) in [("a", 5), ("b", 1), ("c", 9)] {
        assert_eq!(level(store.as_ref(), product).await, (on_hand, 0));
    }
    let fewer = [units("c", 2), units("b", 1), units("a", 5)];
    assert_eq!(
        reserve(store.as_ref(), "order", &fewer).await,
        Reserved::Kept,
        "a refusal leaves nothing"
    );
    assert_eq!(level(store.as_ref(), "a").await, (5, 5));
    assert_eq!(level(store.as_ref(), "b").await, (1, 1));
    assert_eq!(level(store.as_ref(), "c").await, (9, 2));
}

/// Together they have to suffice.
pub async fn lines_of_one_product_add_up(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 3).await;
    let four = [units("kettle", 2), units("kettle", 2)];
    let short = Reserved::Short(vec![product_id("kettle")]);
    assert_eq!(reserve(store.as_ref(), "one", &four).await, short);
    let three = [units("kettle", 2), units("kettle", 1)];
    assert_eq!(
        reserve(store.as_ref(), "other", &three).await,
        Reserved::Kept
    );
    store.release(&order_id("other"), at(1)).await.unwrap();
    assert_eq!(level(store.as_ref(), "kettle").await, (3, 0));
}

/// While it is held and after it is settled.
pub async fn reserving_again_keeps_nothing_twice(place: &dyn Place) {
    let store = three_of_ten(place).await;
    assert_eq!(
        reserve(store.as_ref(), "order", &[units("kettle", 3)]).await,
        Reserved::Kept
    );
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 3));
    store.settle(&order_id("order"), at(1)).await.unwrap();
    assert_eq!(
        reserve(store.as_ref(), "order", &[units("kettle", 3)]).await,
        Reserved::Kept
    );
    assert_eq!(level(store.as_ref(), "kettle").await, (7, 0));
}

/// Nor is anything released twice.
pub async fn a_released_reservation_does_not_come_back(place: &dyn Place) {
    let store = three_of_ten(place).await;
    reserve(store.as_ref(), "another", &[units("kettle", 4)]).await;
    for _ in 0..2 {
        store.release(&order_id("order"), at(1)).await.unwrap();
        assert_eq!(level(store.as_ref(), "kettle").await, (10, 4));
    }
    assert_eq!(
        reserve(store.as_ref(), "order", &[units("kettle", 3)]).await,
        Reserved::Gone
    );
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 4));
}

/// An undone checkout's reserve that arrives late keeps nothing.
pub async fn a_release_ahead_of_its_reservation_wins(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 10).await;
    store.release(&order_id("released"), at(0)).await.unwrap();
    store.restock(&order_id("restocked"), at(0)).await.unwrap();
    for order in ["released", "restocked"] {
        assert_eq!(
            reserve(store.as_ref(), order, &[units("kettle", 3)]).await,
            Reserved::Gone
        );
        assert_eq!(
            store.settle(&order_id(order), at(1)).await.unwrap(),
            Settled::Gone
        );
    }
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 0));
}

/// Settling again finds them sold; releasing does not bring them back.
pub async fn settling_takes_the_units_out_once(place: &dyn Place) {
    let store = three_of_ten(place).await;
    let order = order_id("order");
    for _ in 0..2 {
        assert_eq!(store.settle(&order, at(1)).await.unwrap(), Settled::Sold);
        assert_eq!(level(store.as_ref(), "kettle").await, (7, 0));
    }
    store.release(&order, at(2)).await.unwrap();
    assert_eq!(level(store.as_ref(), "kettle").await, (7, 0));
}

/// Unknown, released, restocked: gone.
pub async fn what_is_not_held_is_not_settled(place: &dyn Place) {
    let store = three_of_ten(place).await;
    let (order, unknown) = (order_id("order"), order_id("unknown"));
    assert_eq!(store.settle(&unknown, at(1)).await.unwrap(), Settled::Gone);
    store.settle(&order, at(1)).await.unwrap();
    store.restock(&order, at(2)).await.unwrap();
    assert_eq!(store.settle(&order, at(3)).await.unwrap(), Settled::Gone);
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 0));
}

/// However often it is asked for.
pub async fn restocking_puts_sold_units_back_once(place: &dyn Place) {
    let store = three_of_ten(place).await;
    let order = order_id("order");
    store.settle(&order, at(1)).await.unwrap();
    for _ in 0..2 {
        store.restock(&order, at(2)).await.unwrap();
        assert_eq!(level(store.as_ref(), "kettle").await, (10, 0));
    }
    assert_eq!(
        reserve(store.as_ref(), "order", &[units("kettle", 3)]).await,
        Reserved::Gone
    );
}

/// Undoing does not have to know how far the order got.
pub async fn restocking_releases_what_is_held(place: &dyn Place) {
    let store = three_of_ten(place).await;
    let order = order_id("order");
    for _ in 0..2 {
        store.restock(&order, at(1)).await.unwrap();
        assert_eq!(level(store.as_ref(), "kettle").await, (10, 0));
    }
    assert_eq!(store.settle(&order, at(2)).await.unwrap(), Settled::Gone);
}

/// At its moment, not before; what is sold stays sold.
pub async fn only_what_is_held_too_long_expires(place: &dyn Place) {
    let store = three_of_ten(place).await;
    reserve(store.as_ref(), "sold", &[units("kettle", 2)]).await;
    store.settle(&order_id("sold"), at(1)).await.unwrap();
    assert_eq!(store.expire(at(999), 100).await.unwrap(), 0);
    assert_eq!(level(store.as_ref(), "kettle").await, (8, 3));
    assert_eq!(store.expire(at(1_000), 100).await.unwrap(), 1);
    assert_eq!(level(store.as_ref(), "kettle").await, (8, 0));
    assert_eq!(store.expire(at(1_000), 100).await.unwrap(), 0);
    assert_eq!(
        store.settle(&order_id("order"), at(1_001)).await.unwrap(),
        Settled::Gone
    );
}

/// The ones that are over the longest go first.
pub async fn expiring_stops_at_its_limit(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 10).await;
    set(store.as_ref(), "mug", 10).await;
    for n in 1..=5_i64 {
        let lines = [units("kettle", 1), units("mug", 1)];
        let order = order_id(&format!("order-{n}"));
        store
            .reserve(&order, &lines, at(0), at(100 - n))
            .await
            .unwrap();
    }
    assert_eq!(store.expire(at(200), 3).await.unwrap(), 3);
    assert_eq!(level(store.as_ref(), "kettle").await, (10, 2));
    assert_eq!(level(store.as_ref(), "mug").await, (10, 2));
    assert_eq!(
        store.settle(&order_id("order-1"), at(200)).await.unwrap(),
        Settled::Sold
    );
    assert_eq!(
        store.settle(&order_id("order-5"), at(200)).await.unwrap(),
        Settled::Gone
    );
    assert_eq!(store.expire(at(200), 3).await.unwrap(), 1);
}

/// Settling crosses none: what is sold was not available before.
pub async fn reserving_and_restocking_tell_of_the_bands_they_cross(place: &dyn Place) {
    let store = place.inventory().await;
    let outbox = place.outbox("inventory").await;
    let told = async || told_of(outbox.as_ref()).await.len();
    set(store.as_ref(), "kettle", 8).await;
    assert_eq!(told().await, 1);
    reserve(store.as_ref(), "two", &[units("kettle", 2)]).await;
    assert_eq!(told().await, 1, "six are left: still in stock");
    reserve(store.as_ref(), "six", &[units("kettle", 6)]).await;
    assert_eq!(told().await, 2, "none is left");
    reserve(store.as_ref(), "refused", &[units("kettle", 1)]).await;
    assert_eq!(told().await, 2, "nothing happened");
    store.settle(&order_id("six"), at(1)).await.unwrap();
    assert_eq!(told().await, 3, "six were sold");
    store.release(&order_id("two"), at(1)).await.unwrap();
    assert_eq!(told().await, 4, "two are left");
    store.restock(&order_id("six"), at(2)).await.unwrap();
    assert_eq!(told().await, 5, "eight are left, and none was sold");
    reserve(store.as_ref(), "late", &[units("kettle", 8)]).await;
    assert_eq!(told().await, 6);
    store.expire(at(1_000), 10).await.unwrap();
    assert_eq!(told().await, 7);
}

async fn sold(store: &dyn InventoryStore) -> u32 {
    let kettle = [product_id("kettle")];
    store.levels_and_sold(&kettle).await.unwrap()[0].1
}

/// Not what is only held, nor what was given back. Setting what is on hand changes nothing of it.
pub async fn what_is_sold_and_not_put_back_is_counted(place: &dyn Place) {
    let store = three_of_ten(place).await;
    let store = store.as_ref();
    assert_eq!(sold(store).await, 0);
    for _ in 0..2 {
        store.settle(&order_id("order"), at(1)).await.unwrap();
        assert_eq!(sold(store).await, 3);
    }
    reserve(store, "second", &[units("kettle", 4)]).await;
    store.release(&order_id("second"), at(2)).await.unwrap();
    set(store, "kettle", 1_000).await;
    assert_eq!(sold(store).await, 3);
    for _ in 0..2 {
        store.restock(&order_id("order"), at(3)).await.unwrap();
        assert_eq!(sold(store).await, 0);
    }
}

/// So that search hears of it, and not of every sale.
pub async fn a_product_that_sold_twice_as_often_is_told_of(place: &dyn Place) {
    let store = place.inventory().await;
    let outbox = place.outbox("inventory").await;
    set(store.as_ref(), "kettle", 1_000).await;
    let before = told_of(outbox.as_ref()).await.len();
    let mut told = Vec::new();
    for order in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        reserve(store.as_ref(), order, &[units("kettle", 1)]).await;
        store.settle(&order_id(order), at(1)).await.unwrap();
        told.push(told_of(outbox.as_ref()).await.len() - before);
    }
    assert_eq!(told, [1, 2, 2, 3, 3, 3, 3, 4]);
    store.restock(&order_id("8"), at(2)).await.unwrap();
    assert_eq!(told_of(outbox.as_ref()).await.len() - before, 5);
}
