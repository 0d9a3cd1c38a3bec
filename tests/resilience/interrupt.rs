//! Ctrl-C in the middle of load.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use bothways_tests::{
    Case, Checkout, Launcher, Options, Order, Product, RECOVERY, Reply, SOON, Shop, cases,
    eventually, price,
};
use futures::future::join_all;

use crate::processes::{Running, family};

pub(crate) fn cases() -> Vec<Case> {
    cases![after_ctrl_c_under_load_nothing_is_left_and_no_confirmed_order_is_lost]
}

const STOCK: usize = 500;
const BUYERS: usize = 8;
/// Orders that have to be confirmed before the interruption.
const WARM: usize = 12;

/// What the buyers got until the interruption.
#[derive(Default)]
struct Bought {
    confirmed: RefCell<Vec<Order>>,
    unanswered: RefCell<Vec<Checkout>>,
    interrupted: Cell<bool>,
}

impl Bought {
    /// Buys one after another until the shop is gone.
    async fn keep_buying(&self, shop: &Shop, product: &str) {
        while !self.interrupted.get() {
            let Ok(cart) = filled(shop, product).await else {
                continue;
            };
            let checkout = shop.checkout(&cart);
            match checkout.try_send().await {
                Ok(reply) if reply.status == 201 => {
                    self.confirmed
                        .borrow_mut()
                        .push(Order::from(&reply.value()));
                }
                _ => self.unanswered.borrow_mut().push(checkout),
            }
        }
    }

    async fn is_warm(&self) {
        eventually(RECOVERY, "the buyers are busy", async || {
            let count = self.confirmed.borrow().len();
            if count >= WARM {
                Ok(())
            } else {
                Err(count.to_string())
            }
        })
        .await;
    }
}

/// A cart with one of the product, or what went wrong: the shop may be gone at any moment.
async fn filled(shop: &Shop, product: &str) -> Result<String, String> {
    let well = |reply: Reply| {
        if reply.status < 300 {
            Ok(reply)
        } else {
            Err(reply.summary())
        }
    };
    let cart = well(shop.post("/api/carts").try_send().await?)?;
    let id = cart.value()["id"].as_str().unwrap_or_default().to_owned();
    let item = format!("/api/carts/{id}/items/{product}");
    well(
        shop.put(&item)
            .json(&serde_json::json!({ "quantity": 1 }))
            .try_send()
            .await?,
    )?;
    Ok(id)
}

async fn after_ctrl_c_under_load_nothing_is_left_and_no_confirmed_order_is_lost(given: &Shop) {
    let mut launcher = Launcher::start(Options::of(given.architecture()));
    let shop = launcher.shop(given.architecture());
    let price = price();
    let product = shop
        .product()
        .price(price)
        .stock(on_hand(STOCK))
        .create()
        .await;
    let bought = Bought::default();
    let interrupting = async {
        bought.is_warm().await;
        let family = everything(&shop, &launcher).await;
        launcher.interrupt();
        bought.interrupted.set(true);
        family
    };
    let buying = join_all((0..BUYERS).map(|_| bought.keep_buying(&shop, &product.id)));
    let (family, _) = futures::join!(interrupting, buying);

    launcher.wait();
    eventually(SOON, "no process is left", async || {
        let left: Vec<_> = family
            .iter()
            .filter(|process| process.still_runs())
            .collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;

    launcher.restart();
    let shop = launcher.shop(given.architecture());
    let sold = nothing_is_lost(&shop, &product, &bought).await;
    eventually(RECOVERY, "one charge for every order sold", async || {
        let intents = shop.ledger().of_amount(price).await;
        let held = intents.iter().filter(|intent| intent.is_held()).count();
        let charges = intents.iter().filter(|intent| intent.is_charge()).count();
        if held == 0 && charges == sold {
            Ok(())
        } else {
            Err(format!("{sold} sold, {charges} charged, {held} held"))
        }
    })
    .await;
}

/// The launcher and everything it started, by its own account and by the kernel's.
async fn everything(shop: &Shop, launcher: &Launcher) -> BTreeSet<Running> {
    let said = shop.control().pids().await;
    let seen = family(launcher.pid());
    assert!(seen.len() > 2, "the launcher started something: {seen:?}");
    seen.into_iter()
        .chain(said.into_iter().filter_map(Running::of))
        .collect()
}

/// Gives the number of orders that were sold in all.
async fn nothing_is_lost(shop: &Shop, product: &Product, bought: &Bought) -> usize {
    let (confirmed, unanswered) = (bought.confirmed.take(), bought.unanswered.take());
    for order in &confirmed {
        let read = order.read(shop).await;
        assert_eq!(read["status"], "confirmed", "{read}");
        assert_eq!(read["total"], order.body["total"]);
    }
    // Who got no answer asks again under the same key, at the shop's new address.
    let mut sold = confirmed.len();
    for checkout in unanswered {
        let checkout = checkout.at(shop);
        let reply = eventually(RECOVERY, "a final answer", async || {
            checkout.attempt_final().await
        })
        .await;
        sold += usize::from(reply.status == 201);
    }
    shop.settles_within(RECOVERY, &product.id, on_hand(STOCK - sold))
        .await;
    sold
}

fn on_hand(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default()
}
