//! One product.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse as _,
};
use bothways_domain::{id::ProductId, inventory::Availability};

use super::{Answer, Card, Chrome};
use crate::{
    Pages,
    error::{Failure, render},
    format,
    session::Visitor,
};

#[derive(Template)]
#[template(path = "product.html")]
struct Product {
    chrome: Chrome,
    id: String,
    name: String,
    brand: String,
    trail: Vec<(String, String)>,
    /// The picture at the size of a card, or a drawing.
    picture: String,
    /// The large picture, if there is one.
    full: String,
    price: String,
    availability: &'static str,
    availability_class: &'static str,
    buyable: bool,
    paragraphs: Vec<String>,
    attributes: Vec<(String, String)>,
    related: Vec<Card>,
}

/// The product's page.
pub(crate) async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    let id = ProductId::parse(&id).ok_or_else(Failure::not_found)?;
    let product = pages
        .product
        .view(&id)
        .await?
        .ok_or_else(Failure::not_found)?;
    let images = product.images.as_ref();
    let card = images.map(|images| images.card.as_str());
    let trail = (1..=product.category.levels().len()).map(|depth| {
        let path = product.category.prefix(depth).to_string();
        (
            product.category.levels()[depth - 1].clone(),
            super::search::path(&[("category", &path)]),
        )
    });
    let page = Product {
        chrome: Chrome::new(&pages, Some(&visitor), ""),
        picture: format::picture(card, id.as_str(), &product.name),
        full: images.map_or_else(String::new, |images| images.full.clone()),
        id: id.to_string(),
        trail: trail.collect(),
        price: format::price(product.price),
        availability: format::availability(product.availability),
        availability_class: product.availability.as_str(),
        buyable: product.availability != Availability::OutOfStock,
        paragraphs: product
            .description
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect(),
        attributes: product
            .attributes
            .into_iter()
            .map(|(name, value)| (name.replace('_', " "), value))
            .collect(),
        related: product.related.iter().map(Card::from).collect(),
        name: product.name,
        brand: product.brand.unwrap_or_default(),
    };
    Ok(render(&page).into_response())
}
