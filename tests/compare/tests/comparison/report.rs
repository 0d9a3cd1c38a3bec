//! The report: it stands alone, shows what it is given, and tells only differences that are some.

use std::collections::BTreeMap;

use bothways_compare::simulation;
use bothways_compare::{
    cost::{Measured, Prices, curves, what_ifs},
    experiments::compared,
    report::{html, limits, meaning},
    results::{
        Asked, Capacity, Cost, Course, Idle, Latency, Machine, Results, Round, Second, Side, Start,
        Tried,
    },
};
use bothways_load::journey::Step;

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
        limits: limits(&sides),
        sides,
        cost: cost.then(|| Cost {
            curves: curves(&measured, &prices),
            what_ifs: what_ifs(&measured, &prices),
            simulated: simulation::spike(&measured, &prices),
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
    let results = results([side("microservices", 2.0), side("serverless", 4.0)], true);
    let page = html(&results);
    // For a look at it: REPORT_PAGE=FILE cargo test …
    if let Some(file) = std::env::var_os("REPORT_PAGE") {
        std::fs::write(file, &page).unwrap();
    }
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    // Steps, throughput, spike, failure, CPU, memory twice, three curves of cost, the simulation.
    assert_eq!(page.matches("<svg").count(), 11);
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

#[test]
fn a_run_that_measured_next_to_nothing_still_makes_a_page() {
    let sides = ["http://a", "http://b"].map(|url| Side::new(url.parse().unwrap()));
    let page = html(&results(sides, false));
    assert!(page.contains("What was not measured") && !page.contains("<svg"));
}
