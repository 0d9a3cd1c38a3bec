//! Receipts, as a mail server gets them.

use std::time::Duration;

use bothways_tests::{Case, Order, Shop, cases, eventually, word};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_receipt_says_what_was_bought,
        an_order_has_one_receipt,
        what_a_buyer_writes_stays_in_the_body,
        a_receipt_that_is_refused_is_sent_later,
        goods_do_not_wait_for_a_receipt_nobody_takes,
    ]
}

/// As long as an order may take.
const LIFE: Duration = Duration::from_mins(4);

/// Somebody who buys two kettles.
async fn bought_by(shop: &Shop, email: &str) -> Order {
    let product = shop.product().price(1299).stock(5).create().await;
    let cart = shop.cart_of(&[(&product.id, 2)]).await;
    shop.checkout(&cart.id).with("email", email).buy().await
}

async fn is_delivered(shop: &Shop, order: &Order) {
    eventually(LIFE, "the order is delivered", async || {
        let read = order.read(shop).await;
        if read["status"] == "delivered" {
            Ok(())
        } else {
            Err(read["timeline"].to_string())
        }
    })
    .await;
}

async fn a_receipt_says_what_was_bought(shop: &Shop) {
    let email = format!("{}@shoppers.example", word());
    let order = bought_by(shop, &email).await;
    let mail = shop.post_office().delivers_to(&email).await;
    assert_eq!(mail.header("To"), email);
    assert!(mail.header("Subject").contains(&order.id));
    let parts = mail.parts();
    let name = order.body["items"][0]["name"].as_str().unwrap_or_default();
    let address = &order.body["shipping_address"];
    let page = format!("{}/orders/{}", shop.url(), order.id);
    let mut said = vec![&order.id, name, "25.98 USD", "4.99 USD", "30.97 USD", &page];
    for member in ["name", "line1", "city", "postal_code"] {
        said.extend(address[member].as_str());
    }
    for said in said {
        let count = parts.iter().filter(|part| part.contains(said)).count();
        assert_eq!(count, 2, "text and HTML say {said}: {parts:?}");
    }
    assert!(!mail.data.contains(&order.access_token));
}

async fn an_order_has_one_receipt(shop: &Shop) {
    let email = format!("{}@shoppers.example", word());
    let order = bought_by(shop, &email).await;
    is_delivered(shop, &order).await;
    assert_eq!(shop.post_office().mail_for(&email).len(), 1);
}

async fn what_a_buyer_writes_stays_in_the_body(shop: &Shop) {
    let email = format!("{}@shoppers.example", word());
    let name = "Robin\r\nBcc: eve@shoppers.example\r\n\r\n.\r\n<b>bold</b>";
    let product = shop.product().stock(5).create().await;
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let mut checkout = shop.checkout(&cart.id).with("email", email.as_str());
    checkout.body["shipping_address"]["name"] = name.into();
    checkout.buy().await;
    let mail = shop.post_office().delivers_to(&email).await;
    assert_eq!(mail.to, [email]);
    let head = mail.data.split("\n\n").next().unwrap_or_default();
    assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
    let parts = mail.parts();
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert!(parts[0].contains("Robin Bcc: eve@shoppers.example . <b>bold</b>"));
    assert!(!parts[1].contains("<b>"), "{}", parts[1]);
}

async fn a_receipt_that_is_refused_is_sent_later(shop: &Shop) {
    let email = format!("busy.{}@shoppers.example", word());
    bought_by(shop, &email).await;
    shop.post_office().delivers_to(&email).await;
    assert_eq!(shop.post_office().refused(&email), 2);
}

async fn goods_do_not_wait_for_a_receipt_nobody_takes(shop: &Shop) {
    let email = format!("never.{}@shoppers.example", word());
    let order = bought_by(shop, &email).await;
    is_delivered(shop, &order).await;
    assert!(shop.post_office().refused(&email) > 1, "it was tried again");
    assert_eq!(shop.post_office().mail_for(&email).len(), 0);
}
