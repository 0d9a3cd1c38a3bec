//! An order.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse as _,
};
use bothways_domain::{
    checkout::{Order, OrderStatus},
    id::OrderId,
};

use super::{Answer, Chrome, go_to};
use crate::{
    Pages,
    cookies::NewCookies,
    error::{Failure, render},
    format,
    session::Visitor,
};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    chrome: Chrome,
    id: String,
    status: &'static str,
    headline: &'static str,
    lines: Vec<(String, String, u32, String)>,
    subtotal: String,
    shipping: String,
    total: String,
    email: String,
    address: Vec<String>,
    timeline: Vec<(&'static str, String)>,
    cancellable: bool,
}

fn headline(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "Your order is being placed",
        OrderStatus::Confirmed => "Thank you, your order is confirmed",
        OrderStatus::Shipped => "Your order is on its way",
        OrderStatus::Delivered => "Your order has arrived",
        OrderStatus::Cancelled => "This order was cancelled",
        OrderStatus::Declined => "The payment was declined",
    }
}

fn page(pages: &Pages, visitor: &Visitor, order: Order) -> OrderPage {
    let to = order.shipping_address;
    let address = [
        Some(to.name),
        Some(to.line1),
        to.line2,
        Some(format!("{} {}", to.postal_code, to.city)),
        Some(to.country),
    ];
    let lines = order.items.into_iter().map(|item| {
        (
            item.name,
            format::product_path(item.product_id.as_str()),
            item.quantity.get(),
            format::price(item.line_total),
        )
    });
    OrderPage {
        chrome: Chrome::new(pages, Some(visitor), ""),
        id: order.id.to_string(),
        status: order.status.as_str(),
        headline: headline(order.status),
        lines: lines.collect(),
        subtotal: format::price(order.subtotal),
        shipping: format::price(order.shipping),
        total: format::price(order.total),
        email: order.email,
        address: address.into_iter().flatten().collect(),
        timeline: order
            .timeline
            .iter()
            .map(|moment| (moment.status.as_str(), format::moment(moment.at)))
            .collect(),
        cancellable: order.status == OrderStatus::Confirmed,
    }
}

/// The order's page, for whoever may read it.
pub(crate) async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    let id = OrderId::parse(&id).ok_or_else(Failure::not_found)?;
    let order = pages
        .checkout
        .order(&visitor.caller_for(&id), &id)
        .await?
        .ok_or_else(Failure::not_found)?;
    Ok(render(&page(&pages, &visitor, order)).into_response())
}

/// Calls the order off.
pub(crate) async fn cancel(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    let id = OrderId::parse(&id).ok_or_else(Failure::not_found)?;
    pages.checkout.cancel(&visitor.caller_for(&id), &id).await?;
    Ok(go_to(&format!("/orders/{id}"), NewCookies::default()))
}
