//! Everybody's orders.

use askama::Template;
use axum::{extract::State, response::IntoResponse as _};
use bothways_domain::{checkout::Order, paging::Paging};
use bothways_http::extract::Query;

use super::{
    super::{Answer, Chrome},
    ROWS, Turns, gate,
};
use crate::{Pages, error::render, format, session::Visitor};

#[derive(Template)]
#[template(path = "admin_orders.html")]
struct Orders {
    chrome: Chrome,
    tab: &'static str,
    rows: Vec<Row>,
    turns: Turns,
}

struct Row {
    id: String,
    at: String,
    who: String,
    items: u32,
    status: &'static str,
    total: String,
}

impl From<Order> for Row {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.to_string(),
            at: format::moment(order.created_at),
            who: order.email,
            items: order.items.iter().map(|item| item.quantity.get()).sum(),
            status: order.status.as_str(),
            total: format::price(order.total),
        }
    }
}

/// Lists all orders, newest first.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/orders")? {
        return Ok(instead);
    }
    let page = query.parsed("page", "a page number")?;
    let paging = Paging::parse(page, Some(ROWS))?;
    let found = pages.checkout.all_orders(&visitor.caller, paging).await?;
    let page = Orders {
        chrome: Chrome::new(&pages, Some(&visitor), ""),
        tab: "orders",
        turns: Turns::new("/admin/orders", "", paging, found.total),
        rows: found.entries.into_iter().map(Row::from).collect(),
    };
    Ok(render(&page).into_response())
}
