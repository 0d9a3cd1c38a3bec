//! `kill -9` of checkout between any two steps of the saga.
//!
//! The kills come one after another, so that each hits the step it is meant for; recovery is then
//! waited for together. Every step is a case of its own that reads its part of the outcome.

use std::{
    any::Any,
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, LazyLock, Mutex},
};

use bothways_tests::{Case, FailPoint, RECOVERY, Shop, eventually};
use futures::{FutureExt as _, future::join_all};
use tokio::sync::OnceCell;

use crate::books::Purchase;

/// The steps of the saga, each named when it was just recorded.
const STEPS: [&str; 9] = [
    "claimed",
    "placed",
    "reserved",
    "intent-created",
    "authorised",
    "settled",
    "confirmed",
    "captured",
    "cleared",
];

pub(crate) fn cases() -> Vec<Case> {
    let case = |step: &'static str| {
        let name = format!(
            "a_checkout_killed_when_it_was_{}_is_finished_or_undone",
            step.replace('-', "_")
        );
        Case::new(name, move |shop: Shop| {
            Box::pin(async move {
                let outcomes = outcomes(&shop).await;
                assert_eq!(outcomes[step], Ok(()));
            })
        })
    };
    STEPS.into_iter().map(case).collect()
}

type Outcomes = HashMap<&'static str, Result<(), String>>;
type ByShop = Mutex<HashMap<String, Arc<OnceCell<Outcomes>>>>;

/// What came of the kills of this shop; the first case that asks does them.
async fn outcomes(shop: &Shop) -> Outcomes {
    static KEPT: LazyLock<ByShop> = LazyLock::new(Mutex::default);
    let cell = {
        let mut kept = KEPT.lock().expect("no panic inside");
        Arc::clone(kept.entry(shop.architecture().to_owned()).or_default())
    };
    cell.get_or_init(|| kill_at_every_step(shop)).await.clone()
}

async fn kill_at_every_step(shop: &Shop) -> Outcomes {
    let mut killed = Vec::new();
    for step in STEPS {
        killed.push((step, said(kill_at(shop, step)).await));
    }
    let recovered = killed
        .into_iter()
        .map(async |(step, purchase)| match purchase {
            Ok(purchase) => (step, said(is_recovered(shop, &purchase)).await),
            Err(complaint) => (step, Err(complaint)),
        });
    join_all(recovered).await.into_iter().collect()
}

/// A failed assertion in words, so that the other steps go on.
async fn said<T>(attempt: impl Future<Output = T>) -> Result<T, String> {
    let outcome = AssertUnwindSafe(attempt).catch_unwind().await;
    outcome.map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default()
    })
}

/// Lets checkout die right after `step` of a purchase; the client hears of it as any client does.
async fn kill_at(shop: &Shop, step: &str) -> Purchase {
    let purchase = Purchase::prepare(shop).await;
    let fail_point = FailPoint::set(shop, &format!("{step}.{}", purchase.cart.id));
    until_it_dies(step, &fail_point, async || {
        let reply = purchase.checkout.try_send().await?;
        if reply.status >= 500 {
            Err(reply.summary())
        } else {
            Ok(reply.summary())
        }
    })
    .await;
    is_back(shop, &purchase).await;
    purchase
}

/// Asks until checkout dies of it: so soon after other kills, the gateway may take checkout for failing and refuse to ask it
/// for a moment. An answer means that nobody died.
pub(crate) async fn until_it_dies(
    step: &str,
    fail_point: &FailPoint,
    ask: impl AsyncFn() -> Result<String, String>,
) {
    eventually(
        RECOVERY,
        &format!("{step} is reached"),
        async || match ask().await {
            Ok(answer) => panic!("{step}: nobody died: {answer}"),
            Err(_) if fail_point.has_struck() => Ok(()),
            Err(refused) => Err(refused),
        },
    )
    .await;
}

/// Waits until checkout answers again.
pub(crate) async fn is_back(shop: &Shop, purchase: &Purchase) {
    eventually(RECOVERY, "checkout answers again", async || {
        let reply = shop
            .get("/api/orders")
            .bearer(&purchase.user.access_token)
            .try_send()
            .await?;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.summary())
        }
    })
    .await;
}

async fn is_recovered(shop: &Shop, purchase: &Purchase) {
    // First without anybody asking again: that is recovery's own work.
    purchase.adds_up(shop).await;
    purchase.has_one_final_answer(shop).await;
}
