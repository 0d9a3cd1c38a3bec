//! What a receipt says, as text and as simple HTML.

use askama::Template;
use bothways_domain::{checkout::Order, fulfilment::MailError};

use crate::Letterhead;

/// A line of a receipt.
struct Line {
    quantity: u32,
    name: String,
    total: String,
}

/// What a receipt says.
struct Content {
    shop: String,
    order: String,
    name: String,
    lines: Vec<Line>,
    subtotal: String,
    shipping: String,
    total: String,
    address: Vec<String>,
    /// The order's page, where the shop's address is known.
    page: Option<String>,
}

#[derive(Template)]
#[template(path = "receipt.txt")]
struct Text<'c> {
    receipt: &'c Content,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Html<'c> {
    receipt: &'c Content,
}

/// A receipt, ready to be sent.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Text of a buyer or an administrator on one line: what it holds of line breaks and control characters says
/// nothing in a mail.
fn plain(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn content(order: &Order, letterhead: &Letterhead) -> Content {
    let to = &order.shipping_address;
    let town = format!("{} {}", to.postal_code, to.city);
    let address = [
        Some(&to.name),
        Some(&to.line1),
        to.line2.as_ref(),
        Some(&town),
        Some(&to.country),
    ];
    let line = |item: &bothways_domain::checkout::OrderItem| Line {
        quantity: item.quantity.get(),
        name: plain(&item.name),
        total: item.line_total.to_string(),
    };
    Content {
        shop: plain(&letterhead.shop),
        order: order.id.to_string(),
        name: plain(&to.name),
        lines: order.items.iter().map(line).collect(),
        subtotal: order.subtotal.to_string(),
        shipping: order.shipping.to_string(),
        total: order.total.to_string(),
        address: address
            .into_iter()
            .flatten()
            .map(|part| plain(part))
            .collect(),
        page: letterhead
            .url
            .as_ref()
            .map(|url| format!("{url}/orders/{}", order.id)),
    }
}

impl Letter {
    /// The receipt of `order`.
    pub(crate) fn receipt(order: &Order, letterhead: &Letterhead) -> Result<Self, MailError> {
        let content = content(order, letterhead);
        let receipt = &content;
        let unwritten = |error: askama::Error| MailError::NotTaken(Box::new(error));
        Ok(Self {
            to: order.email.clone(),
            subject: format!("Your {} order {}", content.shop, content.order),
            text: Text { receipt }.render().map_err(unwritten)?,
            html: Html { receipt }.render().map_err(unwritten)?,
        })
    }
}
