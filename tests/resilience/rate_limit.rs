//! The gateway's limit of requests by client.

use bothways_tests::{Case, Launcher, Options, SOON, Shop, cases, eventually};
use futures::future::join_all;

pub(crate) fn cases() -> Vec<Case> {
    cases![a_client_that_asks_too_often_is_told_to_wait]
}

/// The limit belongs to the whole gateway, so this case starts one of its own.
async fn a_client_that_asks_too_often_is_told_to_wait(_: &Shop) {
    let options = Options::of("microservices");
    let options = options
        .env("RATE_LIMIT_PER_SECOND", "5")
        .env("RATE_LIMIT_BURST", "10");
    let launcher = Launcher::start(options);
    let shop = launcher.shop("microservices");
    let replies = join_all((0..60).map(|_| shop.get("/api/about").send())).await;
    let limited: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!(limited.len() < 60, "some get through");
    assert!(!limited.is_empty(), "nobody is told to wait");
    for reply in limited {
        reply.problem("rate-limited");
        reply.retry_after();
    }
    eventually(SOON, "after a while it may ask again", async || {
        let reply = shop.get("/api/about").send().await;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.summary())
        }
    })
    .await;
}
