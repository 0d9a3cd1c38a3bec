//! How things read on a page.

use bothways_domain::{Money, inventory::Availability, time::Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::{OffsetDateTime, macros::format_description};

/// What an id may have in a path without being escaped.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// A price, such as `$1,234.56` or `1,234.56 EUR`.
pub(crate) fn price(money: Money) -> String {
    let amount = money.amount().unsigned_abs();
    let whole = (amount / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if money.amount() < 0 { "-" } else { "" };
    let number = format!("{grouped}.{:02}", amount % 100);
    match money.currency().as_str() {
        "USD" => format!("{sign}${number}"),
        other => format!("{sign}{number} {other}"),
    }
}

/// A moment, such as `21 November 2026, 10:32 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let form =
        format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
    let moment =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.as_millis()) * 1_000_000).ok();
    moment
        .and_then(|moment| moment.format(form).ok())
        .unwrap_or_else(|| at.to_string())
}

/// An availability in words.
pub(crate) fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::InStock => "In stock",
        Availability::LowStock => "Only a few left",
        Availability::OutOfStock => "Out of stock",
        Availability::Unknown => "Stock unknown right now",
    }
}

/// The path of a product's page.
pub(crate) fn product_path(id: &str) -> String {
    format!("/products/{}", utf8_percent_encode(id, PATH))
}

/// The picture of a product, or the drawing that stands in for it.
pub(crate) fn picture(image: Option<&str>, id: &str, name: &str) -> String {
    if let Some(image) = image {
        return image.to_owned();
    }
    let hue = id.bytes().fold(7_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    }) % 360;
    let initials: String = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(char::is_ascii_alphanumeric))
        .take(2)
        .collect();
    let initials = if initials.is_empty() {
        "o".to_owned()
    } else {
        initials.to_uppercase()
    };
    format!("/placeholder/{hue}-{initials}.svg")
}

#[cfg(test)]
mod tests {
    use bothways_domain::Currency;

    use super::*;

    #[test]
    fn prices_read_like_prices() {
        let usd = |amount| price(Money::new(amount, Currency::USD));
        assert_eq!(
            (usd(5), usd(123_456), usd(100_000_000)),
            ("$0.05".into(), "$1,234.56".into(), "$1,000,000.00".into())
        );
        assert_eq!(
            price(Money::new(999, Currency::parse("EUR").unwrap())),
            "9.99 EUR"
        );
    }

    #[test]
    fn moments_read_like_moments() {
        assert_eq!(
            moment(Timestamp::from_millis(0)),
            "1 January 1970, 00:00 UTC"
        );
    }
}
