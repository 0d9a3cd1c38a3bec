//! Shoppers do what their journey says, as often as the mix says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{extract::Request, middleware};
use bothways_load::{
    figures::Figures,
    journey::{Journey, Mix, Step, Think, think},
    stand::{self, Server},
};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{journeys, offer};

/// A stand, and what it was asked: method and URI.
fn listening() -> (Server, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&heard);
    let routes = stand::routes().layer(middleware::from_fn(
        move |request: Request, next: middleware::Next| {
            list.lock()
                .unwrap()
                .push(format!("{} {}", request.method(), request.uri()));
            next.run(request)
        },
    ));
    (Server::start(routes).unwrap(), heard)
}

fn right(figures: &Figures, step: Step) -> u64 {
    figures
        .steps
        .get(&step)
        .map_or(0, |requests| requests.right)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shopper_goes_from_the_search_to_the_order() {
    let (server, heard) = listening();
    let plan = journeys(
        "buy:1=browse,search,view,add,view,add,check-out,order",
        10.0,
        1,
    );
    let figures = offer(&plan, server.url()).await;
    assert_eq!(
        (figures.completed(), figures.all.failed()),
        (10, 0),
        "{figures:?}"
    );
    let counts = [
        (Step::Browse, 10),
        (Step::View, 20),
        (Step::OpenCart, 10),
        (Step::Add, 20),
        (Step::Order, 10),
    ];
    for (step, count) in counts {
        assert_eq!(right(&figures, step), count, "{step}");
    }
    // What the server heard is what was counted, but for the catalogue that was read before.
    let heard = heard.lock().unwrap();
    assert_eq!(u64::try_from(heard.len()).unwrap(), figures.all.right + 1);
    assert_eq!(
        heard
            .iter()
            .filter(|line| *line == "POST /api/checkout")
            .count(),
        10
    );
    let journey = &figures.journeys["buy"].waited_micros;
    assert_eq!(journey.count(), 10);
    let slowest = figures
        .steps
        .values()
        .map(|requests| requests.micros.quantile(0.0))
        .max();
    assert!(
        Some(journey.quantile(0.0)) >= slowest,
        "a journey waits for all of its steps"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_bounded_by_its_count_too() {
    let (server, _) = listening();
    let mut plan = journeys("look:1=view", 1000.0, 3600);
    plan.at_most = 7;
    let figures = offer(&plan, server.url()).await;
    assert_eq!(
        (figures.offered, figures.completed(), figures.all.right),
        (7, 7, 7)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_asks_for_the_same_again() {
    let mut heard_of = Vec::new();
    for seed in [1, 1, 2] {
        let (server, heard) = listening();
        let mut plan = journeys("look:1=browse,view,search,view", 20.0, 1);
        plan.seed = seed;
        offer(&plan, server.url()).await;
        let mut heard = heard.lock().unwrap().clone();
        heard.sort_unstable();
        heard_of.push(heard);
    }
    assert_eq!(heard_of[0], heard_of[1]);
    assert_ne!(heard_of[0], heard_of[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thinking_is_in_no_latency() {
    let (server, _) = listening();
    let mut plan = journeys("look:1=view,view", 5.0, 1);
    plan.thinks = vec!["30s".parse().unwrap(), "view=1s".parse().unwrap()];
    let figures = offer(&plan, server.url()).await;
    assert_eq!(figures.completed(), 5);
    // All five thought for a second; if it counted, every second view would have taken that long.
    assert!(figures.elapsed >= Duration::from_secs(1));
    assert!(
        figures.all.micros.quantile(0.2) < Duration::from_secs(1),
        "{figures:?}"
    );
    assert!(
        figures.journeys["look"].waited_micros.quantile(0.0) < Duration::from_secs(1),
        "{figures:?}"
    );
}

#[test]
fn journeys_are_taken_as_often_as_their_weights_say() {
    let journeys = ["often:75=view", "seldom:25=search", "never:0=browse"]
        .map(|text| text.parse::<Journey>().unwrap());
    let mix = Mix::new(journeys.into()).unwrap();
    let mut rng = StdRng::seed_from_u64(5);
    let mut taken = BTreeMap::<&str, u32>::new();
    for _ in 0..10_000 {
        *taken.entry(&mix.pick(&mut rng).name).or_default() += 1;
    }
    assert!((7200..7800).contains(&taken["often"]), "{taken:?}");
    assert_eq!(taken["often"] + taken["seldom"], 10_000);
}

#[test]
fn a_think_time_lies_in_its_span_and_the_last_that_fits_counts() {
    let thinks: Vec<Think> = ["9s", "1s..3s", "add=5s"]
        .map(|text| text.parse().unwrap())
        .into();
    let mut rng = StdRng::seed_from_u64(5);
    let span = Duration::from_secs(1)..=Duration::from_secs(3);
    let drawn: Vec<Duration> = (0..100)
        .map(|_| think(&thinks, Step::View, &mut rng))
        .collect();
    assert!(
        drawn.iter().all(|time| span.contains(time)) && drawn.iter().any(|time| *time != drawn[0]),
        "{drawn:?}"
    );
    assert_eq!(think(&thinks, Step::Add, &mut rng), Duration::from_secs(5));
    assert_eq!(think(&[], Step::Add, &mut rng), Duration::ZERO);
}

#[test]
fn what_is_no_journey_is_refused() {
    for text in [
        "view",
        "a=view",
        "a:1=",
        "a:x=view",
        "a:1=walk",
        "a:1=open-cart",
        "a:1=check-out",
        "a:1=add,order",
    ] {
        assert!(text.parse::<Journey>().is_err(), "{text}");
    }
    assert!(
        "a:1=add,check-out,add,check-out"
            .parse::<Journey>()
            .is_err()
    );
    assert!(Mix::new(vec!["a:0=view".parse().unwrap()]).is_err());
    assert!(
        Mix::new(vec![
            "a:1=view".parse().unwrap(),
            "a:1=search".parse().unwrap()
        ])
        .is_err()
    );
    assert!("3s..1s".parse::<Think>().is_err());
}
