//! Checkouts under a lease: who may go on, and who takes over.

use bothways_domain::{
    checkout::{CheckoutRecord, Claimed, IntentId, Progress, Saga, Step},
    id::OrderId,
};

use crate::{
    Place,
    checkout::{claim_now, confirm, confirm_order, place_order, record, refuse},
    sample::{at, claim, order, progress, told_of},
};

/// For everybody, up to the end of the lease; each step renews it.
pub async fn a_key_is_running_while_it_is_leased(place: &dyn Place) {
    let (store, peer) = (place.checkouts().await, place.checkouts().await);
    let first = claim("key", "cart", "one", at(100));
    claim_now(store.as_ref(), &first).await;
    let second = claim("key", "cart", "other", at(500));
    assert_eq!(peer.claim(&second, at(99)).await.unwrap(), Claimed::Running);
    let renewed = progress(Step::Claimed, at(200));
    assert!(
        store
            .advance(&first.order_id, "one", &renewed)
            .await
            .unwrap()
    );
    assert_eq!(
        peer.claim(&second, at(199)).await.unwrap(),
        Claimed::Running
    );
    assert!(matches!(
        peer.claim(&second, at(200)).await.unwrap(),
        Claimed::Resumed(_)
    ));
}

/// With the first claim's order, token and payment, not the second's.
pub async fn a_lease_that_is_over_is_resumed_where_it_stopped(place: &dyn Place) {
    let store = place.checkouts().await;
    let first = claim("key", "cart", "one", at(100));
    claim_now(store.as_ref(), &first).await;
    let placed = order(&first.order_id, "cart", None, at(1));
    assert!(
        store
            .place(&placed, "one", &progress(Step::Placed, at(100)))
            .await
            .unwrap()
    );
    let created = Progress {
        intent: Some(IntentId("pi_1".to_owned())),
        ..progress(Step::IntentCreated, at(100))
    };
    assert!(
        store
            .advance(&first.order_id, "one", &created)
            .await
            .unwrap()
    );
    let authorised = progress(Step::Authorised, at(100));
    assert!(
        store
            .advance(&first.order_id, "one", &authorised)
            .await
            .unwrap()
    );

    let second = claim("key", "cart", "other", at(300));
    let checkout = CheckoutRecord {
        step: Step::Authorised,
        intent: created.intent,
        ..record(&first)
    };
    let saga = Saga {
        checkout,
        order: Some(placed),
    };
    let resumed = store.claim(&second, at(100)).await.unwrap();
    assert_eq!(resumed, Claimed::Resumed(Box::new(saga)));
    assert_eq!(
        store
            .claim(&claim("key", "cart", "third", at(400)), at(299))
            .await
            .unwrap(),
        Claimed::Running
    );
}

/// None of its writes does anything, and each says so.
pub async fn a_worker_that_lost_its_lease_writes_nothing(place: &dyn Place) {
    let (store, peer) = (place.checkouts().await, place.checkouts().await);
    let id = place_order(store.as_ref(), "key", "cart", "slow").await;
    let before = store.order(&id).await.unwrap();
    peer.claim(&claim("key", "cart", "quick", at(300)), at(150))
        .await
        .unwrap();

    let late = progress(Step::Reserved, at(900));
    assert!(
        !store
            .place(&order(&id, "cart", None, at(2)), "slow", &late)
            .await
            .unwrap()
    );
    assert!(!store.advance(&id, "slow", &late).await.unwrap());
    assert!(!confirm(store.as_ref(), &id, "slow").await);
    assert!(!store.close(&id, "slow", Step::Cleared).await.unwrap());
    assert!(!refuse(store.as_ref(), &id, "slow").await);
    assert!(!store.forget(&id, "slow", at(160)).await.unwrap());
    assert!(!store.suspend(&id, "slow", at(160)).await.unwrap());
    let unknown = OrderId::random(&crate::Counter);
    assert!(!store.advance(&unknown, "slow", &late).await.unwrap());

    assert_eq!(store.order(&id).await.unwrap(), before);
    assert_eq!(told_of(place.outbox("checkout").await.as_ref()).await, []);
    let third = claim("key", "cart", "third", at(900));
    assert_eq!(peer.claim(&third, at(299)).await.unwrap(), Claimed::Running);
    let Claimed::Resumed(saga) = peer.claim(&third, at(300)).await.unwrap() else {
        panic!("the quick one's lease is over")
    };
    assert_eq!(saga.checkout.step, Step::Placed);
}

/// Nothing stands against it: what it knows is still true.
pub async fn a_worker_nobody_replaced_may_go_on_late(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = place_order(store.as_ref(), "key", "cart", "slow").await;
    let late = progress(Step::Reserved, at(10_000));
    assert!(store.advance(&id, "slow", &late).await.unwrap());
    assert!(confirm(store.as_ref(), &id, "slow").await);
}

/// Its former worker is out; the cart stays locked.
pub async fn a_suspended_checkout_is_resumed_at_once(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = place_order(store.as_ref(), "key", "cart", "one").await;
    assert!(store.suspend(&id, "one", at(10)).await.unwrap());
    assert!(!store.suspend(&id, "one", at(10)).await.unwrap());
    let busy = store
        .claim(&claim("another", "cart", "other", at(100)), at(10))
        .await
        .unwrap();
    assert_eq!(busy, Claimed::CartBusy);
    let resumed = store
        .claim(&claim("key", "cart", "other", at(100)), at(10))
        .await
        .unwrap();
    let Claimed::Resumed(saga) = resumed else {
        panic!("nobody has it: {resumed:?}")
    };
    assert_eq!(
        (saga.checkout.order_id, saga.checkout.step),
        (id, Step::Placed)
    );
}

/// Open and out of its lease: neither those at work nor those that are over.
pub async fn abandoned_checkouts_are_taken_once(place: &dyn Place) {
    let store = place.checkouts().await;
    let placed = place_order(store.as_ref(), "placed", "a", "one").await;
    let confirmed = confirm_order(store.as_ref(), "confirmed", "b", "one").await;
    let closed = confirm_order(store.as_ref(), "closed", "c", "one").await;
    store.close(&closed, "one", Step::Cleared).await.unwrap();
    let working = claim("working", "d", "one", at(500));
    claim_now(store.as_ref(), &working).await;
    let bare = claim("bare", "e", "one", at(100));
    claim_now(store.as_ref(), &bare).await;

    assert_eq!(
        store
            .take_abandoned("recovery", at(99), at(300), 10)
            .await
            .unwrap(),
        []
    );
    let mut sagas = store
        .take_abandoned("recovery", at(100), at(300), 10)
        .await
        .unwrap();
    sagas.sort_by(|one, other| one.checkout.cart_id.cmp(&other.checkout.cart_id));
    let brief: Vec<_> = sagas
        .iter()
        .map(|saga| {
            (
                &saga.checkout.order_id,
                saga.checkout.step,
                saga.order.is_some(),
            )
        })
        .collect();
    let expected = [
        (&placed, Step::Placed, true),
        (&confirmed, Step::Confirmed, true),
        (&bare.order_id, Step::Claimed, false),
    ];
    assert_eq!(brief, expected);
    assert_eq!(
        store
            .take_abandoned("other", at(200), at(400), 10)
            .await
            .unwrap(),
        []
    );
    assert!(
        !store
            .advance(&placed, "one", &progress(Step::Reserved, at(900)))
            .await
            .unwrap()
    );
    assert!(
        store
            .close(&confirmed, "recovery", Step::Cleared)
            .await
            .unwrap()
    );
    assert!(
        store
            .forget(&bare.order_id, "recovery", at(210))
            .await
            .unwrap()
    );
    let late = store
        .take_abandoned("other", at(300), at(400), 10)
        .await
        .unwrap();
    assert_eq!(late.len(), 1, "recovery may be abandoned too");
    assert_eq!(late[0].checkout.order_id, placed);
}

/// The ones that wait the longest come first.
pub async fn taking_abandoned_checkouts_stops_at_its_limit(place: &dyn Place) {
    let store = place.checkouts().await;
    for n in 0..5_i64 {
        let name = format!("n{n}");
        claim_now(store.as_ref(), &claim(&name, &name, "one", at(100 - n))).await;
    }
    let sagas = store
        .take_abandoned("recovery", at(200), at(300), 2)
        .await
        .unwrap();
    let mut carts: Vec<_> = sagas
        .iter()
        .map(|saga| saga.checkout.cart_id.as_str())
        .collect();
    carts.sort_unstable();
    assert_eq!(carts, ["n3", "n4"]);
    assert_eq!(
        store
            .take_abandoned("other", at(200), at(300), 10)
            .await
            .unwrap()
            .len(),
        3
    );
}
