//! The simulation: limits, and what theory says of simple cases.

use bothways_compare::{
    cost::{Function, Measured, Prices},
    simulation::{Account, Autoscaler, Host, Outcome, check, functions, replicas, spike},
};
use bothways_load::arrivals::{Shape, Spacing};
use std::{collections::BTreeMap, time::Duration};

fn arrivals(shape: &Shape, seconds: u64, spacing: Spacing) -> impl Iterator<Item = f64> {
    let arrivals = shape.over(Duration::from_secs(seconds));
    arrivals.instants(spacing, 5).map(|at| at.as_secs_f64())
}

fn lambda(arrivals: impl IntoIterator<Item = f64>, duration: f64, init: f64) -> Outcome {
    functions(arrivals, || duration, init, &Account::default())
}

#[test]
fn one_after_the_other_needs_one_instance_and_two_at_once_two() {
    let outcome = lambda([0.0, 1.0, 2.0], 0.5, 0.3);
    assert_eq!((outcome.started, outcome.most, outcome.refused), (1, 1, 0));
    assert!(
        (outcome.quantile(1.0) - 0.8).abs() < 1e-9 && (outcome.quantile(0.5) - 0.5).abs() < 1e-9
    );
    let outcome = lambda([0.0, 0.1, 0.2, 9.0, 9.1], 0.5, 0.0);
    assert_eq!(
        (outcome.started, outcome.most),
        (3, 3),
        "idle ones are used again"
    );
}

#[test]
fn an_instance_is_reaped_when_idle_for_five_minutes() {
    assert_eq!(
        lambda((0..10).map(|n| f64::from(n) * 299.0), 0.1, 0.0).started,
        1
    );
    assert_eq!(
        lambda((0..10).map(|n| f64::from(n) * 301.0), 0.1, 0.0).started,
        10
    );
}

#[test]
fn strangers_find_no_instance_as_often_as_nobody_came_before_them() {
    let rate = 1.0 / 300.0;
    let outcome = lambda(
        arrivals(&Shape::Constant(rate), 6_000_000, Spacing::Random),
        0.001,
        0.0,
    );
    let share = f64::from(u32::try_from(outcome.started).unwrap())
        / f64::from(u32::try_from(outcome.answered).unwrap());
    assert!(
        (share - (-1.0_f64).exp()).abs() < 0.01,
        "{share}: the cost model's formula"
    );
}

#[test]
fn a_burst_gets_a_thousand_instances_and_a_hundred_a_second_after() {
    let many = Account {
        concurrency: 100_000,
        ..Account::default()
    };
    let at_once = functions(std::iter::repeat_n(0.0, 2500), || 60.0, 0.1, &many);
    assert_eq!(
        (at_once.answered, at_once.refused, at_once.most),
        (1000, 1500, 1000)
    );
    // 500 a second, each for longer than the run: what comes beyond the refill is refused.
    let steady = functions(
        arrivals(&Shape::Constant(500.0), 12, Spacing::Even),
        || 60.0,
        0.1,
        &many,
    );
    assert!(
        (2150..=2250).contains(&steady.answered),
        "{}",
        steady.answered
    );
}

#[test]
fn an_account_runs_a_thousand_at_once() {
    let outcome = lambda(
        arrivals(&Shape::Constant(100.0), 30, Spacing::Even),
        20.0,
        0.0,
    );
    assert_eq!(outcome.most, 1000);
    assert!(outcome.refused > 0);
    let steady = lambda(
        arrivals(&Shape::Constant(40.0), 60, Spacing::Even),
        20.0,
        0.0,
    );
    assert_eq!(
        (steady.refused, steady.most),
        (0, 800),
        "rate times duration run at once"
    );
}

#[test]
fn the_local_host_lets_wait_what_lambda_refuses() {
    let local = Account {
        concurrency: 2,
        host: Host::Local,
        ..Account::default()
    };
    let outcome = functions([0.0, 0.0, 0.0, 0.0], || 1.0, 0.5, &local);
    assert_eq!((outcome.started, outcome.refused, outcome.most), (2, 0, 2));
    assert_eq!(outcome.latencies, [1.5, 1.5, 2.5, 2.5]);
}

#[test]
fn a_spike_past_one_machine_is_met_as_the_simulation_of_each_says() {
    let spike = spike(&Measured::example(), &Prices::ours().unwrap()).unwrap();
    let (services, functions) = (&spike.services, &spike.functions);
    assert!(
        functions.p99 < 1.0 && services.p99 > 1.0,
        "{} and {}",
        functions.p99,
        services.p99
    );
    assert!(functions.outcome.most <= 1000 && services.outcome.most > 2);
    assert_eq!(
        (functions.outcome.refused, services.outcome.refused),
        (0, 0)
    );
    let nothing = Measured {
        services: Vec::new(),
        functions: Vec::new(),
    };
    assert!(bothways_compare::simulation::spike(&nothing, &Prices::ours().unwrap()).is_none());
}

/// A function that is invoked for every request, and works this long.
fn function(duration_ms: f64, init_ms: f64) -> Measured {
    let mut measured = Measured::example();
    measured.functions.truncate(1);
    measured.functions[0] = Function {
        name: "cart".to_owned(),
        invocations: 1.0,
        duration_ms,
        cpu_ms: duration_ms,
        init_ms,
        memory_mb: 512.0,
    };
    measured
}

#[test]
fn instances_at_a_rate_are_those_that_queueing_theory_has_at_work() {
    // M/D/∞: 40 a second for 100 ms each find a Poisson number of mean 4 at work. Of 3200 in 80 s, 2.0 find 12 others, so
    // that 13 work, and 0.6 find 13: the most of all is 13 about as often as more or less.
    let had = |count: usize| BTreeMap::from([("cart".to_owned(), count)]);
    let length = Duration::from_secs(80);
    let check = |count: usize| check(&function(100.0, 0.0), &had(count), 40.0, length);
    let simulated = check(0).functions[0].simulated;
    assert!((12.0..=14.0).contains(&simulated), "{simulated}");
    assert!(check(13).agrees() && !check(10).agrees() && !check(16).agrees());
}

#[test]
fn a_slow_start_brings_more_instances_as_nobody_waits_for_one_that_starts() {
    let had = BTreeMap::from([("cart".to_owned(), 1)]);
    let most = |init_ms: f64| {
        let measured = function(5.0, init_ms);
        check(&measured, &had, 20.0, Duration::from_secs(30)).functions[0].simulated
    };
    assert!(
        most(0.0) <= 3.0 && most(500.0) >= 6.0,
        "{} and {}",
        most(0.0),
        most(500.0)
    );
}

#[test]
fn only_functions_that_the_host_has_and_that_answer_requests_are_checked() {
    let mut measured = function(5.0, 0.0);
    measured.functions.push(Function {
        name: "indexer".to_owned(),
        ..measured.functions[0].clone()
    });
    let checked = |had: &[&str]| {
        let had = had.iter().map(|name| ((*name).to_owned(), 2)).collect();
        let check = check(&measured, &had, 20.0, Duration::from_secs(30));
        let names = check.functions.into_iter().map(|one| one.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(checked(&["cart", "indexer"]), ["cart"]);
    assert!(checked(&[]).is_empty());
}

fn scaler() -> Autoscaler {
    Autoscaler {
        least: 1,
        look: 10.0,
        start: 5.0,
        ..Autoscaler::default()
    }
}

#[test]
fn a_replica_that_keeps_up_is_left_alone() {
    let outcome = replicas(
        arrivals(&Shape::Constant(4.0), 120, Spacing::Even),
        || 0.1,
        &scaler(),
    );
    assert_eq!((outcome.started, outcome.most, outcome.refused), (0, 1, 0));
    assert!((outcome.quantile(0.99) - 0.1).abs() < 1e-6);
}

#[test]
fn a_queue_of_one_server_waits_as_theory_says() {
    // M/D/1 at half load: mean waiting is half of a service time.
    let one = Autoscaler {
        most: 1,
        ..scaler()
    };
    let outcome = replicas(
        arrivals(&Shape::Constant(5.0), 20_000, Spacing::Random),
        || 0.1,
        &one,
    );
    let count = f64::from(u32::try_from(outcome.latencies.len()).unwrap());
    let mean = outcome.latencies.iter().sum::<f64>() / count;
    assert!((mean - 0.15).abs() < 0.005, "{mean}");
}

#[test]
fn a_spike_waits_until_replicas_are_there_and_they_go_again() {
    let shape: Shape = "spike:1..20@60s+120s".parse().unwrap();
    let outcome = replicas(arrivals(&shape, 600, Spacing::Even), || 0.2, &scaler());
    assert_eq!(outcome.most, 8, "20 a second for 0.2 s at half load");
    assert!(
        outcome.quantile(0.99) > 5.0,
        "nobody is quick before the next look and a start"
    );
    let (in_time, after) = (outcome.by_second[55], *outcome.by_second.last().unwrap());
    assert!(in_time == 1 && after < 8, "{in_time} before, {after} after");
}

#[test]
fn functions_meet_a_spike_that_replicas_are_late_for() {
    let shape: Shape = "spike:1..200@60s+60s".parse().unwrap();
    let come = || arrivals(&shape, 180, Spacing::Even);
    let functions = lambda(come(), 0.05, 0.4);
    let services = replicas(come(), || 0.05, &Autoscaler::default());
    assert!(functions.quantile(1.0) < 0.5 && services.quantile(0.99) > 10.0);
    assert_eq!((functions.refused, services.refused), (0, 0));
}

#[test]
fn a_full_queue_refuses() {
    let small = Autoscaler {
        least: 1,
        most: 1,
        queue: 3,
        ..Autoscaler::default()
    };
    let outcome = replicas(std::iter::repeat_n(0.0, 10), || 1.0, &small);
    assert_eq!((outcome.answered, outcome.refused), (4, 6));
    assert_eq!(outcome.latencies, [1.0, 2.0, 3.0, 4.0]);
}
