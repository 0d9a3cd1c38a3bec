//! What an order costs.

use crate::{Money, Result, cart::Quantity};

/// Orders from this many minor units ship free.
pub const FREE_SHIPPING_FROM: i64 = 5_000;
/// What shipping costs below that, in minor units.
pub const SHIPPING_FEE: i64 = 499;

/// The sums of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines.
    pub subtotal: Money,
    /// What shipping costs.
    pub shipping: Money,
    /// What is charged.
    pub total: Money,
}

/// The price of a line.
pub fn line_total(unit_price: Money, quantity: Quantity) -> Result<Money> {
    unit_price.times(quantity.get())
}

/// The sum of `lines`, which are all in the currency of `zero`.
pub fn subtotal(zero: Money, lines: impl IntoIterator<Item = Money>) -> Result<Money> {
    lines.into_iter().try_fold(zero, Money::plus)
}

/// Adds shipping to a subtotal.
pub fn totals(subtotal: Money) -> Result<Totals> {
    let fee = if subtotal.amount() >= FREE_SHIPPING_FROM {
        0
    } else {
        SHIPPING_FEE
    };
    let shipping = Money::new(fee, subtotal.currency());
    Ok(Totals {
        subtotal,
        shipping,
        total: subtotal.plus(shipping)?,
    })
}
