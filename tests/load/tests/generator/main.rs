//! The generator is right about what it measures: against servers of its own, which do wrong on purpose.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test reports by panicking"
)]

mod arrivals;
mod ceiling;
mod command;
mod failures;
mod journeys;
mod stall;

use std::time::Duration;

use bothways_load::{
    Plan,
    arrivals::{Shape, Spacing},
    figures::Figures,
    journey::Mix,
    run,
};

/// So many looks at a product a second, for so many seconds, by shoppers who don't think.
fn views(rate: f64, seconds: u64) -> Plan {
    journeys("look:1=view", rate, seconds)
}

fn journeys(journey: &str, rate: f64, seconds: u64) -> Plan {
    Plan {
        shape: Shape::Constant(rate),
        length: Duration::from_secs(seconds),
        at_most: u64::MAX,
        spacing: Spacing::Even,
        mix: Mix::new(vec![journey.parse().unwrap()]).unwrap(),
        thinks: Vec::new(),
        payment: "pm_card_visa".to_owned(),
        patience: Duration::from_mins(1),
        places: 1000,
        grace: Duration::from_mins(1),
        seed: 7,
    }
}

/// The run's figures; a run that doesn't end by itself fails the test.
async fn offer(plan: &Plan, url: &str) -> Figures {
    let patient = plan.length + plan.grace + Duration::from_mins(1);
    let run = run(plan, url, std::future::pending(), |_| {});
    tokio::time::timeout(patient, run)
        .await
        .expect("the run ends")
        .expect("the run begins")
}

/// How often requests failed in this way.
fn failed(figures: &Figures, kind: &str) -> u64 {
    figures.all.failures.get(kind).copied().unwrap_or_default()
}
