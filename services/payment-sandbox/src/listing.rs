//! Listings as Stripe pages them: newest first, `limit` at a time, onward from `starting_after`.

use serde_json::{Value, json};

use crate::{error::StripeError, form::Params};

/// Stripe's default and largest `limit`.
const LIMIT: (i64, i64) = (10, 100);

/// Which part of a listing is asked for.
#[derive(Debug)]
pub(crate) struct Window {
    limit: i64,
    /// The last object the client has.
    pub(crate) starting_after: Option<String>,
}

impl Window {
    /// Takes `limit` and `starting_after`.
    pub(crate) fn of(params: &mut Params) -> Result<Self, StripeError> {
        Ok(Self {
            limit: params.integer("limit", LIMIT.1)?.unwrap_or(LIMIT.0),
            starting_after: params.text("starting_after")?,
        })
    }

    /// How many rows to read: one more than is shown, which tells whether there are more.
    pub(crate) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The listing as Stripe's API shows it.
    pub(crate) fn view(&self, url: &str, rows: Vec<Value>) -> Value {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        let data: Vec<_> = rows.into_iter().take(limit).collect();
        json!({ "object": "list", "url": url, "has_more": has_more, "data": data })
    }
}
