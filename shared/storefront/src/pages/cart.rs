//! The cart.

use askama::Template;
use axum::{Form, extract::State, response::IntoResponse as _};
use bothways_domain::{
    Error, Money, Result,
    cart::{CartView, Quantity},
    id::{CartId, ProductId},
    inventory::Availability,
    pricing,
};
use serde::Deserialize;

use super::{Answer, Chrome, go_to};
use crate::{
    Pages,
    cookies::{CART, MONTH, NewCookies},
    error::{Failure, render},
    format,
    session::Visitor,
};

#[derive(Template)]
#[template(path = "cart.html")]
struct Cart {
    chrome: Chrome,
    lines: Vec<Line>,
    sums: Sums,
    blocked: bool,
}

/// A line of a cart or an order summary.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) picture: String,
    pub(crate) name: String,
    pub(crate) unit_price: String,
    pub(crate) quantity: u32,
    pub(crate) total: String,
    pub(crate) availability: &'static str,
    pub(crate) availability_class: &'static str,
}

/// The sums below a cart.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) subtotal: String,
    pub(crate) shipping: String,
    pub(crate) total: String,
    /// The total in minor units, for the form.
    pub(crate) amount: i64,
}

/// The lines of a cart.
pub(crate) fn lines(cart: &CartView) -> Vec<Line> {
    let line = |item: &bothways_domain::cart::CartItem| Line {
        id: item.product_id.to_string(),
        path: format::product_path(item.product_id.as_str()),
        picture: format::picture(item.image.as_deref(), item.product_id.as_str(), &item.name),
        name: item.name.clone(),
        unit_price: format::price(item.unit_price),
        quantity: item.quantity.get(),
        total: format::price(item.line_total),
        availability: format::availability(item.availability),
        availability_class: item.availability.as_str(),
    };
    cart.items.iter().map(line).collect()
}

/// The sums of a cart.
pub(crate) fn sums(subtotal: Money) -> Result<Sums> {
    let totals = pricing::totals(subtotal)?;
    let shipping = if totals.shipping.amount() == 0 {
        "Free".to_owned()
    } else {
        format::price(totals.shipping)
    };
    Ok(Sums {
        subtotal: format::price(totals.subtotal),
        shipping,
        total: format::price(totals.total),
        amount: totals.total.amount(),
    })
}

/// The visitor's cart, if it is still there.
pub(crate) async fn current(pages: &Pages, visitor: &Visitor) -> Result<Option<CartView>> {
    match &visitor.cart {
        Some(id) => pages.cart.view(&visitor.caller, id).await,
        None => Ok(None),
    }
}

/// The cart's page.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    let cart = current(&pages, &visitor).await?;
    let (lines, sums, blocked) = match &cart {
        Some(cart) => {
            let blocked = cart
                .items
                .iter()
                .any(|item| item.availability == Availability::OutOfStock);
            (lines(cart), sums(cart.subtotal)?, blocked)
        }
        None => (Vec::new(), Sums::default(), false),
    };
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    Ok(render(&Cart {
        chrome,
        lines,
        sums,
        blocked,
    })
    .into_response())
}

/// Some of a product.
#[derive(Deserialize)]
pub(crate) struct Put {
    product: String,
    quantity: String,
    /// `add` puts them to those already in the cart; otherwise it is how many there shall be.
    #[serde(default)]
    mode: String,
}

/// Puts a product into the cart, making one if there is none.
pub(crate) async fn put(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Put>,
) -> Answer {
    let product = ProductId::parse(&form.product).ok_or_else(Failure::not_found)?;
    let wanted: i64 = form
        .quantity
        .trim()
        .parse()
        .map_err(|_| Error::invalid("/quantity", "How many? 1 to 99."))?;
    let mut cookies = NewCookies::default();
    let cart = match current(&pages, &visitor).await? {
        Some(cart) => cart,
        None => pages.cart.create(&visitor.caller).await?,
    };
    cookies.set(CART, cart.id.as_str(), MONTH);
    let there = cart
        .items
        .iter()
        .find(|item| item.product_id == product)
        .map_or(0, |item| item.quantity.get());
    if wanted == 0 && form.mode != "add" {
        pages
            .cart
            .remove_item(&visitor.caller, &cart.id, &product, None)
            .await?;
        return Ok(go_to("/cart", cookies));
    }
    let quantity = if form.mode == "add" {
        Quantity::parse(wanted)?;
        (i64::from(there) + wanted).min(i64::from(Quantity::MAX))
    } else {
        wanted
    };
    let quantity = Quantity::parse(quantity)?;
    pages
        .cart
        .put_item(&visitor.caller, &cart.id, &product, quantity, None)
        .await?;
    Ok(go_to("/cart", cookies))
}

/// A product.
#[derive(Deserialize)]
pub(crate) struct Remove {
    product: String,
}

/// Takes a product out of the cart.
pub(crate) async fn remove(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Remove>,
) -> Answer {
    let product = ProductId::parse(&form.product).ok_or_else(Failure::not_found)?;
    let cart: &CartId = visitor.cart.as_ref().ok_or_else(Failure::not_found)?;
    pages
        .cart
        .remove_item(&visitor.caller, cart, &product, None)
        .await?;
    Ok(go_to("/cart", NewCookies::default()))
}
