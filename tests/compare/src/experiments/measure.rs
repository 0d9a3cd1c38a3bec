//! From rounds to figures: what is compared, and what the cost model takes.

use std::collections::{BTreeMap, BTreeSet};

use bothways_load::journey::Step;
use serde_json::Value;

use crate::{
    cost::{Function, Measured, Service},
    results::{Compared, Round, ScaleRound, Side, count},
    shop::Sample,
    statistics::compare,
};

/// Functions that run by the minute whatever the traffic: no part of a request's cost, and cents a month.
const SCHEDULED: [&str; 3] = ["outbox-relay", "checkout-recovery", "fulfilment"];

/// The figures of both sides that have rounds, compared.
pub fn compared(sides: &[Side; 2]) -> Vec<Compared> {
    let mut all = Vec::new();
    let mut add = |what: String, unit, figures: [Vec<f64>; 2]| {
        let [left, right] = figures;
        let comparison = compare(&left, &right);
        all.extend(comparison.map(|comparison| Compared {
            what,
            unit,
            comparison,
        }));
    };
    let rounds = |of: &dyn Fn(&Round) -> f64| {
        [0, 1].map(|side: usize| sides[side].rounds.iter().map(of).collect::<Vec<_>>())
    };
    add(
        "all requests, p50".to_owned(),
        "ms",
        rounds(&|round| round.all.p50),
    );
    add(
        "all requests, p99".to_owned(),
        "ms",
        rounds(&|round| round.all.p99),
    );
    for step in Step::ALL {
        let p50 = |round: &Round| round.steps.get(&step).map_or(0.0, |latency| latency.p50);
        add(format!("{step}, p50"), "ms", rounds(&p50));
    }
    add("CPU for a request".to_owned(), "ms", rounds(&Round::cpu_ms));
    let starts = |of: fn(&crate::results::Start) -> f64| {
        [0, 1].map(|side: usize| sides[side].starts.iter().map(of).collect::<Vec<_>>())
    };
    add(
        "start to first answer".to_owned(),
        "s",
        starts(|start| start.seconds),
    );
    let memory = |start: &crate::results::Start| start.idle_memory_mb.values().sum();
    add("memory when just started".to_owned(), "MB", starts(memory));
    for copies in copies(sides) {
        let rounds = |of: fn(&ScaleRound) -> f64| {
            [0, 1].map(|side: usize| {
                let steps = sides[side].scale_out.iter().flat_map(|all| &all.steps);
                let step = steps.into_iter().find(|step| step.copies == copies);
                let rounds = step.into_iter().flat_map(|step| &step.rounds);
                rounds.map(of).collect::<Vec<_>>()
            })
        };
        add(
            format!("right answers a second past the limit, copies: {copies}"),
            "1/s",
            rounds(|round| round.answers),
        );
        add(
            format!("p99 at a rate that both hold, copies: {copies}"),
            "ms",
            rounds(|round| round.steady.p99),
        );
    }
    all
}

/// The numbers of copies of either side.
fn copies(sides: &[Side; 2]) -> BTreeSet<usize> {
    let scaled = sides.iter().filter_map(|side| side.scale_out.as_ref());
    let steps = scaled.flat_map(|scale_out| &scale_out.steps);
    steps.map(|step| step.copies).collect()
}

/// What the cost model takes: the services of one side, the functions of the other.
pub fn measured(services: &Side, functions: &Side, before: &Sample, after: &Sample) -> Measured {
    let spent = |side: &Side| {
        let mut cpu: BTreeMap<String, f64> = BTreeMap::new();
        for (part, seconds) in side.rounds.iter().flat_map(|round| &round.cpu_seconds) {
            *cpu.entry(part.clone()).or_default() += seconds;
        }
        let requests = count(
            side.rounds
                .iter()
                .map(|round| round.requests)
                .sum::<u64>()
                .max(1),
        );
        (cpu, requests)
    };
    let (cpu, requests) = spent(services);
    let services = cpu.into_iter().map(|(name, seconds)| Service {
        memory_mb: services
            .loaded_memory_mb
            .get(&name)
            .copied()
            .unwrap_or_default(),
        cpu_seconds: seconds / requests,
        name,
    });
    let services = services.collect();
    let (cpu, requests) = spent(functions);
    let earlier = |name: &str| {
        before
            .functions
            .iter()
            .find(|function| function["name"] == name)
    };
    let function = |now: &Value| {
        let name = now["name"].as_str()?.to_owned();
        let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or_default();
        let then = earlier(&name).cloned().unwrap_or_default();
        let invocations = number(now, "invocations") - number(&then, "invocations");
        if invocations <= 0.0 || SCHEDULED.contains(&name.as_str()) {
            return None;
        }
        let total =
            |value: &Value| number(value, "duration_ms_mean") * number(value, "invocations");
        Some(Function {
            invocations: invocations / requests,
            duration_ms: (total(now) - total(&then)) / invocations,
            cpu_ms: cpu.get(&name).copied().unwrap_or_default() * 1000.0 / invocations,
            init_ms: number(now, "init_ms_mean"),
            memory_mb: number(now, "memory_mb"),
            name,
        })
    };
    Measured {
        services,
        functions: after.functions.iter().filter_map(function).collect(),
    }
}
