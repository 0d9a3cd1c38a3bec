//! What is sent, to whom, and what is not.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bothways_domain::{
    Currency, Money,
    cart::Quantity,
    checkout::{Address, Moment, Order, OrderItem, OrderStatus},
    fulfilment::{MailError, Mailer},
    id::{OrderId, ProductId},
    time::Timestamp,
};
use bothways_mail::mailer;

use crate::server::{Manner, Server};

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

fn order() -> Order {
    let item = |name: &str, units, price| OrderItem {
        product_id: ProductId::parse("p").unwrap(),
        name: name.to_owned(),
        unit_price: usd(price),
        quantity: Quantity::try_from(units).unwrap(),
        line_total: usd(price * i64::from(units)),
    };
    let at = Timestamp::from_millis(1_790_000_000_000);
    Order {
        id: OrderId::parse("0a1b2c").unwrap(),
        status: OrderStatus::Confirmed,
        items: vec![item("Kettle <1.7 l> Ωmega", 2, 1_299), item("Mug", 1, 499)],
        subtotal: usd(3_097),
        shipping: usd(499),
        total: usd(3_596),
        email: "ann@example.com".to_owned(),
        shipping_address: Address {
            name: "Ann Öberg".to_owned(),
            line1: "1 High Street".to_owned(),
            line2: None,
            city: "Köln".to_owned(),
            postal_code: "50667".to_owned(),
            country: "DE".to_owned(),
        },
        created_at: at,
        timeline: vec![Moment {
            status: OrderStatus::Confirmed,
            at,
        }],
    }
}

fn post(url: &str, more: &[(&str, &str)]) -> Arc<dyn Mailer> {
    mailer(|name| {
        let server = ("SMTP_URL", url);
        let mut settings = more.iter().chain([&server]);
        let found = settings.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

fn to(server: &Server) -> Arc<dyn Mailer> {
    post(
        &format!("smtp://127.0.0.1:{}", server.port),
        &[("PUBLIC_URL", "https://shop.example.com/")],
    )
}

/// The headers, unfolded, and the decoded bodies of the parts.
fn read(data: &str) -> (Vec<String>, Vec<String>) {
    let (head, body) = data.split_once("\n\n").unwrap();
    let headers = head.replace("\n ", " ").replace("\n\t", " ");
    let boundary = headers.split("boundary=\"").nth(1).unwrap();
    let boundary = format!("--{}", boundary.split('"').next().unwrap());
    let parts = body.split(&boundary).filter_map(|part| {
        let (head, body) = part.trim_start_matches('\n').split_once("\n\n")?;
        let encoding = head.split("Content-Transfer-Encoding: ").nth(1)?;
        Some(match encoding.lines().next()? {
            "base64" => {
                String::from_utf8(STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap()
            }
            "quoted-printable" => quoted_printable(body),
            _ => body.to_owned(),
        })
    });
    let parts = parts.collect();
    (headers.lines().map(str::to_owned).collect(), parts)
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap()
}

fn header<'h>(headers: &'h [String], name: &str) -> &'h str {
    let mut found = headers
        .iter()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = found
        .next()
        .unwrap_or_else(|| panic!("no {name}: {headers:?}"));
    assert_eq!(found.next(), None, "{name} is there once");
    value
}

#[tokio::test]
async fn a_receipt_says_what_was_bought_for_how_much_and_where_it_goes() {
    let server = Server::start(Manner::Accepts).await;
    to(&server).receipt(&order()).await.unwrap();
    let mail = server.only();
    assert_eq!(
        (mail.from.as_str(), mail.to, mail.credentials),
        ("orders@localhost", vec!["ann@example.com".to_owned()], None)
    );
    let (headers, parts) = read(&mail.data);
    assert_eq!(header(&headers, "To"), "ann@example.com");
    assert!(header(&headers, "From").contains("Bothways"));
    assert_eq!(header(&headers, "Subject"), "Your Bothways order 0a1b2c");
    assert_eq!(header(&headers, "Message-ID"), "<receipt.0a1b2c@localhost>");
    assert!(header(&headers, "Content-Type").starts_with("multipart/alternative"));
    let [text, html] = parts.as_slice() else {
        panic!("text and HTML: {parts:?}")
    };
    for said in [
        "Ann Öberg",
        "1 High Street",
        "50667 Köln",
        "DE",
        "25.98 USD",
        "Mug",
        "4.99 USD",
        "30.97 USD",
        "35.96 USD",
        "https://shop.example.com/orders/0a1b2c",
    ] {
        assert!(
            text.contains(said) && html.contains(said),
            "{said}: {text}{html}"
        );
    }
    assert!(
        text.contains("2 x Kettle <1.7 l> Ωmega: 25.98 USD"),
        "{text}"
    );
    assert!(html.contains("Ωmega") && !html.contains("<1.7"), "{html}");
}

/// Whatever a buyer or an administrator writes, and a mail server that wants a password.
#[tokio::test]
async fn nothing_a_buyer_writes_becomes_a_header_or_a_command() {
    let server = Server::start(Manner::Accepts).await;
    let mut order = order();
    let evil = "x\r\nBcc: eve@example.com\r\n.\r\nMAIL FROM:<eve@example.com>\r\n\u{1b}[2J";
    evil.clone_into(&mut order.items[0].name);
    evil.clone_into(&mut order.shipping_address.name);
    ".".clone_into(&mut order.shipping_address.line1);
    let url = format!("smtp://shop:se%20cret@127.0.0.1:{}", server.port);
    let settings = [
        ("SHOP_NAME", "Shöp, \"Inc\""),
        ("MAIL_FROM", "The Shop <sales@example.com>"),
    ];
    post(&url, &settings).receipt(&order).await.unwrap();
    let mail = server.only();
    assert_eq!(mail.to, ["ann@example.com"]);
    assert_eq!(mail.from, "sales@example.com");
    assert_eq!(mail.credentials.as_deref(), Some(" shop se cret"));
    let (headers, parts) = read(&mail.data);
    assert!(
        !headers
            .iter()
            .any(|line| line.to_lowercase().starts_with("bcc")),
        "{headers:?}"
    );
    assert_eq!(header(&headers, "From"), "\"The Shop\" <sales@example.com>");
    let line = "2 x x Bcc: eve@example.com . MAIL FROM:";
    assert!(parts[0].contains(line), "{}", parts[0]);
    assert!(!parts.concat().contains('\u{1b}'));
    assert!(
        !parts[0].contains("http"),
        "no address of the shop is known"
    );
}

#[tokio::test]
async fn a_refusal_an_absence_and_silence_are_told_from_a_bad_address() {
    for refusal in ["550 no such box", "451 not now"] {
        let server = Server::start(Manner::Refuses(refusal)).await;
        let refused = to(&server).receipt(&order()).await;
        let Err(MailError::NotTaken(cause)) = refused else {
            panic!("{refusal}")
        };
        assert!(cause.to_string().contains(&refusal[4..]), "{cause}");
    }
    let gone = post("smtp://127.0.0.1:1", &[]).receipt(&order()).await;
    assert!(matches!(gone, Err(MailError::NotTaken(_))), "{gone:?}");

    let silent = Server::start(Manner::Hangs).await;
    let began = std::time::Instant::now();
    let late = to(&silent).receipt(&order()).await;
    assert!(matches!(late, Err(MailError::NotTaken(_))), "{late:?}");
    assert!(began.elapsed().as_secs() < 20);

    let mut order = order();
    "two..dots@example.com".clone_into(&mut order.email);
    let server = Server::start(Manner::Accepts).await;
    let bad = to(&server).receipt(&order).await;
    assert!(matches!(bad, Err(MailError::Unaddressable(_))), "{bad:?}");
    assert!(server.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named() {
    for (name, value) in [
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "http://mail.example.com"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b.example\r\nBcc: eve@example.com"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "shop"),
    ] {
        let wrong = mailer(|asked| (asked == name).then(|| value.to_owned()));
        let named = wrong.err().map(|error| error.to_string());
        assert!(
            named.is_some_and(|text| text.starts_with(name)),
            "{name}={value}"
        );
    }
    assert!(mailer(|_| None).is_ok(), "the log needs no settings");
}
