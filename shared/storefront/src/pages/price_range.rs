//! Prices as people type them, for the price range of a search.

/// A typed price in minor units, such as `12`, `$12.50` or `1,299.00 EUR`; `None` when it says none.
pub(super) fn parse(typed: &str) -> Option<i64> {
    let digits: String = typed
        .chars()
        .filter(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ','))
        .collect();
    // The last point or comma with one or two digits behind it parts the cents; all others group thousands.
    let cut = digits
        .rfind(['.', ','])
        .filter(|at| (1..=2).contains(&(digits.len() - at - 1)));
    let (whole, cents) = cut.map_or((digits.as_str(), ""), |at| {
        (&digits[..at], &digits[at + 1..])
    });
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if whole.is_empty() && cents.is_empty() {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    whole.checked_mul(100)?.checked_add(cents)
}

/// An amount as the field shows it.
pub(super) fn show(amount: Option<i64>) -> String {
    match amount {
        None => String::new(),
        Some(amount) if amount % 100 == 0 => (amount / 100).to_string(),
        Some(amount) => format!("{}.{:02}", amount / 100, amount % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_people_type_them() {
        for (typed, amount) in [
            ("12", Some(1_200)),
            ("$12.50", Some(1_250)),
            ("12,5", Some(1_250)),
            ("1,299.00 EUR", Some(129_900)),
            ("1.299", Some(129_900)),
            (".99", Some(99)),
            ("cheap", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(typed), amount, "{typed}");
        }
    }

    #[test]
    fn amounts_are_shown_as_they_would_be_typed() {
        assert_eq!(
            [show(None), show(Some(1_200)), show(Some(1_205))],
            ["", "12", "12.05"]
        );
    }
}
