//! The report: it stands alone, shows what it is given, and tells only differences that are some.

use std::collections::BTreeMap;

use bothways_compare::simulation;
use bothways_compare::{
    cost::{Measured, Prices, curves, what_ifs},
    experiments::{compared, scaled},
    report::{html, limits, meaning},
    results::{
        Asked, Capacity, Copies, Cost, Course, Idle, Latency, Machine, Results, Round, ScaleOut,
        ScaleRound, Second, Side, Start, Tried,
    },
};
use bothways_load::journey::Step;
use std::time::Duration;

fn latency(p50: f64) -> Latency {
    Latency {
        count: 100,
        p50,
        p90: p50 * 2.0,
        p99: p50 * 4.0,
        max: p50 * 9.0,
    }
}

fn side(target: &str, p50: f64) -> Side {
    let mut side = Side::new(target.parse().unwrap());
    for round in 0..10 {
        let noise = 1.0 + f64::from(round % 3) / 200.0;
        side.rounds.push(Round {
            all: latency(p50 * noise),
            steps: BTreeMap::from([
                (Step::View, latency(p50 * noise)),
                (Step::Search, latency(3.0)),
            ]),
            requests: 400,
            failed: 0,
            cpu_seconds: BTreeMap::from([("search".to_owned(), 0.4 * p50)]),
            generator_late_ms: 0.2,
        });
        side.starts.push(Start {
            seconds: p50,
            idle_memory_mb: BTreeMap::from([("search".to_owned(), 20.0)]),
        });
    }
    let tried = |journeys: f64, held| Tried {
        journeys,
        answers: journeys * 4.0,
        latency: latency(journeys / 10.0),
        held,
    };
    side.capacity = Capacity {
        answers: 400.0,
        journeys: 100.0,
        not_held: Some(110.0),
        tried: vec![tried(50.0, true), tried(100.0, true), tried(110.0, false)],
    };
    let second = |p50| Second {
        requests: 40,
        failed: 0,
        p50,
        p99: p50 * 3.0,
    };
    let course = Course {
        seconds: vec![Second::default(), second(9.0), second(p50)],
        runs: vec![latency(p50)],
        requests: 80,
        failed: 0,
        cold_starts: 7,
    };
    side.spike = course.clone();
    side.failure = Some(Course {
        failed: 3,
        ..course
    });
    side.loaded_memory_mb = BTreeMap::from([("search".to_owned(), 42.0)]);
    side.idle = Some(Idle {
        cpu_share: BTreeMap::new(),
        memory_mb: side.loaded_memory_mb.clone(),
    });
    side
}

/// Rounds of one copy and of two: right answers a second of 500 offered, p99, and the share of the cores in use.
fn scale_out(of: [(f64, f64, Option<f64>); 2]) -> ScaleOut {
    let step = |(copies, (answers, p99, cores_busy)): (usize, (f64, f64, Option<f64>))| Copies {
        copies,
        rounds: (0..8)
            .map(|round| {
                let noise = 1.0 + f64::from(round % 3) / 200.0;
                ScaleRound {
                    steady: latency(p99 / 4.0 * noise),
                    steady_failed: 0,
                    offered: 500.0,
                    answers: answers * noise,
                    kept_up: answers >= 490.0,
                    above: latency(500.0),
                    above_failed: 1,
                    cores_busy,
                }
            })
            .collect(),
        instances: Some(copies * 6),
    };
    ScaleOut {
        steady: 20.0,
        above: 125.0,
        steps: [1, 2].into_iter().zip(of).map(step).collect(),
    }
}

fn results(sides: [Side; 2], cost: bool) -> Results {
    let (measured, prices) = (Measured::example(), Prices::ours().unwrap());
    let mut results = Results {
        asked: Asked {
            command: "compare --left 'a<b>'".to_owned(),
            began: "2026-11-21T12:00:00Z".to_owned(),
            took_seconds: 12.0,
            version: "0",
            build: "release",
            commit: None,
            database: "SQLite",
            rate: 8.0,
            objective_ms: 100.0,
            spike: 40.0,
            failing: "search",
        },
        machine: Machine {
            processor: "any".to_owned(),
            cores: 2,
            memory_gb: 8.0,
            kernel: "6".to_owned(),
            load: "0 0 0".to_owned(),
        },
        compared: compared(&sides),
        scaled: scaled(&sides),
        limits: limits(&sides),
        sides,
        cost: cost.then(|| Cost {
            curves: curves(&measured, &prices),
            what_ifs: what_ifs(&measured, &prices),
            simulated: simulation::spike(&measured, &prices),
            checked: simulation::check(
                &measured,
                &measured
                    .functions
                    .iter()
                    .map(|function| (function.name.clone(), 9))
                    .collect(),
                30.0,
                Duration::from_secs(20),
            ),
            measured,
            prices,
        }),
        meaning: Vec::new(),
    };
    results.meaning = meaning(&results);
    results
}

#[test]
fn a_report_stands_alone_and_has_every_picture() {
    let mut sides = [side("microservices", 2.0), side("serverless", 4.0)];
    let copies = scale_out([(200.0, 40.0, Some(0.6)), (300.0, 30.0, Some(0.95))]);
    for side in &mut sides {
        side.scale_out = Some(copies.clone());
    }
    let results = results(sides, true);
    let page = html(&results);
    // For a look at it: REPORT_PAGE=FILE cargo test …
    if let Some(file) = std::env::var_os("REPORT_PAGE") {
        std::fs::write(file, &page).unwrap();
    }
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    // Steps, throughput, scale-out twice, spike, failure, CPU, memory twice, three curves of cost, the simulation.
    assert_eq!(page.matches("<svg").count(), 13);
    assert!(page.contains("1 copy") && page.contains("2 copies") && page.contains("95 %"));
    assert!(page.contains("Some function differs by more than one instance"));
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.contains("the same at"), "break-even is marked");
    // A bare value before a slash would swallow it, and the page with it.
    assert!(!page.contains("opacity=0") && !page.contains("opacity=1"));
    assert!(page.contains("a&lt;b&gt;") && !page.contains("a<b>"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
    let json = serde_json::to_string(&results).unwrap();
    assert!(json.contains("\"gb_second\"") && json.contains("\"interval\""));
}

#[test]
fn differences_are_told_with_their_direction_and_interval() {
    let said = results([side("microservices", 2.0), side("serverless", 2.4)], false).meaning;
    let has = |text: &str| {
        assert!(
            said.iter().any(|sentence| sentence.contains(text)),
            "{text}: {said:#?}"
        );
    };
    has("The median answer of functions is 20 % slower (");
    has("functions is slower than microservices in view; in the others no difference is certain");
    has("of functions crashed under load, 3 of 80 requests failed");
    has("no difference that the search could tell");
    let said = results([side("microservices", 6.0), side("serverless", 2.0)], false).meaning;
    let first = &said[0];
    assert!(
        first.contains("3.0 times as quick (") && first.contains("as that of microservices"),
        "{first}"
    );
}

#[test]
fn a_machine_that_was_busy_is_told_before_anything_else() {
    let mut results = results([side("microservices", 2.0), side("serverless", 2.4)], false);
    assert!(!results.meaning[0].contains("busy"));
    results.machine.load = "7.5 3.0 1.0".to_owned();
    assert!(meaning(&results)[0].starts_with("This machine was busy"));
}

#[test]
fn the_same_twice_is_told_as_no_difference() {
    let said = results([side("a=http://a", 2.0), side("b=http://b", 2.0)], false).meaning;
    for sentence in said
        .iter()
        .filter(|sentence| !sentence.contains("spike") && !sentence.contains("crashed"))
    {
        let no_difference = ["is the same on both", "no difference", "In no single step"];
        assert!(
            no_difference.iter().any(|words| sentence.contains(words)),
            "{sentence}"
        );
    }
}

/// What is said of a left side with these rounds.
fn said_of_scale_out(target: &str, of: [(f64, f64, Option<f64>); 2]) -> String {
    let mut left = side(target, 2.0);
    left.scale_out = Some(scale_out(of));
    let said = results([left, side("b=http://b", 2.0)], false).meaning;
    let of_copies = |sentence: &&String| {
        sentence.starts_with("With ") && sentence.contains("the most that")
            || sentence.contains("answered most")
    };
    said.iter()
        .filter(of_copies)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn more_copies_are_told_with_what_they_did_to_rate_and_tail() {
    let said = said_of_scale_out(
        "microservices",
        [(200.0, 40.0, Some(0.5)), (300.0, 30.0, Some(0.6))],
    );
    for part in [
        "With 2 replicas of each service, the most that microservices answers is 50 % more (",
        "with 1 (201 and 301 right answers a second); its p99 at 20 journeys a second is 25 % less (",
        "with 1 (40 and 30 ms).",
        "60 % of this machine's cores were in use: some of its processor was left, so that this is not the machine's limit alone.",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = said_of_scale_out(
        "serverless",
        [(300.0, 30.0, Some(0.5)), (302.0, 30.1, Some(0.6))],
    );
    assert!(
        said.contains("With at most 2 instances of each function, the most that functions answers"),
        "{said}"
    );
    assert_eq!(
        said.matches("the same as with 1, within what matters")
            .count(),
        2,
        "{said}"
    );
}

#[test]
fn the_machines_limit_is_not_told_as_the_architectures() {
    let at = |of: [(f64, f64, Option<f64>); 2]| said_of_scale_out("microservices", of);
    let full = at([(200.0, 9.0, Some(0.5)), (300.0, 9.0, Some(0.97))]);
    assert!(
        full.contains("97 % of this machine's cores were in use"),
        "{full}"
    );
    assert!(
        full.contains("the machine's limit and not the architecture's"),
        "{full}"
    );
    // The share counts where most was answered, not elsewhere.
    let other = at([(200.0, 9.0, Some(0.97)), (300.0, 9.0, Some(0.5))]);
    assert!(!other.contains("not the architecture's"), "{other}");
    let kept_up = at([(200.0, 9.0, Some(0.5)), (490.0, 9.0, Some(0.5))]);
    assert!(
        kept_up.contains("its limit with so many copies was not reached"),
        "{kept_up}"
    );
    let unknown = at([(200.0, 9.0, None), (300.0, 9.0, None)]);
    assert!(
        unknown.contains("the limit may be the machine's"),
        "{unknown}"
    );
}

#[test]
fn what_noise_covers_is_not_told_as_an_effect_of_copies() {
    let mut left = side("microservices", 2.0);
    let mut noisy = scale_out([(200.0, 40.0, Some(0.5)), (230.0, 40.0, Some(0.5))]);
    let ups_and_downs = [0.5, 1.9, 0.7, 1.4, 1.0, 0.6, 1.6, 1.1];
    for (round, factor) in noisy.steps[1].rounds.iter_mut().zip(ups_and_downs) {
        round.answers *= factor;
        round.steady.p99 *= factor;
    }
    left.scale_out = Some(noisy);
    let results = results([left, side("b=http://b", 2.0)], false);
    let said = results
        .meaning
        .iter()
        .find(|said| said.contains("the most that"));
    let told = said
        .unwrap()
        .matches("no difference from 1 that the noise does not cover")
        .count();
    assert_eq!(told, 2, "{said:?}");
    let mut few = results.sides[0].clone();
    for step in &mut few.scale_out.as_mut().unwrap().steps {
        step.rounds.truncate(7);
    }
    let few = scaled(&[few, side("b=http://b", 2.0)]);
    let verdict = few[0].answers.as_ref().unwrap().verdict;
    assert_eq!(verdict, bothways_compare::statistics::Verdict::TooFew);
}

#[test]
fn a_shop_elsewhere_cannot_be_scaled_and_that_is_said_by_its_name() {
    let mut left = side("microservices", 2.0);
    left.scale_out = Some(scale_out([(200.0, 40.0, None), (300.0, 30.0, None)]));
    let results = results([left, side("away=http://b", 2.0)], false);
    let unscaled: Vec<&String> = results
        .limits
        .iter()
        .filter(|limit| limit.starts_with("Scale-out of"))
        .collect();
    assert!(
        matches!(unscaled.as_slice(), [one] if one.contains("of away:")),
        "{unscaled:?}"
    );
    // One side's copies are compared with each other, and with nothing of the other side.
    assert_eq!(results.scaled.len(), 1);
    assert!(
        !results
            .compared
            .iter()
            .any(|one| one.what.contains("copies"))
    );
    assert!(html(&results).contains("Scale-out on this machine"));
}

#[test]
fn a_run_that_measured_next_to_nothing_still_makes_a_page() {
    let sides = ["http://a", "http://b"].map(|url| Side::new(url.parse().unwrap()));
    let page = html(&results(sides, false));
    assert!(page.contains("What was not measured") && !page.contains("<svg"));
}
