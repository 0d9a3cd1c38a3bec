//! Fulfilment: whatever fails and whoever dies, a bought order is delivered and its buyer has a receipt, unless it
//! was cancelled first; and a mail server holds no goods up.

use std::sync::Arc;

use bothways_domain::{
    Caller,
    checkout::{CheckoutApi, CheckoutStore, Order, OrderStatus},
    event::{Event, EventHandler, EventKind},
    fulfilment::{MailError, Stage},
    id::{EventId, OrderId, Token},
    time::{Clock, Timestamp},
};
use proptest::prelude::*;

use crate::{
    depot::{DELIVER_AFTER, Depot, SHIP_AFTER},
    saga::{assert_books_balance, attempt, block_on, buy, fault, recover, shop},
    store::Face,
    world::World,
};

/// An order in a world with a depot.
struct Bought {
    world: Arc<World>,
    depot: Arc<Depot>,
    caller: Caller,
    id: OrderId,
}

impl Bought {
    async fn now() -> Self {
        let world = World::new(5, 2, false, Vec::new());
        let placed = buy(&world, "key").await.unwrap().unwrap();
        Self {
            depot: Depot::new(&world),
            world,
            caller: Caller::Bearer(Token::presented(placed.access_token.reveal())),
            id: placed.order.id,
        }
    }

    fn confirmed(&self) -> Event {
        let kind = EventKind::OrderConfirmed;
        let at = Timestamp::from_millis(1_000_000);
        Event::new(EventId::parse("e").unwrap(), kind, self.id.as_str(), at)
    }

    async fn told(&self) -> bool {
        let handled = attempt(self.depot.fulfilment().handle(&[self.confirmed()])).await;
        handled.is_some_and(|handled| handled.is_ok_and(|failed| failed.is_empty()))
    }

    /// One pass of one process.
    async fn pass(&self) {
        attempt(self.depot.fulfilment().move_shipments()).await;
        attempt(self.depot.fulfilment().send_receipt()).await;
    }

    /// Passes every second for so long.
    async fn passes_for(&self, seconds: i64) {
        for _ in 0..seconds {
            self.world.pass(1_000);
            self.pass().await;
        }
    }

    async fn order(&self) -> Order {
        let store = Face(self.world.clone());
        store.order(&self.id).await.unwrap().unwrap().order
    }

    fn sent(&self) -> usize {
        self.depot.sent.lock().unwrap().len()
    }

    fn stage(&self) -> Stage {
        self.depot.rows.lock().unwrap()[&self.id].stage
    }
}

fn refuses() -> MailError {
    MailError::NotTaken("450 not now".into())
}

/// What may happen around an order.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Cancel,
    ToldAgain,
    Pass,
    Wait,
    Recover,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        1 => Just(Happens::Cancel),
        1 => Just(Happens::ToldAgain),
        6 => Just(Happens::Pass),
        3 => Just(Happens::Wait),
        1 => Just(Happens::Recover),
    ]
}

proptest! {
    #[test]
    fn any_faults_leave_an_order_delivered_or_cancelled(story in prop::collection::vec(happens(), 0..20), faults in prop::collection::vec(fault(), 0..40)) {
        block_on(async {
            let it = Bought::now().await;
            *it.world.faults.lock().unwrap() = faults;
            while !it.told().await {}
            let mut cancelled = false;
            for happens in story {
                match happens {
                    Happens::Cancel => cancelled |= matches!(attempt(shop(&it.world).cancel(&it.caller, &it.id)).await, Some(Ok(_))),
                    Happens::ToldAgain => { it.told().await; }
                    Happens::Pass => it.pass().await,
                    Happens::Wait => it.world.pass(9_000),
                    Happens::Recover => { attempt(shop(&it.world).recover()).await; }
                }
            }
            recover(&it.world).await;
            it.passes_for(200).await;
            assert_books_balance(&it.world, 5);
            let order = it.order().await;
            let is_cancelled = order.status == OrderStatus::Cancelled;
            assert!(is_cancelled || !cancelled, "{order:?}");
            if is_cancelled {
                assert_eq!((it.stage(), order.timeline.len()), (Stage::CalledOff, 3));
            } else {
                assert_eq!((it.stage(), order.timeline.len()), (Stage::Delivered, 4));
                assert!(it.sent() > 0, "the receipt was sent");
            }
            let row = &it.depot.rows.lock().unwrap()[&it.id];
            assert_eq!((row.due_at, row.receipt_due_at), (None, None), "nothing is left to do");
        });
    }
}

#[test]
fn goods_move_when_they_are_due_and_the_receipt_goes_at_once() {
    block_on(async {
        let it = Bought::now().await;
        let wait =
            Timestamp::from_millis(1_000_000 + SHIP_AFTER).as_millis() - it.world.now().as_millis();
        assert!(it.told().await && it.told().await);
        it.pass().await;
        assert_eq!((it.sent(), it.stage()), (1, Stage::Packing));
        it.world.pass(wait - 1);
        it.pass().await;
        assert_eq!(it.stage(), Stage::Packing);
        it.world.pass(1);
        it.pass().await;
        assert_eq!(it.order().await.status, OrderStatus::Shipped);
        it.world.pass(DELIVER_AFTER - 1);
        it.pass().await;
        assert_eq!(it.stage(), Stage::OnTheWay);
        it.world.pass(1);
        it.pass().await;
        assert_eq!(it.order().await.status, OrderStatus::Delivered);
        assert_eq!(it.sent(), 1);
    });
}

#[test]
fn a_mail_server_that_is_away_delays_the_receipt_and_never_the_goods() {
    block_on(async {
        let it = Bought::now().await;
        *it.depot.mail.lock().unwrap() = Some(refuses);
        assert!(it.told().await);
        it.passes_for(60).await;
        assert_eq!((it.stage(), it.sent()), (Stage::Delivered, 0));
        *it.depot.mail.lock().unwrap() = None;
        it.passes_for(60).await;
        assert_eq!(it.sent(), 1);
    });
}

#[test]
fn a_receipt_nobody_takes_is_given_up_after_five_days_and_a_bad_address_at_once() {
    block_on(async {
        let owed = |it: &Bought| {
            it.depot.rows.lock().unwrap()[&it.id]
                .receipt_due_at
                .is_some()
        };
        let it = Bought::now().await;
        *it.depot.mail.lock().unwrap() = Some(refuses);
        assert!(it.told().await);
        for _ in 0..5 * 24 - 1 {
            it.world.pass(3_600_000);
            it.pass().await;
        }
        assert!(owed(&it));
        it.world.pass(2 * 3_600_000);
        it.pass().await;
        assert!(!owed(&it));

        let it = Bought::now().await;
        *it.depot.mail.lock().unwrap() =
            Some(|| MailError::Unaddressable("two dots in a row".into()));
        assert!(it.told().await);
        it.pass().await;
        assert!(!owed(&it));
    });
}

#[test]
fn a_cancelled_order_gets_no_receipt_and_is_called_off() {
    block_on(async {
        let it = Bought::now().await;
        assert!(it.told().await);
        shop(&it.world).cancel(&it.caller, &it.id).await.unwrap();
        it.passes_for(60).await;
        assert_eq!((it.stage(), it.sent()), (Stage::CalledOff, 0));
    });
}

#[test]
fn other_events_are_none_of_its_business_and_a_bad_one_comes_again() {
    block_on(async {
        let it = Bought::now().await;
        let event = |kind, subject: &str| {
            let at = Timestamp::from_millis(0);
            Event::new(EventId::parse("e").unwrap(), kind, subject, at)
        };
        let events = [
            event(EventKind::OrderCancelled, it.id.as_str()),
            event(EventKind::ProductChanged, "kettle"),
            event(EventKind::OrderConfirmed, "no id!"),
            it.confirmed(),
        ];
        let failed = it.depot.fulfilment().handle(&events).await.unwrap();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].0, 2);
        assert_eq!(it.depot.rows.lock().unwrap().len(), 1);
    });
}

/// What has no order ends too, and orders that can't be asked about are asked again.
#[test]
fn an_outage_of_orders_costs_a_moment_and_no_attempt() {
    block_on(async {
        let it = Bought::now().await;
        assert!(it.told().await);
        it.world.pass(SHIP_AFTER);
        // The shipment is taken, the desk is down, the shipment is put back.
        *it.world.faults.lock().unwrap() = vec![
            crate::world::Fault::Works,
            crate::world::Fault::Refused,
            crate::world::Fault::Works,
        ];
        assert!(it.depot.fulfilment().move_shipments().await.is_err());
        it.world.pass(1_000);
        assert!(it.depot.fulfilment().move_shipments().await.unwrap());
        assert_eq!(it.stage(), Stage::OnTheWay);

        let lost = Event::new(
            EventId::parse("e").unwrap(),
            EventKind::OrderConfirmed,
            "lost",
            Timestamp::from_millis(0),
        );
        it.depot.fulfilment().handle(&[lost]).await.unwrap();
        it.passes_for(1).await;
        let rows = it.depot.rows.lock().unwrap();
        let row = &rows[&OrderId::parse("lost").unwrap()];
        assert_eq!((row.stage, row.due_at), (Stage::CalledOff, None));
    });
}
