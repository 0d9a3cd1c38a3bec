//! Money and prices.

use bothways_domain::{
    Currency, Money,
    cart::Quantity,
    money::MAX_PRICE,
    pricing::{self, FREE_SHIPPING_FROM, SHIPPING_FEE},
};
use proptest::prelude::*;

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

proptest! {
    #[test]
    fn adding_is_exact_or_refused(a in any::<i64>(), b in any::<i64>()) {
        let sum = usd(a).plus(usd(b));
        match a.checked_add(b) {
            Some(exact) => prop_assert_eq!(sum.unwrap().amount(), exact),
            None => prop_assert!(sum.is_err()),
        }
    }

    #[test]
    fn multiplying_is_exact_or_refused(a in any::<i64>(), n in any::<u32>()) {
        let product = usd(a).times(n);
        match a.checked_mul(i64::from(n)) {
            Some(exact) => prop_assert_eq!(product.unwrap().amount(), exact),
            None => prop_assert!(product.is_err()),
        }
    }

    #[test]
    fn currencies_never_mix(a in any::<i32>(), b in any::<i32>()) {
        let euro = Currency::parse("EUR").unwrap();
        prop_assert!(usd(a.into()).plus(Money::new(b.into(), euro)).is_err());
    }

    #[test]
    fn the_fullest_cart_of_the_dearest_things_still_adds_up(
        lines in prop::collection::vec((0..=MAX_PRICE, 1..=99_u32), 0..=100),
    ) {
        let expected: i64 = lines.iter().map(|(price, quantity)| price * i64::from(*quantity)).sum();
        let totals = lines.iter().map(|(price, quantity)| {
            pricing::line_total(usd(*price), Quantity::try_from(*quantity).unwrap()).unwrap()
        });
        let subtotal = pricing::subtotal(usd(0), totals).unwrap();
        prop_assert_eq!(subtotal.amount(), expected);
        let sums = pricing::totals(subtotal).unwrap();
        prop_assert_eq!(sums.total.amount(), expected + sums.shipping.amount());
        prop_assert_eq!(sums.shipping.amount(), if expected >= 5_000 { 0 } else { 499 });
        // A JSON reader's largest exact integer.
        prop_assert!(sums.total.amount() < 1 << 53);
    }

    #[test]
    fn money_survives_json(amount in any::<i64>()) {
        let json = serde_json::to_string(&usd(amount)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), usd(amount));
    }
}

#[test]
fn shipping_is_free_from_fifty_and_not_a_cent_before() {
    assert_eq!(
        pricing::totals(usd(FREE_SHIPPING_FROM)).unwrap().shipping,
        usd(0)
    );
    assert_eq!(
        pricing::totals(usd(FREE_SHIPPING_FROM - 1))
            .unwrap()
            .shipping,
        usd(SHIPPING_FEE)
    );
}

#[test]
fn prices_have_limits_and_one_currency() {
    assert!(usd(0).as_price(Currency::USD, "/price").is_ok());
    assert!(usd(MAX_PRICE).as_price(Currency::USD, "/price").is_ok());
    assert!(
        usd(MAX_PRICE + 1)
            .as_price(Currency::USD, "/price")
            .is_err()
    );
    assert!(usd(-1).as_price(Currency::USD, "/price").is_err());
    let euro = Money::new(1, Currency::parse("EUR").unwrap());
    assert!(euro.as_price(Currency::USD, "/price").is_err());
}

#[test]
fn a_float_or_a_stray_field_is_no_money() {
    for text in [
        r#"{"amount":1.5,"currency":"USD"}"#,
        r#"{"amount":1,"currency":"usd"}"#,
        r#"{"amount":1,"currency":"USD","cents":2}"#,
        r#"{"amount":"1","currency":"USD"}"#,
    ] {
        assert!(serde_json::from_str::<Money>(text).is_err(), "{text}");
    }
}

#[test]
fn money_reads_like_money() {
    assert_eq!(usd(1299).to_string(), "12.99 USD");
    assert_eq!(usd(-5).to_string(), "-0.05 USD");
}
