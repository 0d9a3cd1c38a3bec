//! The administrator's page: products and their stock.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error, FieldError, Money,
    id::ProductId,
    inventory::parse_on_hand,
    product::{Category, ProductDraft},
    search::SearchRequest,
};
use bothways_http::extract::Query;
use serde::Deserialize;

use super::{Answer, Card, Chrome, go_to};
use crate::{
    Pages,
    cookies::NewCookies,
    error::{Failure, render},
    session::Visitor,
};

#[derive(Template)]
#[template(path = "admin.html")]
struct Admin {
    chrome: Chrome,
    query: String,
    products: Vec<(String, Card)>,
    unavailable: bool,
    form: Fields,
    on_hand: Option<u32>,
    reserved: u32,
    errors: Vec<FieldError>,
}

/// A product's form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    id: String,
    name: String,
    brand: String,
    category: String,
    description: String,
    /// In minor units.
    price: String,
    /// `name=value`, one a line.
    attributes: String,
}

impl Fields {
    fn draft(&self, pages: &Pages) -> Result<ProductDraft, Error> {
        let price =
            self.price.trim().parse().map_err(|_| {
                Error::invalid("/price", "a price is a whole number of minor units")
            })?;
        let pairs = self
            .attributes
            .lines()
            .filter_map(|line| line.split_once('='));
        let attributes: BTreeMap<String, String> = pairs
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Ok(ProductDraft {
            name: self.name.trim().to_owned(),
            brand: Some(self.brand.trim().to_owned()).filter(|brand| !brand.is_empty()),
            category: Category::parse_path(&self.category),
            description: self.description.clone(),
            price: Money::new(price, pages.settings.currency),
            attributes,
            rating: None,
        })
    }
}

/// Lists products, and shows one to be changed.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    if !visitor.is_signed_in() {
        return Ok(go_to("/login?next=/admin", NewCookies::default()));
    }
    visitor.caller.require_admin()?;
    let (mut form, mut level) = (Fields::default(), None);
    if let Some(id) = query.text("product").and_then(ProductId::parse) {
        form = edit(&pages, &id).await?;
        level = pages.inventory.level(&visitor.caller, &id).await.ok();
    }
    let text = query.text("q").unwrap_or_default().to_owned();
    let found = pages
        .search
        .search(&SearchRequest {
            query: text.clone(),
            ..SearchRequest::default()
        })
        .await;
    let unavailable = found.is_err();
    let hits = found.map(|found| found.hits).unwrap_or_default();
    let page = Admin {
        chrome: Chrome::new(&pages, Some(&visitor), ""),
        query: text,
        products: hits
            .iter()
            .map(|hit| (hit.id.to_string(), Card::from(hit)))
            .collect(),
        unavailable,
        form,
        on_hand: level.as_ref().map(|level| level.on_hand),
        reserved: level.map_or(0, |level| level.reserved),
        errors: Vec::new(),
    };
    Ok(render(&page).into_response())
}

async fn edit(pages: &Pages, id: &ProductId) -> Answer<Fields> {
    let product = pages
        .product
        .view(id)
        .await?
        .ok_or_else(Failure::not_found)?;
    let attributes: Vec<_> = product
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(Fields {
        id: product.id.to_string(),
        name: product.name,
        brand: product.brand.unwrap_or_default(),
        category: product.category.to_string(),
        description: product.description,
        price: product.price.amount().to_string(),
        attributes: attributes.join("\n"),
    })
}

/// Creates or replaces a product. Its rating, which no form shows, stays.
pub(crate) async fn save(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Fields>,
) -> Answer {
    visitor.caller.require_admin()?;
    let saved = match (
        ProductId::parse_for_write(form.id.trim(), "/id"),
        form.draft(&pages),
    ) {
        (Ok(id), Ok(mut draft)) => {
            let known = pages.product.records(std::slice::from_ref(&id)).await?;
            draft.rating = known.first().and_then(|product| product.draft.rating);
            pages
                .product
                .put(&visitor.caller, &id, draft)
                .await
                .map(|_| id)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match saved {
        Ok(id) => Ok(go_to(
            &format!("/admin?product={id}"),
            NewCookies::default(),
        )),
        Err(Error::Validation(errors)) => Ok(again(&pages, &visitor, form, errors)),
        Err(other) => Err(other.into()),
    }
}

fn again(pages: &Pages, visitor: &Visitor, form: Fields, errors: Vec<FieldError>) -> Response {
    let page = Admin {
        chrome: Chrome::new(pages, Some(visitor), ""),
        query: String::new(),
        products: Vec::new(),
        unavailable: false,
        form,
        on_hand: None,
        reserved: 0,
        errors,
    };
    (StatusCode::UNPROCESSABLE_ENTITY, render(&page)).into_response()
}

/// How many of a product there are.
#[derive(Deserialize)]
pub(crate) struct Stock {
    id: String,
    on_hand: String,
}

/// Sets a product's stock.
pub(crate) async fn stock(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Stock>,
) -> Answer {
    let id = ProductId::parse(&form.id).ok_or_else(Failure::not_found)?;
    let units = form
        .on_hand
        .trim()
        .parse()
        .map_err(|_| Error::invalid("/on_hand", "how many are on hand?"))?;
    pages
        .inventory
        .set(&visitor.caller, &id, parse_on_hand(units, "/on_hand")?)
        .await?;
    Ok(go_to(
        &format!("/admin?product={id}"),
        NewCookies::default(),
    ))
}
