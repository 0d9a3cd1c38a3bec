//! Orders and the states they go through.

use serde::{Deserialize, Serialize};

use super::{Address, Moved, Step};
use crate::{
    Caller, Money, Result,
    cart::Quantity,
    id::{CartId, OrderId, ProductId, UserId},
    inventory::StockLine,
    time::Timestamp,
};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Being placed.
    Pending,
    /// Bought.
    Confirmed,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Called off, before or after it was confirmed.
    Cancelled,
    /// The payment was refused.
    Declined,
}

impl OrderStatus {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Confirmed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Declined,
    ];

    /// The name it is stored and sent by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether an order may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (
                Self::Pending,
                Self::Confirmed | Self::Cancelled | Self::Declined
            ) | (Self::Confirmed, Self::Shipped | Self::Cancelled)
                | (Self::Shipped, Self::Delivered)
        )
    }
}

/// When an order came into a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moment {
    /// The state.
    pub status: OrderStatus,
    /// When.
    pub at: Timestamp,
}

/// A line of an order, with the name and price it was placed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderItem {
    /// The product.
    pub product_id: ProductId,
    /// Its name then.
    pub name: String,
    /// Its price then.
    pub unit_price: Money,
    /// How many.
    #[schema(value_type = u32)]
    pub quantity: Quantity,
    /// Price times quantity.
    pub line_total: Money,
}

/// An order as its buyer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was bought.
    pub items: Vec<OrderItem>,
    /// The sum of the items.
    pub subtotal: Money,
    /// What shipping costs.
    pub shipping: Money,
    /// What is charged.
    pub total: Money,
    /// Where the receipt goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// When it was placed.
    pub created_at: Timestamp,
    /// The states it went through.
    pub timeline: Vec<Moment>,
}

impl Order {
    /// Moves on to `status`; a fault when the order may not. Where a clock is behind that of the move before, the two
    /// are noted at the same time.
    pub fn become_(&mut self, status: OrderStatus, at: Timestamp) -> Result<()> {
        if !self.status.may_become(status) {
            let (from, to) = (self.status.as_str(), status.as_str());
            return Err(crate::Error::internal(format!(
                "an order can't go from {from} to {to}"
            )));
        }
        let at = self.timeline.last().map_or(at, |last| last.at.max(at));
        self.status = status;
        self.timeline.push(Moment { status, at });
        Ok(())
    }

    /// What the order takes out of the stock.
    pub fn stock_lines(&self) -> Vec<StockLine> {
        let line = |item: &OrderItem| StockLine {
            product_id: item.product_id.clone(),
            quantity: item.quantity.get(),
        };
        self.items.iter().map(line).collect()
    }
}

/// An order as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// What the buyer sees.
    pub order: Order,
    /// The buyer, when signed in.
    pub owner: Option<UserId>,
    /// The cart it came from.
    pub cart_id: CartId,
    /// The digest of the guest's key to it.
    pub access_digest: String,
}

impl OrderRecord {
    /// Whether the caller is its owner, an administrator, or holds its access token.
    pub fn is_readable_by(&self, caller: &Caller) -> bool {
        let owns = caller
            .user_id()
            .is_some_and(|user| self.owner.as_ref() == Some(user));
        let holds_key = caller
            .bearer()
            .is_some_and(|token| token.digest() == self.access_digest);
        owns || holds_key || caller.is_admin()
    }

    /// What keeps the order, whose checkout is at `step`, from moving on to `next` now: [`Moved::Done`] when it is
    /// there already; `None` when nothing does.
    pub fn obstacle(&self, next: OrderStatus, step: Step) -> Option<Moved> {
        let status = self.order.status;
        let was_there =
            status == next || (next, status) == (OrderStatus::Shipped, OrderStatus::Delivered);
        if was_there {
            Some(Moved::Done)
        } else if matches!(status, OrderStatus::Cancelled | OrderStatus::Declined) {
            Some(Moved::Over)
        } else if status.may_become(next) && step.is_paid() {
            None
        } else {
            Some(Moved::NotYet)
        }
    }
}
