//! One product: made, changed, and taken away.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error, FieldError, Money,
    id::ProductId,
    product::{Category, ProductDraft},
};
use bothways_http::extract::Query;
use serde::Deserialize;

use super::{
    super::{Answer, Chrome, error_of, go_to, price_range},
    gate,
};
use crate::{
    Pages,
    cookies::NewCookies,
    error::{Failure, render},
    format,
    session::Visitor,
};

#[derive(Template)]
#[template(path = "admin_product.html")]
struct Edit {
    chrome: Chrome,
    tab: &'static str,
    form: Fields,
    /// Whether it is there already: then its id stays, and it has stock and pictures.
    exists: bool,
    picture: String,
    /// On hand, reserved, available; `None` when inventory can't be asked.
    level: Option<(u32, u32, u32)>,
    notice: &'static str,
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
    price: String,
    /// `name=value`, one a line.
    attributes: String,
    /// Not empty when it is to be changed and not made.
    exists: String,
}

impl Fields {
    fn draft(&self, pages: &Pages) -> Result<ProductDraft, Error> {
        let price = price_range::parse(&self.price)
            .ok_or_else(|| Error::invalid("/price", "a price is a number, such as 12.50"))?;
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

impl Edit {
    fn new(pages: &Pages, visitor: &Visitor, form: Fields) -> Self {
        Self {
            chrome: Chrome::new(pages, Some(visitor), ""),
            tab: "products",
            exists: !form.exists.is_empty(),
            form,
            picture: String::new(),
            level: None,
            notice: "",
            errors: Vec::new(),
        }
    }

    fn error(&self, field: &str) -> &str {
        error_of(&self.errors, field)
    }

    /// The input that an error is about.
    fn input(error: &FieldError) -> &str {
        error.pointer.split('/').nth(1).unwrap_or_default()
    }

    fn respond(self, status: StatusCode) -> Response {
        (status, render(&self)).into_response()
    }
}

/// The form of a product to make.
pub(crate) async fn new(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/products")? {
        return Ok(instead);
    }
    Ok(Edit::new(&pages, &visitor, Fields::default()).respond(StatusCode::OK))
}

/// The form of a product there is, with its stock and its picture.
pub(crate) async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
    query: Query,
) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin")? {
        return Ok(instead);
    }
    let id = ProductId::parse(&id).ok_or_else(Failure::not_found)?;
    let mut page = existing(&pages, &visitor, &id).await?;
    if query.text("saved").is_some() {
        page.notice = "Saved. Shoppers see it at once, search within seconds.";
    }
    Ok(page.respond(StatusCode::OK))
}

async fn existing(pages: &Pages, visitor: &Visitor, id: &ProductId) -> Answer<Edit> {
    let product = pages.product.view(id).await?;
    let product = product.ok_or_else(Failure::not_found)?;
    let attributes: Vec<_> = product
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let image = product.images.as_ref().map(|images| images.card.as_str());
    let picture = format::picture(image, id.as_str(), &product.name);
    let form = Fields {
        id: product.id.to_string(),
        name: product.name,
        brand: product.brand.unwrap_or_default(),
        category: product.category.to_string(),
        description: product.description,
        price: price_range::show(Some(product.price.amount())),
        attributes: attributes.join("\n"),
        exists: "yes".to_owned(),
    };
    let mut page = Edit::new(pages, visitor, form);
    page.picture = picture;
    let level = pages.inventory.level(&visitor.caller, id).await.ok();
    page.level = level.map(|level| (level.on_hand, level.reserved, level.available));
    Ok(page)
}

/// Creates or replaces a product. Its rating, which no form shows, stays.
pub(crate) async fn save(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Fields>,
) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin")? {
        return Ok(instead);
    }
    let saved = match (
        ProductId::parse_for_write(form.id.trim(), "/id"),
        form.draft(&pages),
    ) {
        (Ok(id), Ok(draft)) => put(&pages, &visitor, &form, &id, draft).await.map(|()| id),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match saved {
        Ok(id) => {
            let path = format!("/admin/products/{id}?saved=1");
            Ok(go_to(&path, NewCookies::default()))
        }
        Err(Error::Validation(errors)) => {
            let mut page = match ProductId::parse(&form.id).filter(|_| !form.exists.is_empty()) {
                Some(id) => existing(&pages, &visitor, &id).await?,
                None => Edit::new(&pages, &visitor, Fields::default()),
            };
            page.form = form;
            page.errors = errors;
            Ok(page.respond(StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(other) => Err(other.into()),
    }
}

async fn put(
    pages: &Pages,
    visitor: &Visitor,
    form: &Fields,
    id: &ProductId,
    mut draft: ProductDraft,
) -> bothways_domain::Result<()> {
    let known = pages.product.records(std::slice::from_ref(id)).await?;
    if form.exists.is_empty() && !known.is_empty() {
        // Making one never replaces another by mistake.
        return Err(Error::invalid("/id", "another product has this id"));
    }
    draft.rating = known.first().and_then(|product| product.draft.rating);
    pages.product.put(&visitor.caller, id, draft).await?;
    Ok(())
}

/// Takes a product out of the shop.
pub(crate) async fn delete(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin")? {
        return Ok(instead);
    }
    let id = ProductId::parse(&id).ok_or_else(Failure::not_found)?;
    pages.product.delete(&visitor.caller, &id).await?;
    Ok(go_to("/admin?deleted=1", NewCookies::default()))
}
