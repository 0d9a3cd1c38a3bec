//! Carts: what a shopper means to buy.

mod port;
mod use_cases;

use serde::{Deserialize, Serialize};

pub use port::{CartApi, CartStore, CartWrite};
pub use use_cases::CartUseCases;

use crate::{
    Currency, Error, Money, Result,
    id::{CartId, ProductId, UserId},
    inventory::Availability,
    time::Timestamp,
};

/// The most different products a cart holds.
pub const MAX_ITEMS: usize = 100;

/// How many of a product: 1 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The most of one product in a cart.
    pub const MAX: u32 = 99;

    /// Takes 1 to 99.
    pub fn parse(quantity: i64) -> Result<Self> {
        u32::try_from(quantity)
            .ok()
            .and_then(|quantity| Self::try_from(quantity).ok())
            .ok_or_else(|| Error::invalid("/quantity", format!("a quantity is 1 to {}", Self::MAX)))
    }

    /// Both together, up to [`Self::MAX`].
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self((self.0 + more.0).min(Self::MAX))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Quantity {
    type Error = &'static str;
    fn try_from(quantity: u32) -> Result<Self, &'static str> {
        let fits = (1..=Self::MAX).contains(&quantity);
        if fits {
            Ok(Self(quantity))
        } else {
            Err("a quantity is 1 to 99")
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// A line of a cart as it is stored, with the name and price last known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The product.
    pub product_id: ProductId,
    /// Its name when products were last asked.
    pub name: String,
    /// Its price when products were last asked.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
}

/// What putting a line into a cart comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The cart is another now.
    Changed,
    /// The line is there already, as it is.
    Unchanged,
    /// The cart holds [`MAX_ITEMS`] other products, and stays as it is.
    Full,
}

/// A cart as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Whose it is, once claimed.
    pub owner: Option<UserId>,
    /// Its lines, in the order they were first put.
    pub lines: Vec<CartLine>,
    /// Grows by one with every change.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Cart {
    /// Puts `line` in the place of the one with the same product, or after the others.
    #[must_use]
    pub fn put(&mut self, line: &CartLine, now: Timestamp) -> Put {
        let is_of = |own: &CartLine| own.product_id == line.product_id;
        match self.lines.iter().position(is_of) {
            Some(at) if self.lines[at] == *line => return Put::Unchanged,
            Some(at) => self.lines[at].clone_from(line),
            None if self.lines.len() >= MAX_ITEMS => return Put::Full,
            None => self.lines.push(line.clone()),
        }
        self.touch(now);
        Put::Changed
    }

    /// Takes the line with `product` out; whether there was one.
    #[must_use]
    pub fn remove(&mut self, product: &ProductId, now: Timestamp) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.product_id != *product);
        let removed = self.lines.len() < before;
        if removed {
            self.touch(now);
        }
        removed
    }

    /// Notes that the cart changes.
    pub fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = now;
    }

    /// Whether a write that requires a version has to be refused.
    pub fn is_stale(&self, if_version: Option<i64>) -> bool {
        if_version.is_some_and(|version| version != self.version)
    }

    /// Takes the lines of another cart, after its own; `false`, and nothing changes, when there would be too many
    /// products.
    #[must_use]
    pub fn absorb(&mut self, other: &[CartLine], now: Timestamp) -> bool {
        let is_new = |line: &&CartLine| {
            !self
                .lines
                .iter()
                .any(|own| own.product_id == line.product_id)
        };
        if self.lines.len() + other.iter().filter(is_new).count() > MAX_ITEMS {
            return false;
        }
        for line in other {
            let own = self
                .lines
                .iter_mut()
                .find(|own| own.product_id == line.product_id);
            match own {
                Some(own) => own.quantity = own.quantity.plus(line.quantity),
                None => self.lines.push(line.clone()),
            }
        }
        self.touch(now);
        true
    }
}

/// A line of a cart as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CartItem {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// Today's price of one.
    pub unit_price: Money,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 99)]
    pub quantity: Quantity,
    /// Price times quantity.
    pub line_total: Money,
    /// Whether it can be had.
    pub availability: Availability,
    /// The path of its thumbnail, once made.
    pub image: Option<String>,
}

/// A cart as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Cart)]
pub struct CartView {
    /// Its id.
    pub id: CartId,
    /// Its lines.
    pub items: Vec<CartItem>,
    /// The sum of the lines.
    pub subtotal: Money,
    /// The shop's currency.
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Grows with every change.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}
