//! Shipments and receipts: what is due, and who works on it.

use std::collections::HashSet;

use bothways_domain::{
    fulfilment::{DueReceipt, FulfilmentStore, Shipment, Stage},
    id::OrderId,
};

use crate::{
    Counter, Place,
    concurrency::{at_once, count},
    sample::{at, order_id},
};

/// The orders of those shipments that are due at that moment, leased for 100, at most ten.
async fn take(store: &dyn FulfilmentStore, now: i64) -> Vec<Shipment> {
    let taken = store.take_shipments(at(now), at(now + 100), 10).await;
    let mut taken = taken.unwrap();
    taken.sort_by(|one, other| one.order.cmp(&other.order));
    taken
}

async fn take_receipt(store: &dyn FulfilmentStore, now: i64) -> Option<DueReceipt> {
    store.take_receipt(at(now), at(now + 100)).await.unwrap()
}

fn shipment(order: &OrderId, stage: Stage, attempts: u32) -> Shipment {
    Shipment {
        order: order.clone(),
        stage,
        attempts,
    }
}

/// As often as the event comes, and with the times of the first.
pub async fn an_order_is_noted_once(place: &dyn Place) {
    let (store, peer) = (place.shipments().await, place.shipments().await);
    let order = OrderId::random(&Counter);
    assert!(store.note(&order, at(50), at(1)).await.unwrap());
    assert!(!peer.note(&order, at(10), at(2)).await.unwrap());
    assert_eq!(take(peer.as_ref(), 49).await, []);
    assert_eq!(
        take(peer.as_ref(), 50).await,
        [shipment(&order, Stage::Packing, 0)]
    );
    peer.moved(&order, Stage::Packing, Stage::CalledOff, None)
        .await
        .unwrap();
    assert!(!store.note(&order, at(60), at(60)).await.unwrap());
    assert_eq!(take(store.as_ref(), 900_000).await, [], "it is over");
}

/// To anybody.
pub async fn what_is_due_is_taken_and_due_again_when_the_lease_is_over(place: &dyn Place) {
    let (store, peer) = (place.shipments().await, place.shipments().await);
    let order = OrderId::random(&Counter);
    store.note(&order, at(0), at(0)).await.unwrap();
    assert_eq!(take(store.as_ref(), 0).await.len(), 1);
    assert_eq!(take(store.as_ref(), 99).await, []);
    assert_eq!(take(peer.as_ref(), 100).await.len(), 1);
}

/// Whoever is behind the times changes nothing.
pub async fn goods_go_on_from_where_they_are(place: &dyn Place) {
    let store = place.shipments().await;
    let order = OrderId::random(&Counter);
    store.note(&order, at(0), at(0)).await.unwrap();
    let ship = async || {
        let (from, to) = (Stage::Packing, Stage::OnTheWay);
        store.moved(&order, from, to, Some(at(500))).await.unwrap();
    };
    ship().await;
    assert_eq!(take(store.as_ref(), 499).await, []);
    let late = store.postpone_shipment(&order, Stage::Packing, 3, at(10));
    late.await.unwrap();
    assert_eq!(take(store.as_ref(), 499).await, []);
    assert_eq!(
        take(store.as_ref(), 500).await,
        [shipment(&order, Stage::OnTheWay, 0)]
    );
    let deliver = store.moved(&order, Stage::OnTheWay, Stage::Delivered, None);
    deliver.await.unwrap();
    ship().await;
    assert_eq!(take(store.as_ref(), 900_000).await, []);
    let nobodys = OrderId::random(&Counter);
    store
        .moved(&nobodys, Stage::Packing, Stage::OnTheWay, Some(at(0)))
        .await
        .unwrap();
    assert_eq!(take(store.as_ref(), 900_000).await, []);
}

/// Which count anew with the next step.
pub async fn a_step_that_failed_is_due_later_with_its_attempts(place: &dyn Place) {
    let store = place.shipments().await;
    let order = OrderId::random(&Counter);
    store.note(&order, at(0), at(0)).await.unwrap();
    take(store.as_ref(), 0).await;
    let postponed = store.postpone_shipment(&order, Stage::Packing, 7, at(40));
    postponed.await.unwrap();
    assert_eq!(take(store.as_ref(), 39).await, []);
    assert_eq!(
        take(store.as_ref(), 40).await,
        [shipment(&order, Stage::Packing, 7)]
    );
    store
        .moved(&order, Stage::Packing, Stage::OnTheWay, Some(at(50)))
        .await
        .unwrap();
    assert_eq!(
        take(store.as_ref(), 50).await,
        [shipment(&order, Stage::OnTheWay, 0)]
    );
}

/// Nobody waits for ever behind others.
pub async fn taking_stops_at_its_limit_with_the_longest_due(place: &dyn Place) {
    let store = place.shipments().await;
    for (name, due) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
        let order = order_id(name);
        store.note(&order, at(due), at(due)).await.unwrap();
    }
    let two = async || {
        let taken = store.take_shipments(at(50), at(900), 2).await.unwrap();
        let mut taken: Vec<_> = taken.into_iter().map(|s| s.order.to_string()).collect();
        taken.sort();
        taken
    };
    assert_eq!(two().await, ["a", "b"]);
    assert_eq!(two().await, ["c", "d"]);
    for name in ["a", "b", "c", "d"] {
        let receipt = take_receipt(store.as_ref(), 50).await.unwrap();
        assert_eq!(receipt.order, order_id(name));
    }
}

/// With its attempts, and since when; settling it again, or what nobody noted, changes nothing.
pub async fn a_receipt_is_due_until_it_is_settled(place: &dyn Place) {
    let (store, peer) = (place.shipments().await, place.shipments().await);
    let order = OrderId::random(&Counter);
    store.note(&order, at(900), at(5)).await.unwrap();
    let due = |attempts| DueReceipt {
        order: order.clone(),
        attempts,
        since: at(5),
    };
    assert_eq!(take_receipt(store.as_ref(), 4).await, None);
    assert_eq!(take_receipt(store.as_ref(), 5).await, Some(due(0)));
    assert_eq!(take_receipt(peer.as_ref(), 104).await, None);
    assert_eq!(take_receipt(peer.as_ref(), 105).await, Some(due(0)));
    peer.postpone_receipt(&order, 2, at(300)).await.unwrap();
    assert_eq!(take_receipt(store.as_ref(), 299).await, None);
    assert_eq!(take_receipt(store.as_ref(), 300).await, Some(due(2)));
    for _ in 0..2 {
        store.receipt_settled(&order).await.unwrap();
    }
    peer.postpone_receipt(&order, 3, at(301)).await.unwrap();
    let nobodys = OrderId::random(&Counter);
    peer.receipt_settled(&nobodys).await.unwrap();
    peer.postpone_receipt(&nobodys, 1, at(0)).await.unwrap();
    assert_eq!(take_receipt(store.as_ref(), 900_000).await, None);
}

/// And the other way round.
pub async fn a_receipt_can_wait_while_the_goods_go_on(place: &dyn Place) {
    let store = place.shipments().await;
    let order = OrderId::random(&Counter);
    store.note(&order, at(0), at(0)).await.unwrap();
    store.postpone_receipt(&order, 1, at(600)).await.unwrap();
    store
        .moved(&order, Stage::Packing, Stage::Delivered, None)
        .await
        .unwrap();
    let receipt = take_receipt(store.as_ref(), 600).await;
    assert_eq!(receipt.map(|receipt| receipt.attempts), Some(1));
    let other = OrderId::random(&Counter);
    store.note(&other, at(700), at(700)).await.unwrap();
    store.receipt_settled(&other).await.unwrap();
    assert_eq!(take(store.as_ref(), 700).await.len(), 1);
}

/// Each is taken by one of them.
pub async fn many_at_once_share_what_is_due(place: &dyn Place) {
    let stores = [place.shipments().await, place.shipments().await];
    for n in 0..24 {
        let order = order_id(&format!("o{n}"));
        stores[0].note(&order, at(0), at(0)).await.unwrap();
    }
    let taken = at_once(8, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let shipments = store.take_shipments(at(1), at(100), 4).await.unwrap();
            (shipments, take_receipt(store.as_ref(), 1).await)
        }
    });
    let (mut goods, mut receipts) = (Vec::new(), Vec::new());
    for (shipments, receipt) in taken.await {
        goods.extend(shipments.into_iter().map(|shipment| shipment.order));
        receipts.extend(receipt.map(|receipt| receipt.order));
    }
    let rest = stores[0].take_shipments(at(1), at(100), 100).await.unwrap();
    goods.extend(rest.into_iter().map(|shipment| shipment.order));
    while let Some(receipt) = take_receipt(stores[1].as_ref(), 1).await {
        receipts.push(receipt.order);
    }
    for taken in [goods, receipts] {
        assert_eq!(taken.len(), 24);
        assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), 24);
    }
}

/// The others find it noted.
pub async fn one_of_many_notes_an_order(place: &dyn Place) {
    let stores = [place.shipments().await, place.shipments().await];
    let order = order_id("o");
    let noted = at_once(12, |n| {
        let (store, order) = (&stores[n as usize % 2], &order);
        async move { store.note(order, at(0), at(0)).await.unwrap() }
    });
    assert_eq!(count(&noted.await, |noted| *noted), 1);
    assert_eq!(take(stores[0].as_ref(), 0).await.len(), 1);
}
