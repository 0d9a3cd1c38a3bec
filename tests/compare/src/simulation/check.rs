//! The simulation of functions held against what the local host had, at the small scale that one machine can be loaded with.

use std::collections::BTreeMap;

use bothways_load::arrivals::{Shape, Spacing};
use serde::Serialize;

use super::{Account, functions};
use crate::{cost::Measured, results::count, statistics::median};

/// Simulated runs of a function, of which the middle one counts: arrivals are random.
const RUNS: u64 = 9;

/// Functions that follow a queue: batches come one after the other there, not as strangers do.
const FOLLOWERS: [&str; 2] = ["indexer", "thumbnails"];

/// A function's instances.
#[derive(Debug, Clone, Serialize)]
pub struct Instances {
    /// The function.
    pub name: String,
    /// Invocations a second.
    pub rate: f64,
    /// Instances that the local host had.
    pub measured: usize,
    /// Instances that the simulation had at most.
    pub simulated: f64,
}

/// Instances of the functions at the fixed rate, as they were and as they are simulated.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Requests a second that the shop was asked.
    pub requests: f64,
    /// Function by function.
    pub functions: Vec<Instances>,
}

impl Check {
    /// Whether no function differs by more than one instance: one more or less is chance, as arrivals are random.
    pub fn agrees(&self) -> bool {
        let far = |one: &Instances| (one.simulated - count(one.measured as u64)).abs() > 1.0;
        !self.functions.iter().any(far)
    }
}

/// Simulates each function that answers requests with the rate, duration and start it was measured with, from no instance on
/// and for as long as it was loaded; `had` is what the local host then had of each.
pub fn check(
    measured: &Measured,
    had: &BTreeMap<String, usize>,
    requests: f64,
    length: std::time::Duration,
) -> Check {
    let one = |function: &crate::cost::Function| {
        let rate = function.invocations * requests;
        let shape = Shape::Constant(rate);
        let most = (0..RUNS).map(|seed| {
            let arrivals = shape.over(length).instants(Spacing::Random, seed);
            let outcome = functions(
                arrivals.map(|at| at.as_secs_f64()),
                || function.duration_ms / 1000.0,
                function.init_ms / 1000.0,
                &Account::default(),
            );
            count(outcome.most as u64)
        });
        Some(Instances {
            name: function.name.clone(),
            rate,
            measured: *had.get(&function.name)?,
            simulated: median(&most.collect::<Vec<_>>())?,
        })
    };
    Check {
        requests,
        functions: measured
            .functions
            .iter()
            .filter(|function| !FOLLOWERS.contains(&function.name.as_str()))
            .filter_map(one)
            .collect(),
    }
}
