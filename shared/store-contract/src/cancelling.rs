//! Cancelling orders.

use bothways_domain::{
    checkout::{Cancelling, CheckoutStore, Claimed, OrderStatus, Outcome, Step},
    event::EventKind,
    id::OrderId,
};

use crate::{
    Counter, Place,
    checkout::{claim_now, confirm_order, place_order},
    sample::{at, claim, of_order, progress, told_of},
};

/// Begins to cancel at that moment, leased for 100.
pub(crate) async fn cancel(
    store: &dyn CheckoutStore,
    id: &OrderId,
    worker: &str,
    now: i64,
) -> Cancelling {
    let event = of_order(EventKind::OrderCancelled, id, at(now));
    store
        .begin_cancel(id, &event, worker, at(now), at(now + 100))
        .await
        .unwrap()
}

/// As [`confirm_order`], and closed.
pub(crate) async fn bought(store: &dyn CheckoutStore, key: &str, cart: &str) -> OrderId {
    let id = confirm_order(store, key, cart, "one").await;
    assert!(store.close(&id, "one", Step::Cleared).await.unwrap());
    id
}

/// Told of once; asking again is answered with the order, while the refund runs and after.
pub async fn a_confirmed_order_is_cancelled_once(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = bought(store.as_ref(), "key", "cart").await;
    let Cancelling::Begun(saga) = cancel(store.as_ref(), &id, "canceller", 50).await else {
        panic!("nothing is in the way")
    };
    let stored = store.order(&id).await.unwrap();
    let order = stored.as_ref().map(|record| record.order.clone()).unwrap();
    assert_eq!(
        (order.status, order.timeline.len()),
        (OrderStatus::Cancelled, 3)
    );
    assert_eq!(order.timeline[2].at, at(50));
    assert_eq!(
        (saga.checkout.step, &saga.order),
        (Step::Cancelling, &stored)
    );
    for closed in [false, true] {
        if closed {
            assert!(
                store
                    .close(&id, "canceller", Step::Cancelled)
                    .await
                    .unwrap()
            );
        }
        let again = cancel(store.as_ref(), &id, "another", 60).await;
        assert_eq!(again, Cancelling::Already(Box::new(order.clone())));
    }
    let kinds = told_of(place.outbox("checkout").await.as_ref()).await;
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [EventKind::OrderConfirmed, EventKind::OrderCancelled]
    );
    let Claimed::Answered(answer) =
        claim_now(store.as_ref(), &claim("key", "cart", "x", at(9))).await
    else {
        panic!("the key keeps its answer")
    };
    assert!(
        matches!(answer.outcome, Some(Outcome::Confirmed(order)) if order.status == OrderStatus::Confirmed)
    );
}

/// Pending, forgotten, never placed, unknown.
pub async fn what_is_not_confirmed_is_not_cancelled(place: &dyn Place) {
    let store = place.checkouts().await;
    let pending = place_order(store.as_ref(), "pending", "a", "one").await;
    assert_eq!(
        cancel(store.as_ref(), &pending, "canceller", 500).await,
        Cancelling::TooLate
    );
    let forgotten = place_order(store.as_ref(), "forgotten", "b", "one").await;
    store.forget(&forgotten, "one", at(9)).await.unwrap();
    assert_eq!(
        cancel(store.as_ref(), &forgotten, "canceller", 500).await,
        Cancelling::TooLate
    );
    let bare = claim("bare", "c", "one", at(100));
    claim_now(store.as_ref(), &bare).await;
    assert_eq!(
        cancel(store.as_ref(), &bare.order_id, "canceller", 500).await,
        Cancelling::Missing
    );
    let unknown = OrderId::random(&Counter);
    assert_eq!(
        cancel(store.as_ref(), &unknown, "canceller", 500).await,
        Cancelling::Missing
    );
    assert_eq!(told_of(place.outbox("checkout").await.as_ref()).await, []);
}

/// Until its worker is done, or its lease is over: then that worker is out.
pub async fn a_checkout_that_is_being_finished_is_not_cancelled(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = confirm_order(store.as_ref(), "key", "cart", "one").await;
    assert_eq!(
        cancel(store.as_ref(), &id, "canceller", 99).await,
        Cancelling::Busy
    );
    assert!(matches!(
        cancel(store.as_ref(), &id, "canceller", 100).await,
        Cancelling::Begun(_)
    ));
    assert!(
        !store
            .advance(&id, "one", &progress(Step::Captured, at(900)))
            .await
            .unwrap()
    );
    assert!(!store.close(&id, "one", Step::Cleared).await.unwrap());
    assert!(
        store
            .close(&id, "canceller", Step::Cancelled)
            .await
            .unwrap()
    );
}

/// So that recovery finishes it.
pub async fn a_cancellation_is_abandoned_and_taken_like_a_checkout(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = bought(store.as_ref(), "key", "cart").await;
    cancel(store.as_ref(), &id, "canceller", 50).await;
    assert_eq!(
        store
            .take_abandoned("recovery", at(149), at(300), 10)
            .await
            .unwrap(),
        []
    );
    let sagas = store
        .take_abandoned("recovery", at(150), at(300), 10)
        .await
        .unwrap();
    assert_eq!(sagas.len(), 1);
    assert_eq!(
        (&sagas[0].checkout.order_id, sagas[0].checkout.step),
        (&id, Step::Cancelling)
    );
    let status = sagas[0].order.as_ref().map(|record| record.order.status);
    assert_eq!(status, Some(OrderStatus::Cancelled));
    assert!(
        !store
            .close(&id, "canceller", Step::Cancelled)
            .await
            .unwrap()
    );
    assert!(store.close(&id, "recovery", Step::Cancelled).await.unwrap());
}

/// Also when the cart was not cleared yet.
pub async fn cancelling_leaves_the_cart_to_other_checkouts(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = confirm_order(store.as_ref(), "key", "cart", "one").await;
    assert!(store.suspend(&id, "one", at(10)).await.unwrap());
    assert!(matches!(
        cancel(store.as_ref(), &id, "canceller", 20).await,
        Cancelling::Begun(_)
    ));
    let next = claim("next", "cart", "two", at(100));
    assert!(matches!(
        store.claim(&next, at(21)).await.unwrap(),
        Claimed::Fresh(_)
    ));
    let closed = bought(store.as_ref(), "other", "elsewhere").await;
    let open = claim("open", "elsewhere", "two", at(100));
    assert!(matches!(
        store.claim(&open, at(21)).await.unwrap(),
        Claimed::Fresh(_)
    ));
    let begun = cancel(store.as_ref(), &closed, "canceller", 30).await;
    assert!(
        matches!(begun, Cancelling::Begun(_)),
        "another checkout of its cart is no hindrance"
    );
    assert!(
        store
            .close(&closed, "canceller", Step::Cancelled)
            .await
            .unwrap()
    );
    assert_eq!(
        store
            .claim(&claim("x", "elsewhere", "x", at(99)), at(31))
            .await
            .unwrap(),
        Claimed::CartBusy
    );
}
