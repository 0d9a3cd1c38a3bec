//! The things the stand-in answers with.

use std::collections::BTreeMap;

use bothways_domain::{
    Caller, Currency, Money,
    caller::{Claims, Role},
    cart::{CartItem, CartView, Quantity},
    checkout::{Address, Moment, Order, OrderItem, OrderStatus},
    id::{CartId, OrderId, ProductId, SessionId, Token, UserId},
    identity::{TokenType, Tokens, User},
    inventory::Availability,
    product::{Category, Images, Product, ProductDraft, ProductView, Rating},
    time::Timestamp,
};

pub(crate) fn user(role: Role) -> Caller {
    let claims = Claims {
        user: UserId::parse("u1").unwrap(),
        role,
        session: SessionId::parse("s1").unwrap(),
    };
    let bearer = Token::presented(if role == Role::Admin { "admin" } else { "user" });
    Caller::User { claims, bearer }
}

pub(crate) fn product_id(id: &str) -> ProductId {
    ProductId::parse(id).unwrap()
}

pub(crate) fn dollars(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_123)
}

pub(crate) fn draft() -> ProductDraft {
    ProductDraft {
        name: "Ink & \"toner\"".to_owned(),
        brand: None,
        category: Category::new(vec!["Printing".to_owned(), "Toner & drums".to_owned()]),
        description: "…".to_owned(),
        price: dollars(1_299),
        attributes: BTreeMap::from([("Colour".to_owned(), "black".to_owned())]),
        rating: Rating::parse(4.5),
    }
}

pub(crate) fn product(id: &ProductId) -> Product {
    Product {
        id: id.clone(),
        draft: draft(),
        images: Some(Images {
            thumb: "/a".to_owned(),
            card: "/b".to_owned(),
            full: "/c".to_owned(),
        }),
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn view(id: &ProductId) -> ProductView {
    let related = vec![product(&product_id("other")).to_hit(Availability::Unknown)];
    ProductView::new(product(id), Availability::LowStock, related)
}

pub(crate) fn cart(id: &CartId) -> CartView {
    let item = CartItem {
        product_id: product_id("p"),
        name: "P".to_owned(),
        unit_price: dollars(5),
        quantity: Quantity::parse(2).unwrap(),
        line_total: dollars(10),
        availability: Availability::InStock,
        image: None,
    };
    CartView {
        id: id.clone(),
        items: vec![item],
        subtotal: dollars(10),
        currency: Currency::USD,
        version: 7,
        updated_at: now(),
    }
}

pub(crate) fn address() -> Address {
    Address {
        name: "Robin".to_owned(),
        line1: "1 Way".to_owned(),
        line2: None,
        city: "Town".to_owned(),
        postal_code: "1".to_owned(),
        country: "NZ".to_owned(),
    }
}

pub(crate) fn order(id: &OrderId) -> Order {
    let item = OrderItem {
        product_id: product_id("p"),
        name: "P".to_owned(),
        unit_price: dollars(5),
        quantity: Quantity::parse(2).unwrap(),
        line_total: dollars(10),
    };
    Order {
        id: id.clone(),
        status: OrderStatus::Confirmed,
        items: vec![item],
        subtotal: dollars(10),
        shipping: dollars(499),
        total: dollars(509),
        email: "robin@example.org".to_owned(),
        shipping_address: address(),
        created_at: now(),
        timeline: vec![Moment {
            status: OrderStatus::Pending,
            at: now(),
        }],
    }
}

pub(crate) fn account() -> User {
    User {
        id: UserId::parse("u1").unwrap(),
        email: "robin@example.org".to_owned(),
        name: "Robin".to_owned(),
        role: Role::Customer,
        created_at: now(),
    }
}

pub(crate) fn tokens() -> Tokens {
    Tokens {
        access_token: Token::presented("a"),
        token_type: TokenType::Bearer,
        expires_in: 900,
        refresh_token: Token::presented("r"),
    }
}
