//! How many there are of each product.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{Error, id::ProductId, inventory::parse_on_hand};
use bothways_http::extract::Query;
use serde::Deserialize;

use super::{
    super::{Answer, Chrome, go_to},
    Turns, gate, products,
};
use crate::{
    Pages,
    cookies::NewCookies,
    error::{Failure, render},
    session::Visitor,
};

#[derive(Template)]
#[template(path = "admin_stock.html")]
struct Stock {
    chrome: Chrome,
    tab: &'static str,
    query: String,
    rows: Vec<Row>,
    unavailable: bool,
    turns: Turns,
    message: String,
}

struct Row {
    id: String,
    name: String,
    /// On hand, reserved, available; `None` when inventory can't be asked.
    level: Option<(u32, u32, u32)>,
}

/// Lists products with their stock.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/stock")? {
        return Ok(instead);
    }
    list(&pages, &visitor, &query, StatusCode::OK, String::new()).await
}

async fn list(
    pages: &Pages,
    visitor: &Visitor,
    query: &Query,
    status: StatusCode,
    message: String,
) -> Answer {
    let (text, paging, found) = products::find(pages, query).await?;
    let unavailable = found.is_none();
    let total = found.as_ref().map_or(0, |found| found.total);
    let mut rows = Vec::new();
    for hit in found.map(|found| found.hits).unwrap_or_default() {
        let level = pages.inventory.level(&visitor.caller, &hit.id).await.ok();
        rows.push(Row {
            id: hit.id.to_string(),
            name: hit.name,
            level: level.map(|level| (level.on_hand, level.reserved, level.available)),
        });
    }
    let page = Stock {
        chrome: Chrome::new(pages, Some(visitor), ""),
        tab: "stock",
        turns: Turns::new("/admin/stock", &text, paging, total),
        query: text,
        rows,
        unavailable,
        message,
    };
    Ok((status, render(&page)).into_response())
}

/// How many of a product there are, and where to go on.
#[derive(Deserialize)]
pub(crate) struct Count {
    id: String,
    on_hand: String,
    /// The words of the list this was sent from; without, the product's own page is next.
    #[serde(default)]
    list: Option<String>,
}

/// Sets a product's stock.
pub(crate) async fn set(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Count>,
) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/stock")? {
        return Ok(instead);
    }
    let id = ProductId::parse(&form.id).ok_or_else(Failure::not_found)?;
    let done = match read(&form.on_hand) {
        Ok(units) => pages.inventory.set(&visitor.caller, &id, units).await,
        Err(error) => Err(error),
    };
    let pairs = serde_urlencoded::to_string([("q", form.list.as_deref().unwrap_or(id.as_str()))]);
    let pairs = pairs.unwrap_or_default();
    match done {
        Ok(_) if form.list.is_none() => Ok(done_at(&format!("/admin/products/{id}"))),
        Ok(_) => Ok(done_at(&format!("/admin/stock?{pairs}"))),
        Err(error @ (Error::Conflict(_) | Error::Validation(_))) => {
            let message = match &error {
                Error::Validation(errors) => {
                    errors.first().map(|e| e.detail.clone()).unwrap_or_default()
                }
                other => other.to_string(),
            };
            let status = match error {
                Error::Conflict(_) => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let message = format!("The stock of {id} stays as it was: {message}.");
            list(&pages, &visitor, &Query::parse(&pairs), status, message).await
        }
        Err(other) => Err(other.into()),
    }
}

fn read(typed: &str) -> bothways_domain::Result<u32> {
    let units = typed.trim().parse();
    let units =
        units.map_err(|_| Error::invalid("/on_hand", "how many there are is a whole number"))?;
    parse_on_hand(units, "/on_hand")
}

fn done_at(path: &str) -> Response {
    go_to(path, NewCookies::default())
}
