//! The checkout saga: every call of every port may fail, lose its answer or be the last thing the process
//! does, and after recovery the books balance all the same.

use std::sync::Arc;

use bothways_domain::{
    Caller, Currency, Error, Money, Result,
    checkout::{
        Address, CheckoutApi, CheckoutParts, CheckoutRequest, CheckoutUseCases, IntentStatus,
        NoProbe, OrderStatus, Outcome, Placed, SagaPolicy,
    },
    id::{IdempotencyKey, OrderId, Token},
};
use proptest::prelude::*;

use crate::{
    store::Face,
    world::{Fault, Kept, World, cart, units},
};

pub(crate) fn shop(world: &Arc<World>) -> CheckoutUseCases {
    let face = Arc::new(Face(world.clone()));
    let parts = CheckoutParts {
        store: face.clone(),
        carts: face.clone(),
        products: face.clone(),
        inventory: face.clone(),
        payments: face,
        probe: Arc::new(NoProbe),
        clock: world.clone(),
        entropy: world.clone(),
        currency: Currency::USD,
    };
    CheckoutUseCases {
        parts,
        policy: SagaPolicy::default(),
    }
}

fn request() -> CheckoutRequest {
    let text = || "x".to_owned();
    let address = Address {
        name: text(),
        line1: text(),
        line2: None,
        city: text(),
        postal_code: text(),
        country: text(),
    };
    CheckoutRequest {
        cart_id: cart().to_string(),
        email: "ann@example.com".to_owned(),
        shipping_address: address,
        payment_method: "pm_card_visa".to_owned(),
        expected_total: None,
    }
}

/// What a client gets: an answer, or nothing because the process died.
pub(crate) async fn attempt<T>(work: impl Future<Output = Result<T>>) -> Option<Result<T>> {
    // The clock is paused: a future that can't go on is found out at once.
    tokio::time::timeout(std::time::Duration::from_secs(1), work)
        .await
        .ok()
}

pub(crate) async fn buy(world: &Arc<World>, key: &str) -> Option<Result<Placed>> {
    let key = IdempotencyKey::parse(key).unwrap();
    attempt(shop(world).checkout(&Caller::Anonymous, &key, &request(), "request")).await
}

/// Lets recovery run, undisturbed, as often as it takes within its minute.
pub(crate) async fn recover(world: &Arc<World>) {
    world.faults.lock().unwrap().clear();
    for _ in 0..3 {
        world.pass(15_000);
        let report = attempt(shop(world).recover())
            .await
            .expect("recovery stops at nothing")
            .expect("recovery works");
        assert_eq!(report.postponed, 0, "nothing is in recovery's way");
    }
}

fn is_sold(status: OrderStatus) -> bool {
    matches!(
        status,
        OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered
    )
}

/// What can be added up from outside, and has to come out even.
pub(crate) fn assert_books_balance(world: &World, stocked: u32) {
    let state = world.state.lock().unwrap();
    let orders = state
        .checkouts
        .values()
        .filter_map(|row| row.saga.order.as_ref());
    let confirmed: Vec<_> = orders
        .filter(|record| is_sold(record.order.status))
        .collect();
    let sold: u32 = confirmed
        .iter()
        .map(|record| units(&record.order.stock_lines()))
        .sum();
    assert_eq!(
        state.on_hand + sold,
        stocked,
        "sold and on hand is what was put in"
    );
    let held = state
        .reservations
        .values()
        .filter(|(kept, _)| *kept == Kept::Held)
        .count();
    assert_eq!(held, 0, "nothing stays reserved");
    for (intent, status) in &state.intents {
        let order = OrderId::parse(&intent[3..]).unwrap();
        let is_confirmed = confirmed.iter().any(|record| record.order.id == order);
        let refunded = state.refunds.contains_key(&order);
        match status {
            IntentStatus::Captured => assert!(
                is_confirmed != refunded,
                "a charge without an order: {intent}"
            ),
            IntentStatus::Authorised => panic!("an authorised payment was left behind: {intent}"),
            _ => assert!(
                !is_confirmed,
                "an order without a charge: {intent} is {status:?}"
            ),
        }
    }
    for record in &confirmed {
        assert!(
            state
                .intents
                .contains_key(&format!("pi_{}", record.order.id)),
            "an order without a payment"
        );
    }
    for row in state.checkouts.values() {
        assert!(!row.open && !row.locks_cart, "a checkout never ended");
        let events = row
            .events
            .iter()
            .filter(|event| event.kind.as_str() == "order.confirmed")
            .count();
        let was_confirmed = matches!(row.saga.checkout.outcome, Some(Outcome::Confirmed(_)));
        assert_eq!(events, usize::from(was_confirmed), "confirmed is told once");
    }
}

pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::Works),
        1 => Just(Fault::Refused),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::DiesBefore),
        1 => Just(Fault::DiesAfter),
    ]
}

pub(crate) fn block_on(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A client that keeps asking with one key, through any faults: one order at most, and the books balance.
    #[test]
    fn any_faults_leave_one_order_or_none(
        faults in prop::collection::vec(fault(), 0..40),
        stocked in 0..6_u32,
        wanted in 1..5_u32,
        declines in prop::bool::weighted(0.2),
        waits in prop::collection::vec(0..20_000_i64, 1..5),
    ) {
        block_on(async {
            let world = World::new(stocked, wanted, declines, faults);
            let mut bought = Vec::new();
            for wait in waits {
                if let Some(Ok(placed)) = buy(&world, "key").await {
                    bought.push(placed.order.id);
                }
                world.pass(wait);
            }
            recover(&world).await;
            assert_books_balance(&world, stocked);
            let answer = buy(&world, "key").await.expect("nothing dies any more");
            recover(&world).await;
            assert_books_balance(&world, stocked);
            match answer {
                Ok(placed) => {
                    assert!(!declines && wanted <= stocked);
                    assert!(bought.iter().all(|order| *order == placed.order.id), "one key, one order");
                    assert_eq!(world.state.lock().unwrap().cart, 0, "what was bought is out of the cart");
                }
                Err(error) => {
                    assert!(bought.is_empty(), "an order was taken back: {error}");
                    assert!(declines || wanted > stocked, "nothing stands in the way: {error:?}");
                    assert_eq!(world.state.lock().unwrap().cart, wanted, "the cart stays as it was");
                }
            }
            let again = buy(&world, "key").await.expect("nothing dies any more");
            assert!(again.is_err() == (declines || wanted > stocked));
        });
    }

    /// Confirmed, then cancelled through any faults: refunded and restocked, once.
    #[test]
    fn a_cancelled_order_is_refunded_and_restocked_once(faults in prop::collection::vec(fault(), 0..12), times in 1..4) {
        block_on(async {
            let world = World::new(5, 2, false, Vec::new());
            let placed = buy(&world, "key").await.unwrap().unwrap();
            let caller = Caller::Bearer(Token::presented(placed.access_token.reveal()));
            *world.faults.lock().unwrap() = faults;
            let mut cancelled = false;
            for _ in 0..times {
                let answer = attempt(shop(&world).cancel(&caller, &placed.order.id)).await;
                cancelled |= matches!(answer, Some(Ok(_)));
            }
            recover(&world).await;
            assert_books_balance(&world, 5);
            let order = shop(&world).order(&caller, &placed.order.id).await.unwrap().unwrap();
            if cancelled {
                assert_eq!(order.status, OrderStatus::Cancelled);
            }
            if order.status == OrderStatus::Cancelled {
                let state = world.state.lock().unwrap();
                assert_eq!((state.on_hand, state.refunds[&placed.order.id]), (5, 1));
            }
        });
    }
}

#[test]
fn a_process_may_die_at_any_one_call() {
    for dies in [Fault::DiesBefore, Fault::DiesAfter] {
        for call in 0..16 {
            block_on(async {
                let mut faults = vec![Fault::Works; call];
                faults.push(dies);
                let world = World::new(3, 2, false, faults);
                let first = buy(&world, "key").await;
                recover(&world).await;
                assert_books_balance(&world, 3);
                let second = buy(&world, "key")
                    .await
                    .unwrap()
                    .expect("the shop works again");
                if let Some(Ok(first)) = first {
                    assert_eq!(
                        (first.order, true),
                        (second.order, second.replayed),
                        "the same answer"
                    );
                }
                recover(&world).await;
                assert_books_balance(&world, 3);
            });
        }
    }
}

#[test]
fn a_cart_is_bought_once_under_two_keys() {
    block_on(async {
        let world = World::new(10, 2, false, Vec::new());
        let (one, other) = tokio::join!(buy(&world, "one"), buy(&world, "other"));
        let won = [one, other].into_iter().flatten().flatten().count();
        assert_eq!(won, 1);
        assert_books_balance(&world, 10);
    });
}

#[test]
fn an_expected_total_that_is_wrong_is_refused_and_says_what_is_right() {
    block_on(async {
        let world = World::new(10, 2, false, Vec::new());
        let wrong = CheckoutRequest {
            expected_total: Some(Money::new(1, Currency::USD)),
            ..request()
        };
        let key = IdempotencyKey::parse("key").unwrap();
        let refused = shop(&world)
            .checkout(&Caller::Anonymous, &key, &wrong, "request")
            .await;
        let Err(Error::TotalChanged { actual }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(actual, Money::new(2 * 1_299 + 499, Currency::USD));
        assert_books_balance(&world, 10);
    });
}
