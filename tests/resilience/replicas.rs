//! Services with replicas: the load spreads, one that freezes is left out, and all can be restarted one after the other
//! without anybody noticing.

use std::collections::BTreeMap;

use bothways_tests::{
    Case, Control, Launcher, Options, Product, RECOVERY, Shop, cases, eventually,
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

/// How the gateway finds the replicas of a service to be, by address.
async fn replicas(control: &Control, service: &str) -> BTreeMap<String, Value> {
    let states = control.upstreams(ARCHITECTURE, "gateway").await;
    let state = states.iter().find(|state| state["name"] == service);
    let endpoints = state.and_then(|state| state["endpoints"].as_array().cloned());
    let endpoints = endpoints.unwrap_or_else(|| panic!("no {service} in {states:?}"));
    let named = endpoints.into_iter().map(|endpoint| {
        let address = endpoint["address"].as_str().unwrap_or_default();
        (address.to_owned(), endpoint)
    });
    named.collect()
}

fn requests(endpoint: &Value) -> u64 {
    endpoint["requests"].as_u64().expect("a count")
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
    let before = replicas(&control, "product").await;
    assert_eq!(before.len(), 3);
    assert_eq!(failures(&read(&shop, &product, 600).await), 0);
    for (address, replica) in replicas(&control, "product").await {
        let share = requests(&replica) - requests(&before[&address]);
        assert!((150..=252).contains(&share), "{share} of 600");
    }
}

async fn a_frozen_replica_is_left_out_and_comes_back(_given: &Shop) {
    let (_launcher, shop) = start([("product", 3)]);
    let control = shop.control();
    let product = shop.product().stock(9).create().await;
    let process = control.process(ARCHITECTURE, "product-2").await;
    let address = format!("127.0.0.1:{}", process.port);
    let replica = async || replicas(&control, "product").await[&address].clone();
    let before = requests(&replica().await);
    let frozen = Frozen::new(&process);
    assert_eq!(failures(&read(&shop, &product, 600).await), 0);
    let state = replica().await;
    assert_eq!(state["ejected"], true, "{state}");
    // Three that waited in vain put it out; whoever had asked it meanwhile waited, too. Since then, one now and then sees
    // whether it is back.
    let asked = requests(&state) - before;
    let tried = state["ejections"].as_u64().expect("a count");
    assert!(asked <= 3 + SHOPPERS as u64 + tried, "{asked} of 600");
    drop(frozen);
    let after = requests(&state);
    eventually(RECOVERY, "it serves again", async || {
        assert_eq!(failures(&read(&shop, &product, 40).await), 0);
        let state = replica().await;
        let serves = state["ejected"] == false && requests(&state) > after + 10;
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
