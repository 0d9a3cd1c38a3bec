//! Fulfilment that is killed or gone: every order still ships and is delivered once, and has its receipt.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use bothways_tests::{
    Case, Launcher, Options, Order, PostOffice, SOON, Shop, cases, entries, eventually, word,
};
use serde_json::Value;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        fulfilment_killed_at_every_turn_delivers_every_order_once,
        without_a_mail_server_receipts_are_in_the_log,
    ]
}

pub(crate) fn in_services() -> Vec<Case> {
    cases![without_fulfilment_the_shop_sells_and_orders_ship_when_it_is_back]
}

const ORDERS: usize = 10;
/// Until a message whose function was killed has come again, on a busy machine.
const LIFE: Duration = Duration::from_mins(3);

/// A shop whose orders ship 3 s after they were bought, and arrive 3 s later.
fn quick(architecture: &str) -> Options {
    Options::of(architecture)
        .impatient_queues()
        .env("SHIP_AFTER_MS", "3000")
        .env("DELIVER_AFTER_MS", "3000")
}

async fn buy(shop: &Shop, product: &str, email: &str) -> Order {
    let cart = shop.cart_of(&[(product, 1)]).await;
    shop.checkout(&cart.id).with("email", email).buy().await
}

fn steps(order: &Value) -> Vec<&str> {
    let timeline = entries(&order["timeline"]).iter();
    timeline
        .filter_map(|entry| entry["status"].as_str())
        .collect()
}

/// Waits until as many orders as that have come as far as this.
async fn have_come(shop: &Shop, orders: &[Order], least: usize, step: &str) {
    let what = format!("{least} orders are {step}");
    eventually(LIFE, &what, async || {
        let mut come = Vec::new();
        for order in orders {
            let read = order.read(shop).await;
            if steps(&read).contains(&step) {
                come.push(order.id.clone());
            }
        }
        if come.len() >= least {
            Ok(())
        } else {
            Err(format!("{come:?}"))
        }
    })
    .await;
}

async fn fulfilment_killed_at_every_turn_delivers_every_order_once(given: &Shop) {
    let office = PostOffice::open().await;
    let launcher = Launcher::start(quick(given.architecture()).mail_to(&office));
    let shop = launcher.shop(given.architecture());
    let product = shop.product().stock(50).create().await;
    let bought: RefCell<BTreeMap<String, Order>> = RefCell::default();
    let buying = async {
        for _ in 0..ORDERS {
            let email = format!("{}@shoppers.example", word());
            let order = buy(&shop, &product.id, &email).await;
            bought.borrow_mut().insert(email, order);
        }
    };
    // The first mail shows that fulfilment is in the middle of the others' events.
    let killing = async {
        eventually(SOON * 3, "a first receipt", async || {
            let sent = |email: &String| !office.mail_for(email).is_empty();
            if bought.borrow().keys().any(sent) {
                Ok(())
            } else {
                Err(format!("{} bought", bought.borrow().len()))
            }
        })
        .await;
        shop.kill("fulfilment").await;
    };
    futures::join!(buying, killing);
    let bought = bought.take();
    let orders: Vec<Order> = bought.values().cloned().collect();
    for turn in ["shipped", "delivered"] {
        have_come(&shop, &orders, 1, turn).await;
        shop.kill("fulfilment").await;
    }
    have_come(&shop, &orders, ORDERS, "delivered").await;
    for (email, order) in &bought {
        let read = order.read(&shop).await;
        assert_eq!(
            steps(&read),
            ["pending", "confirmed", "shipped", "delivered"]
        );
        let receipt = office.delivers_to(email).await;
        assert!(receipt.header("Subject").contains(&order.id));
    }
    let sold = i64::try_from(ORDERS).expect("a small number");
    shop.settles_at(&product.id, 50 - sold).await;
}

async fn without_a_mail_server_receipts_are_in_the_log(given: &Shop) {
    let launcher = Launcher::start(quick(given.architecture()));
    let shop = launcher.shop(given.architecture());
    let product = shop.product().stock(5).create().await;
    let email = format!("{}@shoppers.example", word());
    let order = buy(&shop, &product.id, &email).await;
    eventually(SOON * 3, "a receipt in the log", async || {
        let log = launcher.log_of(given.architecture(), "fulfilment");
        let said: [&str; 4] = [&email, &order.id, &product.word, "17.98 USD"];
        if said.into_iter().all(|said| log.contains(said)) {
            Ok(())
        } else {
            Err(log)
        }
    })
    .await;
    have_come(&shop, &[order], 1, "delivered").await;
}

async fn without_fulfilment_the_shop_sells_and_orders_ship_when_it_is_back(given: &Shop) {
    let office = PostOffice::open().await;
    let launcher = Launcher::start(quick(given.architecture()).mail_to(&office));
    let shop = launcher.shop(given.architecture());
    let (control, product) = (shop.control(), shop.product().stock(9).create().await);
    control
        .order(shop.architecture(), "fulfilment", "kill")
        .await;
    let email = format!("{}@shoppers.example", word());
    let order = buy(&shop, &product.id, &email).await;
    let called_off = buy(&shop, &product.id, &email).await;
    called_off.cancel(&shop).await.expect(200);
    assert_eq!(order.read(&shop).await["status"], "confirmed");
    shop.settles_at(&product.id, 8).await;
    control
        .order(shop.architecture(), "fulfilment", "start")
        .await;
    have_come(&shop, std::slice::from_ref(&order), 1, "delivered").await;
    let receipt = office.delivers_to(&email).await;
    assert!(receipt.header("Subject").contains(&order.id));
    let read = called_off.read(&shop).await;
    assert_eq!(steps(&read), ["pending", "confirmed", "cancelled"]);
    assert_eq!(office.mail_for(&email).len(), 1, "one order, one receipt");
}
