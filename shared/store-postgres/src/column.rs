//! Reads columns as what they stand for. What can't be read is a fault of the shop's own.

use bothways_domain::{Currency, Error, Money, time::Timestamp};
use serde::de::DeserializeOwned;
use sqlx::{Row, postgres::PgRow};

use crate::error::{Attempt, Failure};

fn unreadable(column: &str) -> Failure {
    Failure::Domain(Error::internal(format!(
        "the column {column} holds what never was written"
    )))
}

/// An id, a step, a status: whatever `parse` takes.
pub(crate) fn parsed<T>(
    row: &PgRow,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Attempt<T> {
    let text: &str = row.try_get(column)?;
    parse(text).ok_or_else(|| unreadable(column))
}

/// As [`parsed`], if there is anything.
pub(crate) fn parsed_opt<T>(
    row: &PgRow,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Attempt<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| parse(text).ok_or_else(|| unreadable(column)))
        .transpose()
}

/// JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &PgRow, column: &str) -> Attempt<T> {
    Ok(serde_json::from_str(row.try_get(column)?)?)
}

/// As [`json`], if there is anything.
pub(crate) fn json_opt<T: DeserializeOwned>(row: &PgRow, column: &str) -> Attempt<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(serde_json::from_str).transpose()?)
}

/// Texts as an array to compare or join with.
pub(crate) fn texts<'t, T: 't>(
    of: impl IntoIterator<Item = &'t T>,
    text: impl Fn(&'t T) -> &'t str,
) -> Vec<&'t str> {
    of.into_iter().map(text).collect()
}

/// A moment.
pub(crate) fn time(row: &PgRow, column: &str) -> Attempt<Timestamp> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

/// A count.
pub(crate) fn count(row: &PgRow, column: &str) -> Attempt<u32> {
    let count: i64 = row.try_get(column)?;
    u32::try_from(count).map_err(|_| unreadable(column))
}

/// An amount, with the currency from a column of its own.
pub(crate) fn money(row: &PgRow, amount: &str, currency: &str) -> Attempt<Money> {
    let currency = parsed(row, currency, Currency::parse)?;
    Ok(Money::new(row.try_get(amount)?, currency))
}
