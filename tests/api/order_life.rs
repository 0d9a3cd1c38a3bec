//! What becomes of an order after it is bought: it ships and is delivered, or is cancelled before that, and
//! never both.

use std::time::Duration;

use bothways_tests::{Case, Order, Product, Shop, cases, entries, eventually, money};
use futures::future::join_all;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_order_ships_and_is_delivered,
        a_buyer_follows_their_orders_in_the_list,
        an_order_cancelled_before_it_ships_never_ships,
        an_order_that_has_shipped_is_not_cancelled,
        of_cancelling_and_shipping_at_the_same_moment_one_wins,
    ]
}

/// How long an order may take to be delivered: the suite's shops take 49 s, on a busy machine of two cores a while longer.
const LIFE: Duration = Duration::from_mins(4);
/// What of each product is put in stock.
const STOCK: i64 = 5;

async fn bought(shop: &Shop) -> (Product, Order) {
    let product = shop.product().stock(STOCK).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    let order = shop.checkout(&cart.id).buy().await;
    (product, order)
}

async fn reaches(shop: &Shop, order: &Order, status: &str) -> Value {
    eventually(LIFE, &format!("{} is {status}", order.id), async || {
        let read = order.read(shop).await;
        if read["status"] == status {
            Ok(read)
        } else {
            Err(read["timeline"].to_string())
        }
    })
    .await
}

fn steps(order: &Value) -> Vec<&str> {
    let timeline = entries(&order["timeline"]).iter();
    timeline
        .filter_map(|entry| entry["status"].as_str())
        .collect()
}

fn times(order: &Value) -> Vec<OffsetDateTime> {
    let moments = entries(&order["timeline"]).iter();
    let moments = moments.filter_map(|entry| entry["at"].as_str());
    moments
        .map(|at| OffsetDateTime::parse(at, &Rfc3339).expect("RFC 3339"))
        .collect()
}

/// What was charged for the order and not given back, in minor units.
async fn kept_of(shop: &Shop, order: &Order) -> i64 {
    let mut kept = 0;
    for intent in shop.ledger().of_order(&order.id).await {
        if intent.is_charge() {
            kept += intent.amount - shop.ledger().refunded(&intent).await;
        }
    }
    kept
}

async fn an_order_ships_and_is_delivered(shop: &Shop) {
    let (product, order) = bought(shop).await;
    let delivered = reaches(shop, &order, "delivered").await;
    assert_eq!(
        steps(&delivered),
        ["pending", "confirmed", "shipped", "delivered"]
    );
    let times = times(&delivered);
    assert_eq!(times.len(), 4);
    assert!(times.is_sorted(), "{}", delivered["timeline"]);
    assert_eq!(delivered["timeline"][0]["at"], delivered["created_at"]);
    for member in ["items", "total", "email", "shipping_address", "created_at"] {
        assert_eq!(delivered[member], order.body[member], "{member} stays");
    }
    assert_eq!(kept_of(shop, &order).await, order.total());
    shop.settles_at(&product.id, STOCK - 2).await;
}

async fn a_buyer_follows_their_orders_in_the_list(shop: &Shop) {
    let (user, product) = (shop.user().await, shop.product().stock(9).create().await);
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let cart = cart.claimed_by(&user).await;
    let order = shop.checkout(&cart.id).by(&user).buy().await;
    let delivered = reaches(shop, &order, "delivered").await;
    let list = shop
        .get("/api/orders")
        .bearer(&user.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(list["orders"], Value::from(vec![delivered]));
    assert_eq!(list["orders"][0]["total"], money(1798));
}

async fn an_order_cancelled_before_it_ships_never_ships(shop: &Shop) {
    let (product, cancelled) = bought(shop).await;
    cancelled.cancel(shop).await.expect(200);
    // An order bought later has arrived: this one's time to ship is over.
    let (_, witness) = bought(shop).await;
    reaches(shop, &witness, "delivered").await;
    let read = cancelled.read(shop).await;
    assert_eq!(read["status"], "cancelled");
    assert_eq!(steps(&read), ["pending", "confirmed", "cancelled"]);
    shop.settles_at(&product.id, STOCK).await;
    assert_eq!(kept_of(shop, &cancelled).await, 0);
}

async fn an_order_that_has_shipped_is_not_cancelled(shop: &Shop) {
    let (product, order) = bought(shop).await;
    for status in ["shipped", "delivered"] {
        let timeline = reaches(shop, &order, status).await["timeline"].clone();
        order.cancel(shop).await.problem("not-cancellable");
        let admin = shop.post(&format!("{}/cancel", order.path()));
        let admin = admin.bearer(&shop.admin().await).send().await;
        admin.problem("not-cancellable");
        let read = order.read(shop).await;
        let before = entries(&timeline);
        assert_eq!(&entries(&read["timeline"])[..before.len()], before);
        assert!(!steps(&read).contains(&"cancelled"), "{read}");
    }
    shop.settles_at(&product.id, STOCK - 2).await;
    assert_eq!(kept_of(shop, &order).await, order.total());
}

async fn of_cancelling_and_shipping_at_the_same_moment_one_wins(shop: &Shop) {
    const ORDERS: i64 = 8;
    let product = shop.product().stock(ORDERS).create().await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        orders.push(shop.checkout(&cart.id).buy().await);
    }
    // They were bought within seconds: when the first has shipped, the others are about to.
    reaches(shop, &orders[0], "shipped").await;
    let asked = orders.iter().chain(&orders).map(|order| order.cancel(shop));
    for reply in join_all(asked).await {
        if reply.status == 200 {
            assert_eq!(reply.expect(200)["status"], "cancelled");
        } else if !reply.is_problem("request-in-progress") {
            reply.problem("not-cancellable");
        }
    }
    let mut sold = 0;
    for order in &orders {
        let end = eventually(LIFE, "one has won", async || {
            let read = order.read(shop).await;
            match read["status"].as_str() {
                Some("delivered" | "cancelled") => Ok(read),
                _ => Err(read["timeline"].to_string()),
            }
        })
        .await;
        let (kept, steps) = (kept_of(shop, order).await, steps(&end));
        let was_delivered = end["status"] == "delivered";
        assert_ne!(steps.contains(&"cancelled"), was_delivered, "{steps:?}");
        assert_eq!(steps.contains(&"shipped"), was_delivered, "{steps:?}");
        assert_eq!(kept, if was_delivered { order.total() } else { 0 });
        sold += i64::from(was_delivered);
    }
    assert!(sold > 0, "the first had shipped");
    shop.settles_at(&product.id, ORDERS - sold).await;
}
