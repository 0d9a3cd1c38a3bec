//! The cart.

use askama::Template;
use axum::{Form, extract::State};
use bothways_domain::{
    Caller, Error, Money, Result,
    cart::{CartView, Quantity},
    id::{CartId, ProductId},
    inventory::Availability,
    pricing,
};
use bothways_http::extract::Query;
use serde::Deserialize;

use super::{Answer, Chrome, go_to, with_cookies};
use crate::{
    Pages,
    cookies::{CART, ITEMS, MONTH, NewCookies},
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
    /// Whether an earlier cart of the user's had to stay apart from this one.
    apart: bool,
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
    /// What is missing for free shipping; empty when nothing is.
    pub(crate) to_free: String,
    /// How far towards free shipping this is.
    pub(crate) free_percent: i64,
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
    let missing = pricing::FREE_SHIPPING_FROM - subtotal.amount();
    let to_free = if missing > 0 {
        format::price(Money::new(missing, subtotal.currency()))
    } else {
        String::new()
    };
    Ok(Sums {
        to_free,
        free_percent: subtotal.amount().clamp(0, pricing::FREE_SHIPPING_FROM) * 100
            / pricing::FREE_SHIPPING_FROM,
        subtotal: format::price(totals.subtotal),
        shipping,
        total: format::price(totals.total),
        amount: totals.total.amount(),
    })
}

/// The cart this browser remembers, if it is still there; else the one a signed-in user filled elsewhere.
pub(crate) async fn current(pages: &Pages, visitor: &Visitor) -> Result<Option<CartView>> {
    let known = match &visitor.cart {
        Some(id) => pages.cart.view(&visitor.caller, id).await?,
        None => None,
    };
    match known {
        None if visitor.is_signed_in() => pages.cart.mine(&visitor.caller).await,
        known => Ok(known),
    }
}

/// Puts a guest's cart and the cart of the user they turned out to be together. `false` when the two hold too much for
/// one: then the guest's is the user's next one, and the earlier one waits until that is bought.
pub(crate) async fn bring_along(
    pages: &Pages,
    caller: &Caller,
    guest: Option<&CartId>,
    cookies: &mut NewCookies,
) -> bool {
    let mut together = true;
    let cart = match guest {
        None => pages.cart.mine(caller).await,
        Some(guest) => match pages.cart.merge(caller, guest).await {
            Err(Error::Validation(_)) => {
                together = false;
                pages.cart.claim(caller, guest).await.map(Some)
            }
            // Somebody else's who used this browser, or gone: there is nothing to bring.
            Err(Error::NotFound(_)) => pages.cart.mine(caller).await,
            merged => merged.map(Some),
        },
    };
    match cart {
        Ok(Some(cart)) => remember(cookies, &cart),
        Ok(None) => {}
        // Signing in goes on; the guest's cart is still in the browser and as it was.
        Err(error) => tracing::warn!(%error, "a cart was not taken along"),
    }
    together
}

/// Remembers the cart and, for the badge in the head of each page, how much is in it.
pub(crate) fn remember(cookies: &mut NewCookies, cart: &CartView) {
    let items: u32 = cart.items.iter().map(|item| item.quantity.get()).sum();
    cookies.set(CART, cart.id.as_str(), MONTH);
    cookies.set(ITEMS, &items.to_string(), MONTH);
}

/// The cart's page.
pub(crate) async fn show(State(pages): State<Pages>, mut visitor: Visitor, query: Query) -> Answer {
    let cart = current(&pages, &visitor).await?;
    let mut cookies = NewCookies::default();
    match &cart {
        Some(cart) => {
            remember(&mut cookies, cart);
            visitor.items = cart.items.iter().map(|item| item.quantity.get()).sum();
        }
        None => cookies.remove(ITEMS),
    }
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
    let page = render(&Cart {
        chrome,
        lines,
        sums,
        blocked,
        apart: query.text("apart").is_some(),
    });
    Ok(with_cookies(page, cookies))
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
    let there = cart
        .items
        .iter()
        .find(|item| item.product_id == product)
        .map_or(0, |item| item.quantity.get());
    if wanted == 0 && form.mode != "add" {
        let cart = pages
            .cart
            .remove_item(&visitor.caller, &cart.id, &product, None)
            .await?;
        remember(&mut cookies, &cart);
        return Ok(go_to("/cart", cookies));
    }
    let quantity = if form.mode == "add" {
        Quantity::parse(wanted)?;
        (i64::from(there) + wanted).min(i64::from(Quantity::MAX))
    } else {
        wanted
    };
    let quantity = Quantity::parse(quantity)?;
    let cart = pages
        .cart
        .put_item(&visitor.caller, &cart.id, &product, quantity, None)
        .await?;
    remember(&mut cookies, &cart);
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
    let cart = pages
        .cart
        .remove_item(&visitor.caller, cart, &product, None)
        .await?;
    let mut cookies = NewCookies::default();
    remember(&mut cookies, &cart);
    Ok(go_to("/cart", cookies))
}
