//! What holds of the stock when several processes write at once.

use bothways_domain::{
    id::ProductId,
    import::Change,
    inventory::{Reserved, Settled},
};

use crate::{
    Place,
    concurrency::{at_once, count},
    inventory::{level, set},
    sample::{at, order_id, product_id, told_of, units},
};

/// Never more than there is, and no unit is left while somebody wants it.
pub async fn fifty_buyers_get_twenty_units(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    set(stores[0].as_ref(), "kettle", 20).await;
    let wanted = [units("kettle", 1)];
    let answers = at_once(50, |n| {
        let (store, wanted) = (&stores[n as usize % 2], &wanted);
        async move {
            let order = order_id(&format!("order-{n}"));
            let reserved = store.reserve(&order, wanted, at(0), at(100)).await.unwrap();
            if reserved == Reserved::Kept {
                assert_eq!(store.settle(&order, at(1)).await.unwrap(), Settled::Sold);
            }
            reserved
        }
    });
    let answers = answers.await;
    let short = Reserved::Short(vec![product_id("kettle")]);
    assert_eq!(count(&answers, |answer| *answer == Reserved::Kept), 20);
    assert_eq!(count(&answers, |answer| *answer == short), 30);
    assert_eq!(level(stores[0].as_ref(), "kettle").await, (0, 0));
    let told = told_of(place.outbox("inventory").await.as_ref()).await;
    assert_eq!(
        told.len(),
        3 + 5,
        "in stock, low, out, and 1, 2, 4, 8 and 16 sold: each told once"
    );
}

/// Opposite orders of the same products are where locks would wait for each other.
pub async fn reservations_of_the_same_products_in_any_order_all_end(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    for product in ["a", "b", "c", "d"] {
        set(stores[0].as_ref(), product, 40).await;
    }
    let answers = at_once(40, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let mut lines = ["a", "b", "c", "d"].map(|product| units(product, 1));
            lines.rotate_left(n as usize % 4);
            if n % 3 == 0 {
                lines.reverse();
            }
            let order = order_id(&format!("order-{n}"));
            let reserved = store.reserve(&order, &lines, at(0), at(100)).await.unwrap();
            match n % 4 {
                0 => store.release(&order, at(1)).await.unwrap(),
                1 => assert_eq!(store.settle(&order, at(1)).await.unwrap(), Settled::Sold),
                _ => {}
            }
            reserved
        }
    });
    assert!(answers.await.iter().all(|answer| *answer == Reserved::Kept));
    for product in ["a", "b", "c", "d"] {
        assert_eq!(level(stores[1].as_ref(), product).await, (30, 20));
    }
}

/// A client that sends its request again while the first is under way.
pub async fn one_order_reserved_by_many_at_once_is_kept_once(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    set(stores[0].as_ref(), "kettle", 20).await;
    let (order, wanted) = (order_id("order"), [units("kettle", 2)]);
    let answers = at_once(16, |n| {
        stores[n as usize % 2].reserve(&order, &wanted, at(0), at(100))
    });
    for answer in answers.await {
        assert_eq!(answer.unwrap(), Reserved::Kept);
    }
    assert_eq!(level(stores[0].as_ref(), "kettle").await, (20, 2));
}

/// Whichever is first, and the books say so.
pub async fn settling_and_releasing_at_once_agree(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    set(stores[0].as_ref(), "kettle", 20).await;
    let mut sold = 0;
    for n in 0..10 {
        let order = order_id(&format!("order-{n}"));
        stores[0]
            .reserve(&order, &[units("kettle", 1)], at(0), at(100))
            .await
            .unwrap();
        let (settled, released) = futures::join!(
            stores[0].settle(&order, at(1)),
            stores[1].release(&order, at(1))
        );
        released.unwrap();
        let settled = settled.unwrap();
        sold += u32::from(settled == Settled::Sold);
        assert_eq!(stores[1].settle(&order, at(2)).await.unwrap(), settled);
    }
    assert_eq!(level(stores[0].as_ref(), "kettle").await, (20 - sold, 0));
}

/// A set that comes too late for what was reserved in the meantime is refused.
pub async fn setting_stock_while_it_is_reserved_never_goes_below(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    let kettle = product_id("kettle");
    set(stores[0].as_ref(), "kettle", 30).await;
    let kept = at_once(30, |n| {
        let (store, kettle) = (&stores[n as usize % 2], &kettle);
        async move {
            if n % 3 == 0 {
                let _refused_or_not = store.set(&[(kettle.clone(), 10)], at(0)).await.unwrap();
                return 0;
            }
            let order = order_id(&format!("order-{n}"));
            let lines = [units("kettle", 1)];
            let reserved = store.reserve(&order, &lines, at(0), at(100)).await.unwrap();
            u32::from(reserved == Reserved::Kept)
        }
    });
    let kept: u32 = kept.await.into_iter().sum();
    let (on_hand, reserved) = level(stores[0].as_ref(), "kettle").await;
    assert_eq!(reserved, kept);
    assert!(
        on_hand == 30 || (on_hand == 10 && reserved == 10),
        "{on_hand} on hand, {reserved} reserved"
    );
}

/// Two processes sweep at the same time, and buyers go on.
pub async fn reservations_expire_once(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    set(stores[0].as_ref(), "kettle", 100).await;
    set(stores[0].as_ref(), "mug", 100).await;
    let lines = [units("mug", 1), units("kettle", 1)];
    for n in 0..30 {
        let order = order_id(&format!("old-{n}"));
        stores[0]
            .reserve(&order, &lines, at(0), at(100))
            .await
            .unwrap();
    }
    let expired = at_once(12, |n| {
        let (store, lines) = (&stores[n as usize % 2], &lines);
        async move {
            if n % 2 == 0 {
                return store.expire(at(100), 10).await.unwrap();
            }
            let order = order_id(&format!("new-{n}"));
            assert_eq!(
                store
                    .reserve(&order, lines, at(100), at(200))
                    .await
                    .unwrap(),
                Reserved::Kept
            );
            0
        }
    });
    let mut expired: u32 = expired.await.into_iter().sum();
    expired += stores[0].expire(at(100), 100).await.unwrap();
    assert_eq!(expired, 30);
    assert_eq!(level(stores[0].as_ref(), "kettle").await, (100, 6));
    assert_eq!(level(stores[0].as_ref(), "mug").await, (100, 6));
}

/// The others find it stocked.
pub async fn one_of_many_stocks_a_product_first(place: &dyn Place) {
    let stores = [place.inventory().await, place.inventory().await];
    let wanted: Vec<(ProductId, u32)> =
        (0..50).map(|n| (product_id(&format!("p{n}")), 7)).collect();
    let mut backwards = wanted.clone();
    backwards.reverse();
    let answers = at_once(8, |n| {
        let wanted = if n % 3 == 0 { &wanted } else { &backwards };
        stores[n as usize % 2].set(wanted, at(0))
    });
    let answers: Vec<_> = answers.await.into_iter().flat_map(Result::unwrap).collect();
    let change = |wanted| count(&answers, |set| set.as_ref().unwrap().1 == wanted);
    assert_eq!(
        (change(Change::Created), change(Change::Unchanged)),
        (50, 350)
    );
    assert_eq!(
        told_of(place.outbox("inventory").await.as_ref())
            .await
            .len(),
        50
    );
}
