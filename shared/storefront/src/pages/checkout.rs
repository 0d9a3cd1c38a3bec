//! Buying the cart.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error, FieldError, Money,
    cart::CartView,
    checkout::{Address, CheckoutRequest},
    id::{IdempotencyKey, hex},
    paging::Paging,
};
use bothways_http::request;
use serde::Deserialize;

use super::{
    Answer, Chrome,
    cart::{self, Line, Sums},
    go_to,
};
use crate::{
    Pages,
    cookies::{ITEMS, NewCookies},
    error::{Failure, render},
    format,
    session::Visitor,
};

/// The sandbox's ways to pay. No real card is ever asked for.
const METHODS: [(&str, &str); 5] = [
    ("pm_card_visa", "Test card that works"),
    ("pm_card_chargeDeclined", "Test card that is declined"),
    (
        "pm_card_chargeDeclinedInsufficientFunds",
        "Test card without funds",
    ),
    ("pm_sandbox_timeout", "Test provider that answers too late"),
    ("pm_sandbox_unavailable", "Test provider that is down"),
];

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    chrome: Chrome,
    lines: Vec<Line>,
    sums: Sums,
    methods: Vec<Method>,
    form: Fields,
    message: String,
    errors: Vec<FieldError>,
    /// Whether the address is that of the last order.
    remembered: bool,
}

struct Method {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// The form's fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    email: String,
    name: String,
    line1: String,
    line2: String,
    city: String,
    postal_code: String,
    country: String,
    payment_method: String,
    /// Made when the form is: sending it twice buys once.
    key: String,
    /// What the form said it costs, in minor units.
    total: i64,
}

impl Checkout {
    fn new(pages: &Pages, visitor: &Visitor, cart: &CartView, form: Fields) -> Answer<Self> {
        let sums = cart::sums(cart.subtotal)?;
        let chosen = if form.payment_method.is_empty() {
            METHODS[0].0
        } else {
            &form.payment_method
        };
        let methods = METHODS.map(|(value, label)| Method {
            value,
            label,
            chosen: value == chosen,
        });
        let chrome = Chrome::new(pages, Some(visitor), "");
        Ok(Self {
            chrome,
            lines: cart::lines(cart),
            sums,
            methods: methods.into(),
            form,
            message: String::new(),
            errors: Vec::new(),
            remembered: false,
        })
    }

    /// The input that an error is about.
    fn input(error: &FieldError) -> &str {
        error.pointer.rsplit('/').next().unwrap_or_default()
    }

    fn respond(self, status: StatusCode) -> Response {
        (status, render(&self)).into_response()
    }
}

fn fresh_key(pages: &Pages) -> String {
    format!("page-{}", hex(&pages.entropy.bits()))
}

/// The checkout's page; an empty cart leads back to the cart.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    let cart = cart::current(&pages, &visitor).await?;
    let Some(cart) = cart.filter(|cart| !cart.items.is_empty()) else {
        return Ok(go_to("/cart", NewCookies::default()));
    };
    let mut form = Fields {
        key: fresh_key(&pages),
        ..Fields::default()
    };
    let remembered = visitor.is_signed_in() && remember(&pages, &visitor, &mut form).await;
    let mut page = Checkout::new(&pages, &visitor, &cart, form)?;
    page.remembered = remembered;
    Ok(page.respond(StatusCode::OK))
}

/// Fills in what is known of a signed-in buyer: where the last order went, else name and address of the account.
async fn remember(pages: &Pages, visitor: &Visitor, form: &mut Fields) -> bool {
    let newest = Paging::parse(Some(1), Some(1)).unwrap_or_default();
    let last = pages.checkout.orders(&visitor.caller, newest).await;
    if let Some(order) = last.ok().and_then(|page| page.entries.into_iter().next()) {
        let to = order.shipping_address;
        (form.email, form.name, form.line1) = (order.email, to.name, to.line1);
        form.line2 = to.line2.unwrap_or_default();
        (form.city, form.postal_code, form.country) = (to.city, to.postal_code, to.country);
        return true;
    }
    if let Ok(user) = pages.identity.me(&visitor.caller).await {
        (form.email, form.name) = (user.email, user.name);
    }
    false
}

/// Buys the cart.
pub(crate) async fn buy(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Fields>,
) -> Answer {
    let cart_id = visitor.cart.clone().ok_or_else(Failure::not_found)?;
    let key = IdempotencyKey::parse(&form.key)?;
    let request = CheckoutRequest {
        cart_id: cart_id.to_string(),
        email: form.email.trim().to_owned(),
        shipping_address: Address {
            name: form.name.clone(),
            line1: form.line1.clone(),
            line2: Some(form.line2.clone()).filter(|line| !line.trim().is_empty()),
            city: form.city.clone(),
            postal_code: form.postal_code.clone(),
            country: form.country.clone(),
        },
        payment_method: form.payment_method.clone(),
        expected_total: Some(Money::new(form.total, pages.settings.currency)),
    };
    match pages
        .checkout
        .checkout(&visitor.caller, &key, &request, &request::current_id())
        .await
    {
        Ok(placed) => {
            let mut cookies = NewCookies::default();
            cookies.remove(ITEMS);
            visitor.remember_order(&mut cookies, &placed.order.id, &placed.access_token);
            Ok(go_to(&format!("/orders/{}", placed.order.id), cookies))
        }
        Err(error) => again(&pages, &visitor, form, error).await,
    }
}

/// The form once more, with what was typed and what is wrong.
async fn again(pages: &Pages, visitor: &Visitor, mut form: Fields, error: Error) -> Answer {
    let cart = cart::current(pages, visitor).await?;
    let Some(cart) = cart.filter(|cart| !cart.items.is_empty()) else {
        return Ok(go_to("/cart", NewCookies::default()));
    };
    let error = match error {
        Error::Replayed { error, .. } => *error,
        other => other,
    };
    let (status, message, errors, keep_key) = match error {
        Error::Validation(errors) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Please look at what is marked below.".to_owned(),
            errors,
            false,
        ),
        Error::PaymentDeclined { .. } => {
            let message =
                "Your payment was declined. Nothing was charged; please try another way to pay.";
            (
                StatusCode::PAYMENT_REQUIRED,
                message.to_owned(),
                Vec::new(),
                false,
            )
        }
        Error::OutOfStock(products) => {
            let names: Vec<_> = cart
                .items
                .iter()
                .filter(|item| products.contains(&item.product_id))
                .map(|item| item.name.as_str())
                .collect();
            let message = format!(
                "We no longer have enough of: {}. Nothing was charged.",
                names.join(", ")
            );
            (StatusCode::CONFLICT, message, Vec::new(), false)
        }
        Error::TotalChanged { actual } => {
            let message = format!(
                "The total changed and is now {}. Please confirm it.",
                format::price(actual)
            );
            (StatusCode::CONFLICT, message, Vec::new(), false)
        }
        // With the same key, trying again can't buy twice.
        Error::PaymentUnavailable
        | Error::Unavailable { .. }
        | Error::Timeout
        | Error::RequestInProgress { .. } => {
            let message = "We can't finish this right now. Nothing is lost: trying again can't charge you twice.";
            (
                StatusCode::SERVICE_UNAVAILABLE,
                message.to_owned(),
                Vec::new(),
                true,
            )
        }
        other => return Err(other.into()),
    };
    if !keep_key {
        form.key = fresh_key(pages);
    }
    let mut page = Checkout::new(pages, visitor, &cart, form)?;
    (page.message, page.errors) = (message, errors);
    Ok(page.respond(status))
}

impl Checkout {
    /// What is wrong with a field, if anything.
    fn error(&self, field: &str) -> &str {
        super::error_of(&self.errors, field)
    }
}
