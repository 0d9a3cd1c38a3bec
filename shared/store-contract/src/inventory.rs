//! Stock levels.

use bothways_domain::{
    event::EventKind,
    id::ProductId,
    import::Change,
    inventory::{InventoryStore, Reserved, StockLevel},
};

use crate::{
    Place,
    sample::{at, order_id, product_id, told_of, units},
};

pub(crate) async fn set(store: &dyn InventoryStore, product: &str, on_hand: u32) {
    let set = store
        .set(&[(product_id(product), on_hand)], at(0))
        .await
        .unwrap();
    assert!(set[0].is_ok(), "{set:?}");
}

/// On hand and reserved of a product that somebody stocked.
pub(crate) async fn level(store: &dyn InventoryStore, product: &str) -> (u32, u32) {
    let level = store
        .levels(&[product_id(product)])
        .await
        .unwrap()
        .remove(0);
    assert_eq!(level.available, level.on_hand - level.reserved);
    (level.on_hand, level.reserved)
}

/// It is simply not among the answers.
pub async fn what_nobody_stocked_has_no_level(place: &dyn Place) {
    let (store, peer) = (place.inventory().await, place.inventory().await);
    assert!(store.levels(&[]).await.unwrap().is_empty());
    set(store.as_ref(), "kettle", 3).await;
    let asked = ["mug", "kettle", "Kettle"].map(product_id);
    let levels = peer.levels(&asked).await.unwrap();
    assert_eq!(levels, [StockLevel::new(product_id("kettle"), 3, 0)]);
}

/// In the order asked, with the level each line left.
pub async fn setting_says_what_it_changed(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "b", 2).await;
    set(store.as_ref(), "c", 3).await;
    let wanted = [("c", 30), ("a", 0), ("b", 2)].map(|(id, units)| (product_id(id), units));
    let set = store.set(&wanted, at(1)).await.unwrap();
    let level = |id, on_hand| StockLevel::new(product_id(id), on_hand, 0);
    let expected = [
        Ok((level("c", 30), Change::Updated)),
        Ok((level("a", 0), Change::Created)),
        Ok((level("b", 2), Change::Unchanged)),
    ];
    assert_eq!(set, expected);
    assert!(store.set(&[], at(1)).await.unwrap().is_empty());
}

/// Each line counts, in order.
pub async fn one_set_may_hold_a_product_twice(place: &dyn Place) {
    let store = place.inventory().await;
    let wanted = [8, 3, 3].map(|units| (product_id("kettle"), units));
    let set = store.set(&wanted, at(0)).await.unwrap();
    let changes: Vec<_> = set.into_iter().map(|set| set.unwrap().1).collect();
    assert_eq!(
        changes,
        [Change::Created, Change::Updated, Change::Unchanged]
    );
    assert_eq!(level(store.as_ref(), "kettle").await, (3, 0));
}

/// The other lines land.
pub async fn fewer_than_are_reserved_is_refused_for_that_product_only(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 5).await;
    let order = order_id("order");
    let reserved = store
        .reserve(&order, &[units("kettle", 3)], at(0), at(100))
        .await
        .unwrap();
    assert_eq!(reserved, Reserved::Kept);
    let wanted = [("kettle", 2), ("mug", 7), ("kettle", 3)].map(|(id, n)| (product_id(id), n));
    let set = store.set(&wanted, at(1)).await.unwrap();
    let reason = set[0].as_ref().unwrap_err();
    assert!(reason.contains('3'), "says how many are reserved: {reason}");
    assert!(set[1].is_ok() && set[2].is_ok());
    assert_eq!(level(store.as_ref(), "kettle").await, (3, 3));
    assert_eq!(level(store.as_ref(), "mug").await, (7, 0));
}

/// Bands are none, 1 to 5, and more; what nobody stocked counts as none.
pub async fn only_a_change_of_band_is_told(place: &dyn Place) {
    let store = place.inventory().await;
    let outbox = place.outbox("inventory").await;
    let steps = [
        (0, 0),
        (1, 1),
        (5, 1),
        (6, 2),
        (600, 2),
        (5, 3),
        (0, 4),
        (0, 4),
        (9, 5),
    ];
    for (on_hand, told) in steps {
        set(store.as_ref(), "kettle", on_hand).await;
        let events = told_of(outbox.as_ref()).await;
        assert_eq!(events.len(), told, "after setting {on_hand}");
        assert!(
            events
                .iter()
                .all(|event| *event == (EventKind::StockChanged, "kettle".to_owned()))
        );
    }
}

/// Nor has what nobody stocked, of which nothing is said at all.
pub async fn what_nobody_bought_has_sold_nothing(place: &dyn Place) {
    let store = place.inventory().await;
    set(store.as_ref(), "kettle", 10).await;
    let asked = [product_id("kettle"), product_id("mug")];
    let stocked = store.levels_and_sold(&asked).await.unwrap();
    let sold: Vec<_> = stocked
        .into_iter()
        .map(|(level, sold)| (level.product_id, sold))
        .collect();
    assert_eq!(sold, [(product_id("kettle"), 0)]);
}

/// The largest import there can be.
pub async fn a_thousand_levels_are_set_at_once(place: &dyn Place) {
    let store = place.inventory().await;
    let wanted: Vec<(ProductId, u32)> = (0..1_000)
        .map(|n| (product_id(&format!("p{n}")), n))
        .collect();
    for change in [Change::Created, Change::Unchanged] {
        let set = store.set(&wanted, at(0)).await.unwrap();
        assert!(set.iter().all(|set| set.as_ref().unwrap().1 == change));
    }
    let ids: Vec<ProductId> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let levels = store.levels(&ids).await.unwrap();
    let total: u32 = levels.iter().map(|level| level.on_hand).sum();
    assert_eq!((levels.len(), total), (1_000, 499_500));
    assert_eq!(
        told_of(place.outbox("inventory").await.as_ref())
            .await
            .len(),
        999
    );
}
