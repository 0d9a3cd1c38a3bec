//! Checkouts: claiming a key, going forward under a lease, ending.

use bothways_domain::{
    checkout::{
        CheckoutRecord, CheckoutStore, Claim, Claimed, OrderStatus, Outcome, Refusal, Step,
    },
    event::EventKind,
    id::OrderId,
};

use crate::{
    Place,
    sample::{at, claim, confirmed, of_order, order, product_id, progress, told_of, usd},
};

/// The record that a fresh claim makes.
pub(crate) fn record(claim: &Claim) -> CheckoutRecord {
    CheckoutRecord {
        order_id: claim.order_id.clone(),
        cart_id: claim.cart_id.clone(),
        access_token: claim.access_token.clone(),
        payment_method: claim.payment_method.clone(),
        request_id: claim.request_id.clone(),
        step: Step::Claimed,
        intent: None,
        outcome: None,
    }
}

/// Claims at the moment 0.
pub(crate) async fn claim_now(store: &dyn CheckoutStore, claim: &Claim) -> Claimed {
    store.claim(claim, at(0)).await.unwrap()
}

/// A checkout of `cart` under `key`, placed by `worker` and leased to it until 100.
pub(crate) async fn place_order(
    store: &dyn CheckoutStore,
    key: &str,
    cart: &str,
    worker: &str,
) -> OrderId {
    let claim = claim(key, cart, worker, at(100));
    assert!(matches!(claim_now(store, &claim).await, Claimed::Fresh(_)));
    let placed = order(&claim.order_id, cart, Some("ann"), at(1));
    assert!(
        store
            .place(&placed, worker, &progress(Step::Placed, at(100)))
            .await
            .unwrap()
    );
    claim.order_id
}

/// As [`place_order`], and confirmed at the moment 5.
pub(crate) async fn confirm_order(
    store: &dyn CheckoutStore,
    key: &str,
    cart: &str,
    worker: &str,
) -> OrderId {
    let id = place_order(store, key, cart, worker).await;
    assert!(confirm(store, &id, worker).await);
    id
}

pub(crate) async fn confirm(store: &dyn CheckoutStore, id: &OrderId, worker: &str) -> bool {
    let order = confirmed(&store.order(id).await.unwrap().unwrap(), at(5));
    let event = of_order(EventKind::OrderConfirmed, id, at(5));
    let progress = progress(Step::Confirmed, at(100));
    store
        .confirm(&order, &event, worker, &progress)
        .await
        .unwrap()
}

/// Refuses at the moment 9.
pub(crate) async fn refuse(store: &dyn CheckoutStore, id: &OrderId, worker: &str) -> bool {
    let status = OrderStatus::Declined;
    store
        .refuse(id, worker, &declined(), status, at(9))
        .await
        .unwrap()
}

pub(crate) fn declined() -> Refusal {
    Refusal::Declined {
        code: "insufficient_funds".to_owned(),
    }
}

/// The record is what was claimed, at the first step.
pub async fn a_new_key_is_fresh(place: &dyn Place) {
    let store = place.checkouts().await;
    let claim = claim("key", "cart", "one", at(100));
    assert_eq!(
        claim_now(store.as_ref(), &claim).await,
        Claimed::Fresh(Box::new(record(&claim)))
    );
    assert_eq!(
        store.order(&claim.order_id).await.unwrap(),
        None,
        "an order it is not yet"
    );
}

/// Whether it is running, over or answered.
pub async fn a_key_belongs_to_one_request(place: &dyn Place) {
    let store = place.checkouts().await;
    let first = claim("key", "cart", "one", at(100));
    claim_now(store.as_ref(), &first).await;
    let mut other = claim("key", "cart", "other", at(500));
    "something else".clone_into(&mut other.fingerprint);
    assert_eq!(
        store.claim(&other, at(0)).await.unwrap(),
        Claimed::KeyReused
    );
    assert_eq!(
        store.claim(&other, at(300)).await.unwrap(),
        Claimed::KeyReused
    );
    assert!(refuse(store.as_ref(), &first.order_id, "one").await);
    assert_eq!(
        store.claim(&other, at(300)).await.unwrap(),
        Claimed::KeyReused
    );
}

/// The order as it was when confirmed, told of once; after closing too.
pub async fn a_confirmed_checkout_is_answered_even_while_open(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = confirm_order(store.as_ref(), "key", "cart", "one").await;
    let again = claim("key", "cart", "other", at(300));
    for close in [false, true] {
        if close {
            assert!(store.close(&id, "one", Step::Cleared).await.unwrap());
            assert!(
                !store.close(&id, "one", Step::Cleared).await.unwrap(),
                "it is over"
            );
        }
        let Claimed::Answered(answer) = store.claim(&again, at(200)).await.unwrap() else {
            panic!("the answer is known")
        };
        let expected = store.order(&id).await.unwrap().unwrap().order;
        assert_eq!(expected.status, OrderStatus::Confirmed);
        assert_eq!(expected.timeline.len(), 2);
        assert_eq!(answer.outcome, Some(Outcome::Confirmed(Box::new(expected))));
        let step = if close {
            Step::Cleared
        } else {
            Step::Confirmed
        };
        assert_eq!((&answer.order_id, answer.step), (&id, step));
    }
    let events = told_of(place.outbox("checkout").await.as_ref()).await;
    assert_eq!(events, [(EventKind::OrderConfirmed, id.to_string())]);
}

/// The order says why it came to nothing.
pub async fn a_refused_key_keeps_its_answer_and_frees_the_cart(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = place_order(store.as_ref(), "key", "cart", "one").await;
    assert!(refuse(store.as_ref(), &id, "one").await);
    assert!(!refuse(store.as_ref(), &id, "one").await, "it is over");
    let order = store.order(&id).await.unwrap().unwrap().order;
    assert_eq!(order.status, OrderStatus::Declined);
    assert_eq!((order.timeline.len(), order.timeline[1].at), (2, at(9)));
    let again = claim("key", "cart", "other", at(300));
    let Claimed::Answered(answer) = store.claim(&again, at(10)).await.unwrap() else {
        panic!("the answer is known")
    };
    assert_eq!(answer.outcome, Some(Outcome::Refused(declined())));
    let next = claim("next", "cart", "other", at(300));
    assert!(matches!(
        store.claim(&next, at(10)).await.unwrap(),
        Claimed::Fresh(_)
    ));
}

/// Every kind of refusal comes back as it was given.
pub async fn a_refusal_before_the_order_is_placed_is_kept_too(place: &dyn Place) {
    let store = place.checkouts().await;
    let refusals = [
        Refusal::CartEmpty,
        Refusal::OutOfStock(vec![product_id("kettle"), product_id("mug")]),
        Refusal::TotalChanged { actual: usd(4_998) },
        declined(),
    ];
    for (n, refusal) in refusals.into_iter().enumerate() {
        let first = claim(
            &format!("key {n}").replace(' ', "-"),
            "cart",
            "one",
            at(100),
        );
        claim_now(store.as_ref(), &first).await;
        let status = OrderStatus::Cancelled;
        assert!(
            store
                .refuse(&first.order_id, "one", &refusal, status, at(1))
                .await
                .unwrap()
        );
        assert_eq!(store.order(&first.order_id).await.unwrap(), None);
        let Claimed::Answered(answer) = claim_now(store.as_ref(), &first).await else {
            panic!("the answer is known")
        };
        assert_eq!(answer.outcome, Some(Outcome::Refused(refusal)));
    }
}

/// For the same request or another one; the order it was is cancelled.
pub async fn a_forgotten_key_is_new_again(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = place_order(store.as_ref(), "key", "cart", "one").await;
    assert!(store.forget(&id, "one", at(9)).await.unwrap());
    assert!(
        !store.forget(&id, "one", at(9)).await.unwrap(),
        "it is over"
    );
    let order = store.order(&id).await.unwrap().unwrap().order;
    assert_eq!(
        (order.status, order.timeline.len()),
        (OrderStatus::Cancelled, 2)
    );
    let mut other = claim("key", "cart", "other", at(300));
    "something else".clone_into(&mut other.fingerprint);
    assert!(matches!(
        claim_now(store.as_ref(), &other).await,
        Claimed::Fresh(_)
    ));
    assert!(
        store
            .forget(&other.order_id, "other", at(10))
            .await
            .unwrap(),
        "without an order too"
    );
    assert!(matches!(
        claim_now(store.as_ref(), &claim("key", "cart", "x", at(1))).await,
        Claimed::Fresh(_)
    ));
}

/// However long it takes, and whoever works on it. Other carts are free.
pub async fn a_cart_is_locked_by_one_checkout_until_it_is_over(place: &dyn Place) {
    let (store, peer) = (place.checkouts().await, place.checkouts().await);
    let id = confirm_order(store.as_ref(), "key", "cart", "one").await;
    let other = claim("other", "cart", "other", at(900_000));
    assert_eq!(peer.claim(&other, at(5)).await.unwrap(), Claimed::CartBusy);
    assert_eq!(
        peer.claim(&other, at(500_000)).await.unwrap(),
        Claimed::CartBusy
    );
    let elsewhere = claim("third", "elsewhere", "third", at(100));
    assert!(matches!(
        claim_now(peer.as_ref(), &elsewhere).await,
        Claimed::Fresh(_)
    ));
    assert!(store.close(&id, "one", Step::Cleared).await.unwrap());
    assert!(matches!(
        peer.claim(&other, at(500_000)).await.unwrap(),
        Claimed::Fresh(_)
    ));
}
