//! Inventory: how many of each product there are, and for whom they are kept.

mod port;
mod use_cases;

use serde::{Deserialize, Serialize};

pub use port::{InventoryApi, InventoryStore, Reserved, Settled};
pub use use_cases::InventoryUseCases;

use crate::{Error, Result, id::ProductId};

/// The most units of a product that can be on hand.
pub const MAX_ON_HAND: u32 = 1_000_000_000;
/// The most units that count as low stock.
pub const LOW_STOCK: u32 = 5;

/// Whether a product can be had, as shoppers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// More than 5.
    InStock,
    /// 1 to 5.
    LowStock,
    /// None.
    OutOfStock,
    /// Inventory can't be asked.
    Unknown,
}

impl Availability {
    /// The band `available` units fall into.
    pub fn of(available: u32) -> Self {
        match available {
            0 => Self::OutOfStock,
            1..=LOW_STOCK => Self::LowStock,
            _ => Self::InStock,
        }
    }

    /// Whether at least one is known to be there.
    pub fn is_available(self) -> bool {
        matches!(self, Self::InStock | Self::LowStock)
    }

    /// The name it is sent and stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::LowStock => "low_stock",
            Self::OutOfStock => "out_of_stock",
            Self::Unknown => "unknown",
        }
    }
}

/// How well a product sells, in steps each of which is twice the one before: 0 of what nobody has bought yet.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Popularity(u8);

impl Popularity {
    /// The most steps there are: of [`u32::MAX`] units.
    pub const MOST: u8 = 32;

    /// Of so many units sold: 1, 2 or 3, 4 to 7, and so on.
    pub fn of(sold: u32) -> Self {
        let spare = u8::try_from(sold.leading_zeros()).unwrap_or(Self::MOST);
        Self(Self::MOST - spare)
    }

    /// Of so many steps, unless there are none so high.
    pub fn of_steps(steps: u8) -> Option<Self> {
        (steps <= Self::MOST).then_some(Self(steps))
    }

    /// How many steps, up to [`Popularity::MOST`].
    pub fn steps(self) -> u8 {
        self.0
    }
}

/// What search has to know of a product's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it can be had.
    pub availability: Availability,
    /// How well it sells.
    pub popularity: Popularity,
}

impl Standing {
    /// Of what nobody has stocked.
    pub const UNKNOWN: Self = Self {
        availability: Availability::OutOfStock,
        popularity: Popularity(0),
    };
}

/// How many of a product there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StockLevel {
    /// The product.
    pub product_id: ProductId,
    /// Units in the warehouse.
    pub on_hand: u32,
    /// Units kept for orders being placed.
    pub reserved: u32,
    /// Units that can be sold: on hand less reserved.
    pub available: u32,
}

impl StockLevel {
    /// The level with these counts; never more reserved than on hand.
    pub fn new(product_id: ProductId, on_hand: u32, reserved: u32) -> Self {
        Self {
            product_id,
            on_hand,
            reserved,
            available: on_hand.saturating_sub(reserved),
        }
    }

    /// The band shoppers see.
    pub fn availability(&self) -> Availability {
        Availability::of(self.available)
    }
}

/// Takes a count of units on hand.
pub fn parse_on_hand(units: i64, pointer: &str) -> Result<u32> {
    u32::try_from(units)
        .ok()
        .filter(|units| *units <= MAX_ON_HAND)
        .ok_or_else(|| Error::invalid(pointer, format!("units on hand are 0 to {MAX_ON_HAND}")))
}

/// So many of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLine {
    /// The product.
    pub product_id: ProductId,
    /// How many, at least 1.
    pub quantity: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_popularity_is_twice_the_one_before() {
        let steps =
            [0, 1, 2, 3, 4, 7, 8, 1_023, 1_024, u32::MAX].map(|sold| Popularity::of(sold).steps());
        assert_eq!(steps, [0, 1, 2, 2, 3, 3, 4, 10, 11, Popularity::MOST]);
        assert_eq!(Popularity::of_steps(32), Some(Popularity::of(u32::MAX)));
        assert_eq!(Popularity::of_steps(33), None);
    }
}
