//! The checkout saga: every call of every port may fail, lose its answer or be the last thing the process
//! does, and after recovery the books balance all the same.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use bothways_domain::{
    Caller, Currency, Error, Money, Result,
    cart::{Cart, CartApi, CartLine, CartView, Quantity},
    checkout::{
        Address, Cancelling, CheckoutApi, CheckoutParts, CheckoutRecord, CheckoutRequest,
        CheckoutStore, CheckoutUseCases, Claim, Claimed, IntentId, IntentStatus, NoProbe, Order,
        OrderRecord, OrderStatus, Outcome, PaymentError, PaymentProvider, Placed, Progress,
        Refusal, Saga, SagaPolicy, Step,
    },
    event::Event,
    id::{CartId, IdempotencyKey, OrderId, ProductId, Token, UserId},
    import::{Change, ImportLine, ImportReport},
    inventory::{Availability, InventoryApi, Reserved, Settled, StockLevel, StockLine},
    paging::{Page, Paging},
    product::{Category, Product, ProductApi, ProductDraft, ProductView},
    time::Timestamp,
};
use proptest::prelude::*;

use crate::world::{Fault, Kept, State, World, cart, price, product, units};

/// A checkout as a database would keep it.
pub(crate) struct Row {
    key: Option<String>,
    fingerprint: String,
    saga: Saga,
    worker: String,
    lease_until: Timestamp,
    open: bool,
    locks_cart: bool,
    events: Vec<Event>,
}

/// The world's face towards checkout: each port is the world itself.
struct Face(Arc<World>);

impl Face {
    /// Does `write` to the row if the worker holds its lease.
    async fn fenced(
        &self,
        order: &OrderId,
        worker: &str,
        write: impl FnOnce(&mut Row),
    ) -> Result<bool> {
        let held = |state: &mut State| match state.checkouts.get_mut(order) {
            Some(row) if row.worker == worker && row.open => {
                write(row);
                true
            }
            _ => false,
        };
        self.0.call(held).await
    }
}

fn settle_order(row: &mut Row, status: OrderStatus, at: Timestamp) {
    if let Some(record) = &mut row.saga.order {
        record.order.become_(status, at).unwrap();
    }
}

#[async_trait]
impl CheckoutStore for Face {
    async fn claim(&self, claim: &Claim, now: Timestamp) -> Result<Claimed> {
        self.0
            .call(|state| {
                if let Some(row) = state
                    .checkouts
                    .values_mut()
                    .find(|row| row.key.as_deref() == Some(claim.key.as_str()))
                {
                    if row.fingerprint != claim.fingerprint {
                        return Claimed::KeyReused;
                    }
                    if row.saga.checkout.outcome.is_some() {
                        return Claimed::Answered(Box::new(row.saga.checkout.clone()));
                    }
                    if row.lease_until > now {
                        return Claimed::Running;
                    }
                    row.worker.clone_from(&claim.worker);
                    row.lease_until = claim.lease_until;
                    return Claimed::Resumed(Box::new(row.saga.clone()));
                }
                if state.checkouts.values().any(|row| row.locks_cart) {
                    return Claimed::CartBusy;
                }
                let checkout = CheckoutRecord {
                    order_id: claim.order_id.clone(),
                    cart_id: claim.cart_id.clone(),
                    access_token: claim.access_token.clone(),
                    payment_method: claim.payment_method.clone(),
                    request_id: claim.request_id.clone(),
                    step: Step::Claimed,
                    intent: None,
                    outcome: None,
                };
                let row = Row {
                    key: Some(claim.key.as_str().to_owned()),
                    fingerprint: claim.fingerprint.clone(),
                    saga: Saga {
                        checkout: checkout.clone(),
                        order: None,
                    },
                    worker: claim.worker.clone(),
                    lease_until: claim.lease_until,
                    open: true,
                    locks_cart: true,
                    events: Vec::new(),
                };
                state.checkouts.insert(claim.order_id.clone(), row);
                Claimed::Fresh(Box::new(checkout))
            })
            .await
    }

    async fn place(&self, order: &OrderRecord, worker: &str, progress: &Progress) -> Result<bool> {
        self.fenced(&order.order.id, worker, |row| {
            row.saga.order = Some(order.clone());
            row.saga.checkout.step = progress.step;
            row.lease_until = progress.lease_until;
        })
        .await
    }

    async fn advance(&self, order: &OrderId, worker: &str, progress: &Progress) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.saga.checkout.step = progress.step;
            row.saga.checkout.intent = progress.intent.clone().or(row.saga.checkout.intent.take());
            row.lease_until = progress.lease_until;
        })
        .await
    }

    async fn confirm(
        &self,
        order: &Order,
        event: &Event,
        worker: &str,
        progress: &Progress,
    ) -> Result<bool> {
        self.fenced(&order.id, worker, |row| {
            row.saga.order.as_mut().unwrap().order = order.clone();
            row.saga.checkout.step = progress.step;
            row.saga.checkout.outcome = Some(Outcome::Confirmed(Box::new(order.clone())));
            row.lease_until = progress.lease_until;
            row.events.push(event.clone());
        })
        .await
    }

    async fn close(&self, order: &OrderId, worker: &str, step: Step) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.saga.checkout.step = step;
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn refuse(
        &self,
        order: &OrderId,
        worker: &str,
        refusal: &Refusal,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<bool> {
        self.fenced(order, worker, |row| {
            settle_order(row, status, now);
            row.saga.checkout.outcome = Some(Outcome::Refused(refusal.clone()));
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        self.fenced(order, worker, |row| {
            settle_order(row, OrderStatus::Cancelled, now);
            row.key = None;
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn suspend(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.worker.clear();
            row.lease_until = now;
        })
        .await
    }

    async fn take_abandoned(
        &self,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Saga>> {
        self.0
            .call(|state| {
                let abandoned = state
                    .checkouts
                    .values_mut()
                    .filter(|row| row.open && row.lease_until <= now);
                let take = |row: &mut Row| {
                    worker.clone_into(&mut row.worker);
                    row.lease_until = lease_until;
                    row.saga.clone()
                };
                abandoned.take(limit as usize).map(take).collect()
            })
            .await
    }

    async fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>> {
        self.0
            .call(|state| {
                state
                    .checkouts
                    .get(id)
                    .and_then(|row| row.saga.order.clone())
            })
            .await
    }

    async fn orders_of(&self, _: &UserId, _: Paging) -> Result<Page<Order>> {
        Ok(Page {
            entries: Vec::new(),
            total: 0,
        })
    }

    async fn begin_cancel(
        &self,
        id: &OrderId,
        event: &Event,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Cancelling> {
        self.0
            .call(|state| {
                let Some(row) = state.checkouts.get_mut(id) else {
                    return Cancelling::Missing;
                };
                let Some(record) = &mut row.saga.order else {
                    return Cancelling::Missing;
                };
                match record.order.status {
                    OrderStatus::Cancelled if row.saga.checkout.step >= Step::Cancelling => {
                        return Cancelling::Already(Box::new(record.order.clone()));
                    }
                    OrderStatus::Confirmed => {}
                    _ => return Cancelling::TooLate,
                }
                if row.open && row.lease_until > now {
                    return Cancelling::Busy;
                }
                record.order.become_(OrderStatus::Cancelled, now).unwrap();
                row.saga.checkout.step = Step::Cancelling;
                row.events.push(event.clone());
                worker.clone_into(&mut row.worker);
                row.lease_until = lease_until;
                row.open = true;
                Cancelling::Begun(Box::new(row.saga.clone()))
            })
            .await
    }
}

#[async_trait]
impl InventoryApi for Face {
    async fn level(&self, _: &Caller, _: &ProductId) -> Result<StockLevel> {
        Err(Error::Forbidden)
    }
    async fn set(&self, _: &Caller, _: &ProductId, _: u32) -> Result<StockLevel> {
        Err(Error::Forbidden)
    }
    async fn import(
        &self,
        _: &Caller,
        _: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport> {
        Err(Error::Forbidden)
    }
    async fn availability(&self, _: &[ProductId]) -> Result<HashMap<ProductId, Availability>> {
        Err(Error::unavailable("inventory"))
    }

    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved> {
        let wanted = units(lines);
        self.0
            .call(|state| {
                match state.reservations.get(order) {
                    Some((Kept::Held | Kept::Settled, _)) => return Reserved::Kept,
                    Some(_) => return Reserved::Gone,
                    None => {}
                }
                let held: u32 = state
                    .reservations
                    .values()
                    .filter(|(kept, _)| *kept == Kept::Held)
                    .map(|(_, n)| n)
                    .sum();
                if state.on_hand - held < wanted {
                    return Reserved::Short(vec![product()]);
                }
                state
                    .reservations
                    .insert(order.clone(), (Kept::Held, wanted));
                Reserved::Kept
            })
            .await
    }

    async fn release(&self, order: &OrderId) -> Result<()> {
        self.restock(order).await
    }

    async fn settle(&self, order: &OrderId) -> Result<Settled> {
        self.0
            .call(|state| match state.reservations.get_mut(order) {
                Some((Kept::Settled, _)) => Settled::Sold,
                Some((kept @ Kept::Held, wanted)) => {
                    *kept = Kept::Settled;
                    state.on_hand -= *wanted;
                    Settled::Sold
                }
                _ => Settled::Gone,
            })
            .await
    }

    async fn restock(&self, order: &OrderId) -> Result<()> {
        self.0
            .call(|state| {
                let (kept, wanted) = state
                    .reservations
                    .entry(order.clone())
                    .or_insert((Kept::Released, 0));
                match kept {
                    Kept::Held => *kept = Kept::Released,
                    Kept::Settled => {
                        *kept = Kept::Restocked;
                        state.on_hand += *wanted;
                    }
                    Kept::Released | Kept::Restocked => {}
                }
            })
            .await
    }
}

#[async_trait]
impl CartApi for Face {
    async fn create(&self, _: &Caller) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn view(&self, _: &Caller, _: &CartId) -> Result<Option<CartView>> {
        Err(Error::Forbidden)
    }
    async fn put_item(
        &self,
        _: &Caller,
        _: &CartId,
        _: &ProductId,
        _: Quantity,
        _: Option<i64>,
    ) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn remove_item(
        &self,
        _: &Caller,
        _: &CartId,
        _: &ProductId,
        _: Option<i64>,
    ) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn delete(&self, _: &Caller, _: &CartId) -> Result<()> {
        Err(Error::Forbidden)
    }
    async fn claim(&self, _: &Caller, _: &CartId) -> Result<CartView> {
        Err(Error::Forbidden)
    }

    async fn contents(&self, _: &Caller, id: &CartId) -> Result<Option<Cart>> {
        self.0
            .call(|state| {
                let line = |quantity| CartLine {
                    product_id: product(),
                    name: String::new(),
                    unit_price: price(),
                    quantity,
                };
                let lines = Quantity::try_from(state.cart)
                    .ok()
                    .map(line)
                    .into_iter()
                    .collect();
                Some(Cart {
                    id: id.clone(),
                    owner: None,
                    lines,
                    version: 1,
                    updated_at: Timestamp::from_millis(0),
                })
            })
            .await
    }

    async fn consume(&self, _: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()> {
        let bought = units(lines);
        self.0
            .call(|state| {
                if !state.consumed.contains(order) {
                    state.consumed.push(order.clone());
                    state.cart = state.cart.saturating_sub(bought);
                }
            })
            .await
    }
}

#[async_trait]
impl ProductApi for Face {
    async fn view(&self, _: &ProductId) -> Result<Option<ProductView>> {
        Err(Error::Forbidden)
    }
    async fn views(&self, _: &[ProductId]) -> Result<Vec<ProductView>> {
        Err(Error::Forbidden)
    }
    async fn catalogue(&self, _: Option<&ProductId>, _: u32) -> Result<Vec<Product>> {
        Err(Error::Forbidden)
    }
    async fn put(
        &self,
        _: &Caller,
        _: &ProductId,
        _: ProductDraft,
    ) -> Result<(Change, ProductView)> {
        Err(Error::Forbidden)
    }
    async fn delete(&self, _: &Caller, _: &ProductId) -> Result<()> {
        Err(Error::Forbidden)
    }
    async fn import(
        &self,
        _: &Caller,
        _: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport> {
        Err(Error::Forbidden)
    }

    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        let draft = ProductDraft {
            name: "Kettle".to_owned(),
            brand: None,
            category: Category::default(),
            description: String::new(),
            price: price(),
            attributes: [].into(),
            rating: None,
        };
        let record = |id: &ProductId| Product {
            id: id.clone(),
            draft: draft.clone(),
            images: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        self.0.call(|_| ids.iter().map(record).collect()).await
    }
}

impl Face {
    async fn pay<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, PaymentError> {
        self.0
            .call(work)
            .await
            .map_err(|error| PaymentError::Unknown(Box::new(error)))
    }
}

#[async_trait]
impl PaymentProvider for Face {
    async fn create(&self, order: &OrderId, _: Money, _: &str) -> Result<IntentId, PaymentError> {
        let id = format!("pi_{order}");
        self.pay(|state| {
            state
                .intents
                .entry(id.clone())
                .or_insert(IntentStatus::Unconfirmed);
            IntentId(id)
        })
        .await
    }

    async fn confirm(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        let declines = self.0.declines;
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status == IntentStatus::Unconfirmed {
                *status = if declines {
                    IntentStatus::Declined {
                        code: "card_declined".to_owned(),
                    }
                } else {
                    IntentStatus::Authorised
                };
            }
            status.clone()
        })
        .await
    }

    async fn status(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| state.intents[&intent.0].clone()).await
    }

    async fn capture(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status == IntentStatus::Authorised {
                *status = IntentStatus::Captured;
            }
            status.clone()
        })
        .await
    }

    async fn cancel(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status != IntentStatus::Captured {
                *status = IntentStatus::Cancelled;
            }
            status.clone()
        })
        .await
    }

    async fn refund(&self, order: &OrderId, _: &IntentId) -> Result<(), PaymentError> {
        // Idempotent by order, as the provider's key makes it.
        self.pay(|state| *state.refunds.entry(order.clone()).or_insert(1))
            .await
            .map(|_| ())
    }
}

fn shop(world: &Arc<World>) -> CheckoutUseCases {
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
async fn attempt<T>(work: impl Future<Output = Result<T>>) -> Option<Result<T>> {
    // The clock is paused: a future that can't go on is found out at once.
    tokio::time::timeout(std::time::Duration::from_secs(1), work)
        .await
        .ok()
}

async fn buy(world: &Arc<World>, key: &str) -> Option<Result<Placed>> {
    let key = IdempotencyKey::parse(key).unwrap();
    attempt(shop(world).checkout(&Caller::Anonymous, &key, &request(), "request")).await
}

/// Lets recovery run, undisturbed, as often as it takes within its minute.
async fn recover(world: &Arc<World>) {
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

/// What can be added up from outside, and has to come out even.
fn assert_books_balance(world: &World, stocked: u32) {
    let state = world.state.lock().unwrap();
    let orders = state
        .checkouts
        .values()
        .filter_map(|row| row.saga.order.as_ref());
    let confirmed: Vec<_> = orders
        .filter(|record| record.order.status == OrderStatus::Confirmed)
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

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::Works),
        1 => Just(Fault::Refused),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::DiesBefore),
        1 => Just(Fault::DiesAfter),
    ]
}

fn block_on(test: impl Future<Output = ()>) {
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
        let won = [one, other]
            .into_iter()
            .flatten()
            .filter(Result::is_ok)
            .count();
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
