//! The shop in containers: replicas share the load, one may freeze, all can be restarted, the database, too.

use std::{collections::BTreeMap, time::Duration};

use bothways_tests::{Case, Containers, Product, RECOVERY, SOON, Shop, cases, eventually};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{
    books::Purchase,
    load::{Load, SERVICES, SHOPPERS},
    replicas::{count, replicas},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        each_of_three_replicas_serves_its_share,
        a_frozen_replica_is_felt_by_hardly_anybody_for_a_minute,
        every_replica_is_restarted_under_load_and_no_request_fails,
        postgres_is_restarted_under_load_and_no_order_is_lost,
    ]
}

/// How long a frozen replica is looked at.
const FROZEN_FOR: Duration = Duration::from_mins(1);
/// An answer that takes longer is too late.
const TOO_LATE: Duration = Duration::from_secs(1);
/// Orders under way when the database goes.
const ORDERS: usize = 60;

fn containers() -> Containers {
    Containers::given().expect("this case needs containers")
}

/// How many requests each replica has had from the gateway, by its address.
async fn requests(containers: &Containers, service: &str) -> BTreeMap<String, u64> {
    let replicas = replicas(&containers.upstreams("gateway").await, service);
    let counted = replicas
        .into_iter()
        .map(|(address, replica)| (address, count(&replica, "requests")));
    counted.collect()
}

/// Has so many replicas of a service run, all of them known to the gateway.
async fn scaled(shop: &Shop, containers: &Containers, product: &Product, replicas: usize) {
    containers.scale(&["product"], replicas).await;
    eventually(SOON, "the gateway knows the replicas", async || {
        shop.get(&product.path()).send().await.expect(200);
        let known = requests(containers, "product").await;
        if known.len() == replicas {
            Ok(())
        } else {
            Err(format!("{known:?}"))
        }
    })
    .await;
}

/// A reading of the product: what was answered, when it began, and how long it took.
struct Reading {
    status: Option<u16>,
    began: Instant,
    took: Duration,
}

/// Reads the product, some at a time, for so long and at least so often.
async fn read(shop: &Shop, product: &Product, lasts: Duration, times: usize) -> Vec<Reading> {
    let over = Instant::now() + lasts;
    let each = (0..SHOPPERS).map(async |_| {
        let mut readings = Vec::new();
        while Instant::now() < over || readings.len() < times / SHOPPERS {
            let began = Instant::now();
            let answer = shop.get(&product.path()).try_send().await;
            readings.push(Reading {
                status: answer.ok().map(|reply| reply.status),
                began,
                took: began.elapsed(),
            });
            sleep(Duration::from_millis(10)).await;
        }
        readings
    });
    join_all(each).await.into_iter().flatten().collect()
}

async fn each_of_three_replicas_serves_its_share(shop: &Shop) {
    let containers = containers();
    let product = shop.product().stock(9).create().await;
    scaled(shop, &containers, &product, 3).await;
    let before = requests(&containers, "product").await;
    let readings = read(shop, &product, Duration::ZERO, 1_200).await;
    assert!(readings.iter().all(|reading| reading.status == Some(200)));
    let after = requests(&containers, "product").await;
    let shares: Vec<u64> = after
        .iter()
        .map(|(address, count)| count - before.get(address).copied().unwrap_or(0))
        .collect();
    println!(
        "requests of {} each replica served: {shares:?}",
        readings.len()
    );
    let all: u64 = shares.iter().sum();
    for share in &shares {
        assert!((25..=42).contains(&(share * 100 / all)), "{shares:?}");
    }
}

async fn a_frozen_replica_is_felt_by_hardly_anybody_for_a_minute(shop: &Shop) {
    let containers = containers();
    let product = shop.product().stock(9).create().await;
    scaled(shop, &containers, &product, 3).await;
    let frozen = containers.of("product").await.remove(0);
    let frozen_at = Instant::now();
    containers.docker("pause", &frozen).await;
    let readings = read(shop, &product, FROZEN_FOR, 0).await;
    containers.docker("unpause", &frozen).await;
    let bad: Vec<_> = readings
        .iter()
        .filter(|reading| reading.status != Some(200) || reading.took > TOO_LATE)
        .collect();
    println!(
        "{} of {} requests failed or took more than 1 s",
        bad.len(),
        readings.len()
    );
    assert!(
        bad.len() * 100 <= readings.len(),
        "{} of {}",
        bad.len(),
        readings.len()
    );
    // It is out after a few that waited in vain; then nobody is refused, and hardly one is late: of thousands, a busy
    // machine of two cores has one wait for its turn.
    let after = |reading: &&&Reading| reading.began - frozen_at > SOON;
    let late: Vec<_> = bad.iter().filter(after).collect();
    assert!(late.iter().all(|reading| reading.status == Some(200)));
    assert!(late.len() * 1_000 <= readings.len(), "{} late", late.len());
    scaled(shop, &containers, &product, 1).await;
}

async fn every_replica_is_restarted_under_load_and_no_request_fails(shop: &Shop) {
    let containers = containers();
    let product = shop.product().stock(100_000).create().await;
    containers.scale(&SERVICES, 2).await;
    // Until all who call have asked where those are that they call.
    sleep(Duration::from_secs(10)).await;
    let load = Load::default();
    let restarting = async {
        load.goes_on(SHOPPERS).await;
        for service in SERVICES {
            for container in containers.of(service).await {
                containers.docker("restart", &container).await;
                containers.is_healthy(&container).await;
                load.goes_on(1).await;
            }
        }
        load.end();
    };
    let shopping = join_all((0..SHOPPERS).map(|_| load.shop(shop, &product)));
    futures::join!(restarting, shopping);
    println!("{} bought while all were restarted", load.bought());
    load.failed_never(16 * 10);
    containers.scale(&SERVICES, 1).await;
}

async fn postgres_is_restarted_under_load_and_no_order_is_lost(shop: &Shop) {
    let containers = containers();
    let purchases = join_all((0..ORDERS).map(|_| Purchase::prepare(shop))).await;
    let other = shop.product().stock(9).create().await;
    let buying = join_all(
        purchases
            .iter()
            .enumerate()
            .map(async |(number, purchase)| {
                sleep(Duration::from_millis(50 * number as u64)).await;
                purchase.has_one_final_answer(shop).await.status
            }),
    );
    let restarting = async {
        sleep(Duration::from_secs(1)).await;
        let postgres = containers.of("postgres").await.remove(0);
        containers.docker("restart", &postgres).await;
        containers.is_healthy(&postgres).await;
        let back = Instant::now();
        eventually(RECOVERY, "people buy again", async || {
            let bought = shop.try_buy(&other.id).await?;
            (bought.status == 201)
                .then_some(())
                .ok_or_else(|| bought.summary())
        })
        .await;
        back.elapsed()
    };
    let (statuses, resumed) = futures::join!(buying, restarting);
    println!(
        "people bought again {:.1} s after PostgreSQL was back",
        resumed.as_secs_f64()
    );
    assert!(resumed < Duration::from_secs(10), "{resumed:?}");
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
}
