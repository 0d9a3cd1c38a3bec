//! A spike that no laptop can offer, met by either architecture as it was measured.

use std::time::Duration;

use bothways_load::arrivals::{Shape, Spacing};
use serde::Serialize;

use super::{Account, Autoscaler, Outcome, functions, replicas};
use crate::cost::{Measured, Prices};

/// Requests a second before and after.
const BASE: f64 = 20.0;
/// Requests a second in the spike.
const PEAK: f64 = 1000.0;
/// When it begins and how long it lasts, and the run, in seconds.
const SPIKE: (u64, u64, u64) = (120, 300, 600);

/// How one architecture met it.
#[derive(Debug, Clone, Serialize)]
pub struct Met {
    /// Median in seconds.
    pub p50: f64,
    /// 99 of 100 in seconds.
    pub p99: f64,
    /// What became of it.
    pub outcome: Outcome,
}

/// The spike, and how both met it.
#[derive(Debug, Clone, Serialize)]
pub struct Scenario {
    /// Requests a second before.
    pub base: f64,
    /// And in the spike.
    pub peak: f64,
    /// When it begins, in seconds.
    pub at: u64,
    /// Tasks of a quarter vCPU (or what the file of prices says), scaled together.
    pub services: Met,
    /// Instances, of all functions.
    pub functions: Met,
}

/// Simulates the spike. `None` if nothing was measured that works.
pub fn spike(measured: &Measured, prices: &Prices) -> Option<Scenario> {
    let assumed = &prices.assumptions;
    let (at, length, run) = SPIKE;
    let seconds = Duration::from_secs;
    let arrivals = |per_request: f64| {
        let shape = Shape::Spike {
            base: BASE * per_request,
            peak: PEAK * per_request,
            at: seconds(at),
            length: seconds(length),
        };
        let instants = shape.over(seconds(run)).instants(Spacing::Random, 1);
        instants.map(|at| at.as_secs_f64())
    };
    let cpu: f64 = measured
        .services
        .iter()
        .map(|service| service.cpu_seconds)
        .sum();
    let invocations: f64 = measured
        .functions
        .iter()
        .map(|function| function.invocations)
        .sum();
    if cpu <= 0.0 || invocations <= 0.0 {
        return None;
    }
    let mean = |of: &dyn Fn(&crate::cost::Function) -> f64| {
        measured
            .functions
            .iter()
            .map(|function| of(function) * function.invocations)
            .sum::<f64>()
            / invocations
    };
    let warm = mean(&|function| {
        let slower = (assumed.full_vcpu_at_mb / function.memory_mb.max(1.0)).max(1.0);
        let waits = (function.duration_ms - function.cpu_ms).max(0.0);
        (waits + function.cpu_ms * assumed.core_in_vcpus * slower) / 1000.0
    });
    let start = (mean(&|function| function.init_ms) + assumed.micro_vm_ms) / 1000.0;
    let account = Account {
        idle: assumed.idle_reaped_after_seconds,
        ..Account::default()
    };
    // A request's work, on the share of a core that a task has.
    let work = cpu * assumed.core_in_vcpus / assumed.task_vcpu;
    let scaler = Autoscaler {
        target: assumed.target_utilisation,
        ..Autoscaler::default()
    };
    Some(Scenario {
        base: BASE,
        peak: PEAK,
        at,
        services: Met::by(replicas(arrivals(1.0), || work, &scaler)),
        functions: Met::by(functions(arrivals(invocations), || warm, start, &account)),
    })
}

impl Met {
    fn by(outcome: Outcome) -> Self {
        Self {
            p50: outcome.quantile(0.5),
            p99: outcome.quantile(0.99),
            outcome,
        }
    }
}
