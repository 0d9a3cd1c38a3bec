//! Limits of what the shop takes, at the limit and one past it.

use std::collections::BTreeMap;

use bothways_domain::{
    Currency, Error, Money,
    cart::Quantity,
    id::{IdempotencyKey, ProductId},
    identity::{EmailAddress, Password},
    paging::Paging,
    product::{Category, ProductDraft, Rating},
};

fn draft() -> ProductDraft {
    ProductDraft {
        name: "Kettle".to_owned(),
        brand: Some("Harrow".to_owned()),
        category: Category::new(vec!["Kitchen".to_owned()]),
        description: String::new(),
        price: Money::new(1, Currency::USD),
        attributes: BTreeMap::new(),
        rating: Rating::parse(5.0),
    }
}

fn broken(draft: &ProductDraft) -> Vec<String> {
    match draft.check(Currency::USD) {
        Ok(()) => Vec::new(),
        Err(Error::Validation(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_product_at_every_limit_is_fine() {
    let attributes = (0..200)
        .map(|n| (format!("a{n}"), "é".repeat(20_000)))
        .collect();
    let category = Category::new((0..6).map(|n| n.to_string()).collect());
    let draft = ProductDraft {
        name: "é".repeat(500),
        description: "é".repeat(20_000),
        category,
        attributes,
        ..draft()
    };
    assert_eq!(broken(&draft), Vec::<String>::new());
}

#[test]
fn one_past_each_limit_is_named_and_all_are_named_at_once() {
    let attributes: BTreeMap<_, _> = (0..201)
        .map(|n| {
            (
                format!("a/{n}"),
                "v".repeat(if n == 0 { 20_001 } else { 1 }),
            )
        })
        .collect();
    let draft = ProductDraft {
        name: "é".repeat(501),
        brand: Some("é".repeat(201)),
        description: "é".repeat(20_001),
        category: Category::new((0..7).map(|n| n.to_string()).collect()),
        price: Money::new(1, Currency::parse("EUR").unwrap()),
        attributes,
        ..draft()
    };
    let expected = [
        "/name",
        "/brand",
        "/description",
        "/price/currency",
        "/category",
        "/attributes",
        "/attributes/a~10",
    ];
    assert_eq!(broken(&draft), expected);
    assert_eq!(
        broken(&ProductDraft {
            name: String::new(),
            ..self::draft()
        }),
        ["/name"]
    );
}

#[test]
fn a_text_that_no_database_can_hold_is_refused() {
    let draft = ProductDraft {
        name: "Ket\0tle".to_owned(),
        brand: Some("\0".to_owned()),
        description: "\0".to_owned(),
        ..draft()
    };
    assert_eq!(broken(&draft), ["/name", "/brand", "/description"]);
}

#[test]
fn ids_keys_quantities_and_pages_have_edges() {
    assert!(ProductId::parse(&"a".repeat(64)).is_some());
    for bad in ["", "a b", "ä", "a/b", &"a".repeat(65)] {
        assert!(ProductId::parse(bad).is_none(), "{bad}");
    }
    assert!(IdempotencyKey::parse(&"k".repeat(255)).is_ok());
    for bad in ["", "a b", "ä", &"k".repeat(256)] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
    }
    assert!(Quantity::parse(1).is_ok() && Quantity::parse(99).is_ok());
    assert!(
        Quantity::parse(0).is_err()
            && Quantity::parse(100).is_err()
            && Quantity::parse(i64::MAX).is_err()
    );
    assert!(Paging::parse(Some(100), Some(100)).is_ok());
    for (page, per_page) in [(0, 1), (1, 0), (1, 101), (101, 100), (u32::MAX, 100)] {
        assert!(
            Paging::parse(Some(page), Some(per_page)).is_err(),
            "{page} {per_page}"
        );
    }
    assert!(
        Rating::parse(5.0).is_some()
            && Rating::parse(5.1).is_none()
            && Rating::parse(f64::NAN).is_none()
    );
}

#[test]
fn passwords_and_addresses_have_edges() {
    assert!(Password::parse(&"é".repeat(8), "/password").is_ok());
    assert!(Password::parse(&"é".repeat(128), "/password").is_ok());
    assert!(Password::parse(&"é".repeat(7), "/password").is_err());
    assert!(Password::parse(&"é".repeat(129), "/password").is_err());
    let address = EmailAddress::parse("Ann.Bee+shop@Example.COM", "/email").unwrap();
    assert_eq!(address.as_str(), "ann.bee+shop@example.com");
    for bad in [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@-example.com",
        "a b@example.com",
        "ann@example..com",
    ] {
        assert!(EmailAddress::parse(bad, "/email").is_err(), "{bad}");
    }
    let long = format!(
        "{}@{}.example",
        "a".repeat(64),
        ["b".repeat(60), "c".repeat(60), "d".repeat(60)].join(".")
    );
    assert_eq!(long.len(), 64 + 1 + 182 + 8);
    assert!(
        EmailAddress::parse(&long, "/email").is_err(),
        "255 characters"
    );
    assert!(
        EmailAddress::parse(&long[1..], "/email").is_ok(),
        "254 characters"
    );
}
