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
    stages: Vec<Stage>,
    cancellable: bool,
}

/// Something that happened to the order, or will.
struct Stage {
    label: &'static str,
    class: &'static str,
    at: String,
}

fn label(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "Placed",
        OrderStatus::Confirmed => "Confirmed",
        OrderStatus::Shipped => "Shipped",
        OrderStatus::Delivered => "Delivered",
        OrderStatus::Cancelled => "Cancelled",
        OrderStatus::Declined => "Declined",
    }
}

/// What happened, then what is still to come.
fn stages(order: &Order) -> Vec<Stage> {
    let happened = order.timeline.iter().map(|moment| Stage {
        label: label(moment.status),
        class: match moment.status {
            OrderStatus::Cancelled | OrderStatus::Declined => "done bad",
            _ => "done",
        },
        at: format::moment(moment.at),
    });
    let ahead: &[OrderStatus] = match order.status {
        OrderStatus::Pending => &[
            OrderStatus::Confirmed,
            OrderStatus::Shipped,
            OrderStatus::Delivered,
        ],
        OrderStatus::Confirmed => &[OrderStatus::Shipped, OrderStatus::Delivered],
        OrderStatus::Shipped => &[OrderStatus::Delivered],
        _ => &[],
    };
    let to_come = ahead.iter().map(|status| Stage {
        label: label(*status),
        class: "ahead",
        at: "to come".to_owned(),
    });
    happened.chain(to_come).collect()
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
    let stages = stages(&order);
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
        stages,
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
