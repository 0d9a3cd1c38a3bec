//! Ids in paths.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use bothways_domain::{
    Error, Result,
    id::{CartId, EventId, OrderId, ProductId},
};

use crate::Problem;

/// The variable parts of the path, decoded. What they may be is the handler's to say: an impossible id is not found when
/// read, but a broken rule when written.
#[derive(Debug)]
pub struct PathIds(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is no UTF-8 can't be any id; it is left empty, which can't be one either.
        let ids = match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            Err(_) => Vec::new(),
        };
        Ok(Self(ids))
    }
}

impl PathIds {
    /// A part as it is, which may be no id at all.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The product `name`, to be read.
    pub fn product(&self, name: &str) -> Result<ProductId> {
        ProductId::parse(self.text(name)).ok_or_else(|| Error::not_found("product"))
    }

    /// The product `name`, to be written.
    pub fn product_to_write(&self, name: &str) -> Result<ProductId> {
        product_to_write(self.text(name), &format!("/{name}"))
    }

    /// The cart `id`.
    pub fn cart(&self) -> Result<CartId> {
        CartId::parse(self.text("id")).ok_or_else(|| Error::not_found("cart"))
    }

    /// The dead letter `id`.
    pub fn event(&self) -> Result<EventId> {
        EventId::parse(self.text("id")).ok_or_else(|| Error::not_found("dead letter"))
    }

    /// The order `id`.
    pub fn order(&self) -> Result<OrderId> {
        OrderId::parse(self.text("id")).ok_or_else(|| Error::not_found("order"))
    }
}

/// A product's id in a request that writes it.
pub fn product_to_write(text: &str, pointer: &str) -> Result<ProductId> {
    ProductId::parse_for_write(text, pointer)
}
