//! Checkouts: claiming a key, going forward under a lease, ending.

use bothways_domain::{
    checkout::{
        CheckoutRecord, CheckoutStore, Claim, Claimed, IntentId, OrderStatus, Outcome, Progress,
        Refusal, Saga, Step,
    },
    event::EventKind,
    id::OrderId,
};

use crate::{
    Place,
    sample::{at, claim, confirmed, of_order, order, product_id, progress, told_of, usd},
};

/// The record that a fresh claim makes.
fn record(claim: &Claim) -> CheckoutRecord {
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

async fn confirm(store: &dyn CheckoutStore, id: &OrderId, worker: &str) -> bool {
    let order = confirmed(&store.order(id).await.unwrap().unwrap(), at(5));
    let event = of_order(EventKind::OrderConfirmed, id, at(5));
    let progress = progress(Step::Confirmed, at(100));
    store
        .confirm(&order, &event, worker, &progress)
        .await
        .unwrap()
}

/// Refuses at the moment 9.
async fn refuse(store: &dyn CheckoutStore, id: &OrderId, worker: &str) -> bool {
    let status = OrderStatus::Declined;
    store
        .refuse(id, worker, &declined(), status, at(9))
        .await
        .unwrap()
}

fn declined() -> Refusal {
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
