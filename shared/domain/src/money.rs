//! Money as integer minor units of one currency. There are no floats and no silent overflow.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The largest price of one unit, in minor units: a hundred lines of 99 such units still fit an `i64`
/// and a JSON reader's 2^53.
pub const MAX_PRICE: i64 = 100_000_000_000;

/// An ISO 4217 alphabetic code, e.g. `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");

    /// Takes three upper-case letters.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(bytes))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or("USD")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("a currency is three upper-case letters (ISO 4217)")
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// An amount in minor units (cents) of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    #[schema(example = 1299)]
    amount: i64,
    /// ISO 4217 code.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
}

impl Money {
    /// `amount` minor units of `currency`.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// A price as an administrator may set it: the shop's currency, 0 to [`MAX_PRICE`].
    pub fn as_price(self, shop: Currency, pointer: &str) -> Result<Self> {
        if self.currency != shop {
            let detail = format!("the shop sells in {shop}");
            return Err(Error::invalid(format!("{pointer}/currency"), detail));
        }
        if !(0..=MAX_PRICE).contains(&self.amount) {
            let detail = format!("a price is 0 to {MAX_PRICE} minor units");
            return Err(Error::invalid(format!("{pointer}/amount"), detail));
        }
        Ok(self)
    }

    /// The sum; `Internal` on another currency or overflow, which the limits above rule out.
    pub fn plus(self, other: Self) -> Result<Self> {
        if self.currency != other.currency {
            return Err(Error::internal("amounts of two currencies were added"));
        }
        let amount = self.amount.checked_add(other.amount);
        amount
            .map(|amount| Self { amount, ..self })
            .ok_or_else(|| Error::internal("an amount of money overflowed"))
    }

    /// The amount `quantity` times.
    pub fn times(self, quantity: u32) -> Result<Self> {
        self.amount
            .checked_mul(i64::from(quantity))
            .map(|amount| Self { amount, ..self })
            .ok_or_else(|| Error::internal("an amount of money overflowed"))
    }
}

impl fmt::Display for Money {
    /// `12.99 USD`; all currencies the shop is meant for have two decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount < 0 { "-" } else { "" };
        let amount = self.amount.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:02} {}",
            amount / 100,
            amount % 100,
            self.currency
        )
    }
}
