//! Services with replicas: the load spreads, one that freezes is left out, and all can be restarted one after the other
//! without anybody noticing.

use std::collections::BTreeMap;

use bothways_tests::{
    Case, Control, Launcher, Options, Product, RECOVERY, Shop, cases, entries, eventually,
};
use futures::future::join_all;
use serde_json::Value;

use crate::{
    load::{Load, SERVICES, SHOPPERS},
    processes::Frozen,
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        three_replicas_share_the_load,
        a_frozen_replica_is_left_out_and_comes_back,
        a_rolling_restart_of_every_service_under_load_fails_no_request,
    ]
}

const ARCHITECTURE: &str = "microservices";

/// A shop of its own with these replicas.
fn start(replicas: impl IntoIterator<Item = (&'static str, usize)>) -> (Launcher, Shop) {
    let mut options = Options::of(ARCHITECTURE);
    for (service, count) in replicas {
        options = options.argument(&format!("--replicas={service}={count}"));
    }
    let launcher = Launcher::start(options);
    let shop = launcher.shop(ARCHITECTURE);
    (launcher, shop)
}

/// The replicas of a service, by address, as a caller finds its upstreams to be; none that it never called.
pub(crate) fn replicas(upstreams: &[Value], service: &str) -> BTreeMap<String, Value> {
    let state = upstreams.iter().find(|state| state["name"] == service);
    let endpoints = state.map_or(&[][..], |state| entries(&state["endpoints"]));
    let named = endpoints.iter().map(|endpoint| {
        let address = endpoint["address"].as_str().expect("an address");
        (address.to_owned(), endpoint.clone())
    });
    named.collect()
}

/// What a replica's caller has counted of it.
pub(crate) fn count(replica: &Value, what: &str) -> u64 {
    replica[what].as_u64().expect("a count")
}

/// How the gateway finds the replicas of the product service to be.
async fn products(control: &Control) -> BTreeMap<String, Value> {
    replicas(&control.upstreams(ARCHITECTURE, "gateway").await, "product")
}

/// Reads a product so often, some at a time; the statuses.
async fn read(shop: &Shop, product: &Product, times: usize) -> Vec<u16> {
    let each = join_all((0..SHOPPERS).map(async |_| {
        let mut statuses = Vec::new();
        for _ in 0..times / SHOPPERS {
            statuses.push(shop.get(&product.path()).send().await.status);
        }
        statuses
    }));
    each.await.concat()
}

fn failures(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status != 200).count()
}

async fn three_replicas_share_the_load(_given: &Shop) {
    let (_launcher, shop) = start([("product", 3)]);
    let control = shop.control();
    let product = shop.product().stock(9).create().await;
    let before = products(&control).await;
    assert_eq!(before.len(), 3);
    assert_eq!(failures(&read(&shop, &product, 600).await), 0);
    for (address, replica) in products(&control).await {
        let share = count(&replica, "requests") - count(&before[&address], "requests");
        assert!((150..=252).contains(&share), "{share} of 600");
    }
}

async fn a_frozen_replica_is_left_out_and_comes_back(_given: &Shop) {
    let (_launcher, shop) = start([("product", 3)]);
    let control = shop.control();
    let product = shop.product().stock(9).create().await;
    let process = control.process(ARCHITECTURE, "product-2").await;
    let address = format!("127.0.0.1:{}", process.port);
    let replica = async || products(&control).await[&address].clone();
    let before = count(&replica().await, "requests");
    let frozen = Frozen::new(&process);
    assert_eq!(failures(&read(&shop, &product, 600).await), 0);
    let state = replica().await;
    assert_eq!(state["ejected"], true, "{state}");
    // Three that waited in vain put it out; whoever had asked it meanwhile waited, too. Since then, one now and then sees
    // whether it is back.
    let asked = count(&state, "requests") - before;
    let tried = count(&state, "ejections");
    assert!(asked <= 3 + SHOPPERS as u64 + tried, "{asked} of 600");
    drop(frozen);
    let after = count(&state, "requests");
    eventually(RECOVERY, "it serves again", async || {
        assert_eq!(failures(&read(&shop, &product, 40).await), 0);
        let state = replica().await;
        let serves = state["ejected"] == false && count(&state, "requests") > after + 10;
        if serves {
            Ok(())
        } else {
            Err(state.to_string())
        }
    })
    .await;
}

async fn a_rolling_restart_of_every_service_under_load_fails_no_request(_given: &Shop) {
    let (_launcher, shop) = start(SERVICES.map(|service| (service, 2)));
    let control = shop.control();
    let product = shop.product().stock(100_000).create().await;
    let load = Load::default();
    let restarting = async {
        load.goes_on(SHOPPERS).await;
        for service in SERVICES {
            for name in [service.to_owned(), format!("{service}-2")] {
                let before = control.process(ARCHITECTURE, &name).await;
                control.order(ARCHITECTURE, &name, "stop").await;
                control.order(ARCHITECTURE, &name, "start").await;
                let after = control.process(ARCHITECTURE, &name).await;
                assert_eq!(after.state, "running");
                assert_ne!(after.pid, before.pid, "{name}");
                load.goes_on(1).await;
            }
        }
        load.end();
    };
    let shopping = join_all((0..SHOPPERS).map(|_| load.shop(&shop, &product)));
    futures::join!(restarting, shopping);
    load.failed_never(16 * 10);
    let left = i64::try_from(100_000 - load.bought()).expect("a count");
    shop.settles_at(&product.id, left).await;
}
