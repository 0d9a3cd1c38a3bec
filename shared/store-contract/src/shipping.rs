//! Shipping and delivering orders, and what keeps an order from it.

use bothways_domain::{
    checkout::{Cancelling, CheckoutStore, Moved, Order, OrderStatus, Step},
    id::OrderId,
};

use crate::{
    Counter, Place,
    cancelling::{bought, cancel},
    checkout::{confirm_order, place_order, refuse},
    concurrency::{at_once, count},
    sample::{at, progress, told_of},
};

async fn read(store: &dyn CheckoutStore, id: &OrderId) -> Order {
    store.order(id).await.unwrap().unwrap().order
}

fn statuses(order: &Order) -> Vec<&'static str> {
    let moments = order.timeline.iter();
    moments.map(|moment| moment.status.as_str()).collect()
}

/// Each time is noted; repeating changes nothing.
pub async fn a_paid_order_ships_and_is_delivered_once(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = bought(store.as_ref(), "key", "cart").await;
    assert_eq!(
        store.deliver(&id, at(40)).await.unwrap(),
        Moved::NotYet,
        "it is not shipped"
    );
    for (ship, deliver) in [(50, 60), (70, 80)] {
        assert_eq!(store.ship(&id, at(ship)).await.unwrap(), Moved::Done);
        assert_eq!(store.deliver(&id, at(deliver)).await.unwrap(), Moved::Done);
    }
    let order = read(place.checkouts().await.as_ref(), &id).await;
    assert_eq!(order.status, OrderStatus::Delivered);
    assert_eq!(
        statuses(&order),
        ["pending", "confirmed", "shipped", "delivered"]
    );
    assert_eq!(
        (order.timeline[2].at, order.timeline[3].at),
        (at(50), at(60))
    );
    let told = told_of(place.outbox("checkout").await.as_ref()).await;
    assert_eq!(told.len(), 1, "shipping is nobody's event");
}

/// However long ago the order was confirmed; once it is captured, clearing the cart need not be waited for.
pub async fn what_is_not_captured_does_not_ship(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = place_order(store.as_ref(), "pending", "a", "one").await;
    assert_eq!(store.ship(&id, at(900)).await.unwrap(), Moved::NotYet);
    let id = confirm_order(store.as_ref(), "key", "b", "one").await;
    assert_eq!(store.ship(&id, at(900)).await.unwrap(), Moved::NotYet);
    let captured = progress(Step::Captured, at(1_000));
    assert!(store.advance(&id, "one", &captured).await.unwrap());
    assert_eq!(store.ship(&id, at(950)).await.unwrap(), Moved::Done);
    assert!(
        store.close(&id, "one", Step::Cleared).await.unwrap(),
        "the checkout is finished all the same"
    );
    assert_eq!(read(store.as_ref(), &id).await.status, OrderStatus::Shipped);
}

/// And stays as it is.
pub async fn what_came_to_nothing_never_ships(place: &dyn Place) {
    let store = place.checkouts().await;
    let declined = place_order(store.as_ref(), "declined", "a", "one").await;
    assert!(refuse(store.as_ref(), &declined, "one").await);
    let cancelled = bought(store.as_ref(), "cancelled", "b").await;
    cancel(store.as_ref(), &cancelled, "canceller", 50).await;
    for id in [&declined, &cancelled] {
        let before = read(store.as_ref(), id).await;
        assert_eq!(store.ship(id, at(60)).await.unwrap(), Moved::Over);
        assert_eq!(store.deliver(id, at(60)).await.unwrap(), Moved::Over);
        assert_eq!(read(store.as_ref(), id).await, before);
    }
    let nobodys = OrderId::random(&Counter);
    assert_eq!(store.ship(&nobodys, at(60)).await.unwrap(), Moved::Missing);
    assert_eq!(
        store.deliver(&nobodys, at(60)).await.unwrap(),
        Moved::Missing
    );
}

/// On its way, and when it has arrived.
pub async fn what_has_shipped_is_not_cancelled(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = bought(store.as_ref(), "key", "cart").await;
    store.ship(&id, at(50)).await.unwrap();
    for _ in 0..2 {
        let before = read(store.as_ref(), &id).await;
        let refused = cancel(store.as_ref(), &id, "canceller", 70).await;
        assert_eq!(refused, Cancelling::TooLate);
        assert_eq!(read(store.as_ref(), &id).await, before);
        store.deliver(&id, at(60)).await.unwrap();
    }
    assert_eq!(
        told_of(place.outbox("checkout").await.as_ref()).await.len(),
        1
    );
    let abandoned = store.take_abandoned("recovery", at(900), at(999), 10);
    assert_eq!(abandoned.await.unwrap(), [], "nothing is to be refunded");
}

/// Then time does not run backwards in the timeline.
pub async fn a_clock_that_is_behind_is_set_right(place: &dyn Place) {
    let store = place.checkouts().await;
    let id = bought(store.as_ref(), "key", "cart").await;
    store.ship(&id, at(2)).await.unwrap();
    let order = read(store.as_ref(), &id).await;
    assert_eq!(order.timeline[1].at, at(5), "as it was confirmed");
    assert_eq!(order.timeline[2].at, at(5));
}

/// Several times, as a race that is lost does not always show.
pub async fn of_shipping_and_cancelling_at_once_one_wins(place: &dyn Place) {
    let stores = [place.checkouts().await, place.checkouts().await];
    for round in 0..16 {
        let ships = |n: u32| n % 2 == round % 2;
        let name = format!("n{round}");
        let id = bought(stores[0].as_ref(), &name, &name).await;
        let raced = at_once(8, |n| {
            let (store, id) = (&stores[n as usize / 2 % 2], &id);
            async move {
                if ships(n) {
                    let moved = store.ship(id, at(50)).await.unwrap();
                    return (moved == Moved::Done, false);
                }
                let begun = cancel(store.as_ref(), id, &format!("worker-{n}"), 50).await;
                (false, matches!(begun, Cancelling::Begun(_)))
            }
        });
        let raced = raced.await;
        let shipped = count(&raced, |(shipped, _)| *shipped);
        let refunding = count(&raced, |(_, refunding)| *refunding);
        let order = read(stores[0].as_ref(), &id).await;
        let end = (shipped, refunding, order.status);
        assert!(
            end == (4, 0, OrderStatus::Shipped) || end == (0, 1, OrderStatus::Cancelled),
            "{end:?}"
        );
        assert_eq!(order.timeline.len(), 3);
    }
}
