//! What the stories are about: times, ids and things with believable values.

use bothways_domain::{
    Currency, Money,
    cart::{CartLine, Quantity},
    checkout::{
        Address, Claim, Moment, Order, OrderItem, OrderRecord, OrderStatus, Progress, Step,
    },
    event::{Event, EventKind, Outbox, PendingEvent},
    id::{CartId, IdempotencyKey, OrderId, ProductId, Token, UserId},
    inventory::StockLine,
    product::{Category, Product, ProductDraft},
    time::Timestamp,
};

use crate::Counter;

/// A moment, so many milliseconds into the story.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(crate) fn product_id(id: &str) -> ProductId {
    ProductId::parse(id).unwrap()
}

pub(crate) fn order_id(id: &str) -> OrderId {
    OrderId::parse(id).unwrap()
}

pub(crate) fn cart_id(id: &str) -> CartId {
    CartId::parse(id).unwrap()
}

pub(crate) fn user_id(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

pub(crate) fn quantity(units: u32) -> Quantity {
    Quantity::try_from(units).unwrap()
}

pub(crate) fn units(product: &str, quantity: u32) -> StockLine {
    StockLine {
        product_id: product_id(product),
        quantity,
    }
}

/// A product that says little, made at a moment.
pub(crate) fn product(id: &str, name: &str, made: Timestamp) -> Product {
    let draft = ProductDraft {
        name: name.to_owned(),
        brand: None,
        category: Category::new(vec!["Kitchen".to_owned()]),
        description: String::new(),
        price: usd(1_299),
        attributes: std::collections::BTreeMap::new(),
        rating: None,
    };
    Product {
        id: product_id(id),
        draft,
        images: None,
        created_at: made,
        updated_at: made,
    }
}

/// The product with the event that tells of it.
pub(crate) fn told(product: Product) -> (Product, Event) {
    let event = changed(&product);
    (product, event)
}

pub(crate) fn changed(product: &Product) -> Event {
    let kind = EventKind::ProductChanged;
    Event::of_product(kind, &product.id, product.updated_at, &Counter)
}

pub(crate) fn of_order(kind: EventKind, order: &OrderId, now: Timestamp) -> Event {
    Event::of_order(kind, order, now, &Counter)
}

pub(crate) fn line(product: &str, units: u32) -> CartLine {
    CartLine {
        product_id: product_id(product),
        name: format!("The {product}"),
        unit_price: usd(250),
        quantity: quantity(units),
    }
}

/// A claim of `key` for the cart by `worker`, leased until `until`. The order's id is new each time.
pub(crate) fn claim(key: &str, cart: &str, worker: &str, until: Timestamp) -> Claim {
    Claim {
        key: IdempotencyKey::parse(key).unwrap(),
        fingerprint: format!("what {cart} asks for"),
        cart_id: cart_id(cart),
        order_id: OrderId::random(&Counter),
        access_token: Token::random(&Counter),
        payment_method: "pm_card_visa".to_owned(),
        request_id: "request".to_owned(),
        worker: worker.to_owned(),
        lease_until: until,
    }
}

pub(crate) fn progress(step: Step, until: Timestamp) -> Progress {
    Progress {
        step,
        intent: None,
        lease_until: until,
    }
}

/// A pending order of two lines.
pub(crate) fn order(
    id: &OrderId,
    cart: &str,
    owner: Option<&str>,
    placed: Timestamp,
) -> OrderRecord {
    let item = |product: &str, price, units| OrderItem {
        product_id: product_id(product),
        name: format!("The {product} \"Ωmega\" 5′"),
        unit_price: usd(price),
        quantity: quantity(units),
        line_total: usd(price * i64::from(units)),
    };
    let text = str::to_owned;
    let shipping_address = Address {
        name: text("Ann Öberg"),
        line1: text("1 High Street"),
        line2: Some(text("Flat 2")),
        city: text("Köln"),
        postal_code: text("50667"),
        country: text("DE"),
    };
    let pending = Moment {
        status: OrderStatus::Pending,
        at: placed,
    };
    let order = Order {
        id: id.clone(),
        status: OrderStatus::Pending,
        items: vec![item("kettle", 2_000, 2), item("mug", 499, 1)],
        subtotal: usd(4_499),
        shipping: usd(499),
        total: usd(4_998),
        email: text("ann@example.com"),
        shipping_address,
        created_at: placed,
        timeline: vec![pending],
    };
    OrderRecord {
        order,
        owner: owner.map(user_id),
        cart_id: cart_id(cart),
        access_digest: "0".repeat(64),
    }
}

/// The order, confirmed at a moment.
pub(crate) fn confirmed(record: &OrderRecord, now: Timestamp) -> Order {
    let mut order = record.order.clone();
    order.become_(OrderStatus::Confirmed, now).unwrap();
    order
}

/// What an outbox holds that is due, as kind and subject.
pub(crate) async fn told_of(outbox: &dyn Outbox) -> Vec<(EventKind, String)> {
    let pending = outbox.pending(at(1_000_000), 10_000).await.unwrap();
    let brief = |pending: PendingEvent| (pending.event.kind, pending.event.subject);
    pending.into_iter().map(brief).collect()
}
