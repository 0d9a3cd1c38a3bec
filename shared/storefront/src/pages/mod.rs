//! The pages, one file each.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod cart;
pub(crate) mod checkout;
pub(crate) mod home;
pub(crate) mod order;
mod price_range;
pub(crate) mod product;
pub(crate) mod search;

use axum::response::{IntoResponse, Redirect, Response};
use bothways_domain::{FieldError, Result, search::Hit};

use crate::{Pages, assets, cookies::NewCookies, error::Failure, format, session::Visitor};

/// What a handler answers.
pub(crate) type Answer<T = Response> = Result<T, Failure>;

/// What every page has around its content.
pub(crate) struct Chrome {
    pub(crate) shop: String,
    pub(crate) architecture: &'static str,
    pub(crate) signed_in: bool,
    pub(crate) admin: bool,
    pub(crate) query: String,
    /// How many things are in the cart, as far as the browser knows.
    pub(crate) items: u32,
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) icon: String,
}

impl Chrome {
    /// For this visitor, with `query` in the search box.
    pub(crate) fn new(pages: &Pages, visitor: Option<&Visitor>, query: &str) -> Self {
        Self {
            shop: pages.settings.shop_name.clone(),
            architecture: pages.settings.architecture,
            signed_in: visitor.is_some_and(Visitor::is_signed_in),
            admin: visitor.is_some_and(|visitor| visitor.caller.is_admin()),
            query: query.to_owned(),
            items: visitor.map_or(0, |visitor| visitor.items),
            css: assets::path("shop.css"),
            js: assets::path("shop.js"),
            icon: assets::path("icon.svg"),
        }
    }
}

/// A product as a card in a list.
pub(crate) struct Card {
    pub(crate) path: String,
    pub(crate) picture: String,
    pub(crate) name: String,
    pub(crate) brand: String,
    pub(crate) price: String,
    pub(crate) availability: &'static str,
    pub(crate) availability_class: &'static str,
    pub(crate) rating: String,
}

impl From<&Hit> for Card {
    fn from(hit: &Hit) -> Self {
        Self {
            path: format::product_path(hit.id.as_str()),
            picture: format::picture(hit.image.as_deref(), hit.id.as_str(), &hit.name),
            name: hit.name.clone(),
            brand: hit.brand.clone().unwrap_or_default(),
            price: format::price(hit.price),
            availability: format::availability(hit.availability),
            availability_class: hit.availability.as_str(),
            rating: hit
                .rating
                .map(|rating| format!("{:.1}", rating.stars()))
                .unwrap_or_default(),
        }
    }
}

/// What is wrong and where, for the list above a form.
pub(crate) fn said_of(error: &FieldError) -> String {
    let mut parts = error.pointer.split('/');
    let field = parts.find(|part| !matches!(*part, "" | "shipping_address"));
    let label = match field.unwrap_or_default() {
        "attributes" => "Properties",
        "brand" => "Brand",
        "category" => "Category",
        "city" => "Town",
        "country" => "Country",
        "current_password" => "Password of now",
        "description" => "Description",
        "email" => "E-mail",
        "id" => "Id",
        "line1" => "Street and number",
        "line2" => "Flat, floor, company",
        "name" => "Name",
        "new_password" => "New password",
        "postal_code" => "Postal code",
        "price" => "Price",
        _ => return error.detail.clone(),
    };
    format!("{label}: {}", error.detail)
}

/// What is wrong with that field of a form; empty when nothing is.
pub(crate) fn error_of<'a>(errors: &'a [FieldError], field: &str) -> &'a str {
    let at = |error: &&FieldError| error.pointer.rsplit('/').next() == Some(field);
    errors
        .iter()
        .find(at)
        .map_or("", |error| error.detail.as_str())
}

/// To another page, after something was done.
pub(crate) fn go_to(path: &str, cookies: NewCookies) -> Response {
    with_cookies(Redirect::to(path), cookies)
}

/// A response that sets cookies.
pub(crate) fn with_cookies(response: impl IntoResponse, cookies: NewCookies) -> Response {
    let mut response = response.into_response();
    response.extensions_mut().insert(cookies);
    response
}
