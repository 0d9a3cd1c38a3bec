//! Shipping against cancelling: whatever order they come in and whatever fails, an order is shipped or refunded,
//! never both, and the books balance.

use std::sync::Arc;

use bothways_domain::{
    Caller,
    checkout::{CheckoutApi, DeskUseCases, Moved, Order, OrderDesk, OrderStatus, Placed},
    id::{OrderId, Token},
};
use proptest::prelude::*;

use crate::{
    saga::{assert_books_balance, attempt, block_on, buy, fault, recover, shop},
    store::Face,
    world::{Fault, World},
};

fn desk(world: &Arc<World>) -> DeskUseCases {
    DeskUseCases {
        store: Arc::new(Face(world.clone())),
        clock: world.clone(),
    }
}

/// What somebody may want of a bought order.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Cancel,
    Ship,
    Deliver,
    Recover,
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        Just(Wish::Cancel),
        Just(Wish::Ship),
        Just(Wish::Deliver),
        Just(Wish::Recover),
    ]
}

fn key_to(placed: &Placed) -> Caller {
    Caller::Bearer(Token::presented(placed.access_token.reveal()))
}

async fn read(world: &Arc<World>, id: &OrderId) -> Order {
    desk(world).order(id).await.unwrap().unwrap()
}

fn statuses(order: &Order) -> Vec<OrderStatus> {
    order.timeline.iter().map(|moment| moment.status).collect()
}

proptest! {
    #[test]
    fn an_order_is_shipped_or_refunded(wishes in prop::collection::vec(wish(), 0..8), faults in prop::collection::vec(fault(), 0..20)) {
        block_on(async {
            let world = World::new(5, 2, false, Vec::new());
            let placed = buy(&world, "key").await.unwrap().unwrap();
            let (id, caller) = (&placed.order.id, key_to(&placed));
            *world.faults.lock().unwrap() = faults;
            let (mut was_cancelled, mut was_shipped) = (false, false);
            for wish in wishes {
                world.pass(1_000);
                match wish {
                    Wish::Cancel => was_cancelled |= matches!(attempt(shop(&world).cancel(&caller, id)).await, Some(Ok(_))),
                    Wish::Ship => was_shipped |= matches!(attempt(desk(&world).ship(id)).await, Some(Ok(Moved::Done))),
                    Wish::Deliver => { attempt(desk(&world).deliver(id)).await; }
                    Wish::Recover => { attempt(shop(&world).recover()).await; }
                }
            }
            recover(&world).await;
            assert_books_balance(&world, 5);
            let order = read(&world, id).await;
            let states = statuses(&order);
            assert!(!(was_cancelled && was_shipped), "{order:?}");
            assert!(!was_cancelled || order.status == OrderStatus::Cancelled);
            assert!(!was_shipped || states.contains(&OrderStatus::Shipped));
            assert!(order.timeline.is_sorted_by_key(|moment| moment.at), "{order:?}");
            assert_eq!(order.timeline.last().map(|moment| moment.status), Some(order.status));
            let refunded = world.state.lock().unwrap().refunds.contains_key(id);
            assert_eq!(refunded, states.contains(&OrderStatus::Cancelled));
            assert!(!(refunded && states.contains(&OrderStatus::Shipped)));
        });
    }
}

#[test]
fn an_order_goes_on_once_however_often_it_is_asked() {
    block_on(async {
        let world = World::new(5, 2, false, Vec::new());
        let placed = buy(&world, "key").await.unwrap().unwrap();
        let (id, desk) = (&placed.order.id, desk(&world));
        assert_eq!(desk.deliver(id).await.unwrap(), Moved::NotYet);
        for _ in 0..2 {
            assert_eq!(desk.ship(id).await.unwrap(), Moved::Done);
        }
        for _ in 0..2 {
            assert_eq!(desk.deliver(id).await.unwrap(), Moved::Done);
        }
        assert_eq!(desk.ship(id).await.unwrap(), Moved::Done);
        let way = [
            OrderStatus::Pending,
            OrderStatus::Confirmed,
            OrderStatus::Shipped,
            OrderStatus::Delivered,
        ];
        assert_eq!(statuses(&read(&world, id).await), way);
        assert!(shop(&world).cancel(&key_to(&placed), id).await.is_err());
        let nobodys = OrderId::parse("nobodys").unwrap();
        assert_eq!(desk.ship(&nobodys).await.unwrap(), Moved::Missing);
    });
}

/// Capturing fails until recovery: goods nobody has paid stay where they are.
#[test]
fn what_is_not_captured_is_not_shipped() {
    block_on(async {
        let (mut call, mut waited) = (0, 0);
        loop {
            let mut faults = vec![Fault::Works; call];
            faults.push(Fault::DiesBefore);
            let world = World::new(5, 2, false, faults);
            let bought = buy(&world, "key").await;
            if bought.is_some() {
                break;
            }
            world.faults.lock().unwrap().clear();
            let id = world.state.lock().unwrap().checkouts.keys().next().cloned();
            if let Some(id) = id {
                let captured = |world: &World| {
                    let state = world.state.lock().unwrap();
                    let mut intents = state.intents.values();
                    intents
                        .any(|status| *status == bothways_domain::checkout::IntentStatus::Captured)
                };
                let moved = desk(&world).ship(&id).await.unwrap();
                waited += u32::from(moved == Moved::NotYet);
                assert!(moved != Moved::Done || captured(&world), "call {call}");
                recover(&world).await;
                let moved = desk(&world).ship(&id).await.unwrap();
                assert_eq!(moved == Moved::Done, captured(&world), "call {call}");
                assert_books_balance(&world, 5);
            }
            call += 1;
        }
        assert!(waited > 0, "no order was ever seen before it was captured");
    });
}
