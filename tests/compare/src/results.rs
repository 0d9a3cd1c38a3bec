//! What a comparison found, as it is written to JSON.

use std::collections::BTreeMap;

use bothways_load::{
    figures::{Figures, Requests},
    journey::Step,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    cost::{Curve, Measured, Prices, WhatIf},
    shop::Target,
    simulation::{Check, Scenario},
    statistics::Comparison,
};

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Requests measured.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// Nine of ten are quicker.
    pub p90: f64,
    /// 99 of 100 are.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Those of these requests.
    pub fn of(requests: &Requests) -> Self {
        let quantile = |share| requests.micros.quantile(share).as_secs_f64() * 1000.0;
        Self {
            count: requests.micros.count(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: requests.micros.max().as_secs_f64() * 1000.0,
        }
    }
}

/// One side in one round at a fixed rate.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// All requests.
    pub all: Latency,
    /// By step of the journeys.
    pub steps: BTreeMap<Step, Latency>,
    /// Requests asked.
    pub requests: u64,
    /// Requests that were not answered right.
    pub failed: u64,
    /// CPU seconds by part.
    pub cpu_seconds: BTreeMap<String, f64>,
    /// How late the generator was, at p99, in milliseconds.
    pub generator_late_ms: f64,
}

impl Round {
    /// CPU milliseconds for a request, over all parts.
    pub fn cpu_ms(&self) -> f64 {
        self.cpu_seconds.values().sum::<f64>() * 1000.0 / count(self.requests.max(1))
    }
}

/// A rate that was tried.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Tried {
    /// Journeys a second that were offered.
    pub journeys: f64,
    /// Right answers a second.
    pub answers: f64,
    /// Their latency.
    pub latency: Latency,
    /// Whether everything was answered, and p99 under the objective.
    pub held: bool,
}

/// The highest rate of one side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Capacity {
    /// Highest rate that was held, in right answers a second; zero if none was.
    pub answers: f64,
    /// The same in journeys a second.
    pub journeys: f64,
    /// Lowest rate in journeys a second that was not held, twice; none if the search ended before.
    pub not_held: Option<f64>,
    /// All rates tried.
    pub tried: Vec<Tried>,
}

/// A second of a run.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Second {
    /// Requests due in it.
    pub requests: u64,
    /// Of those, not answered right.
    pub failed: u64,
    /// Median in milliseconds.
    pub p50: f64,
    /// 99 of 100 in milliseconds.
    pub p99: f64,
}

/// The course of a run of one side: a spike, or a part that fails.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Course {
    /// Second by second; of several runs the first.
    pub seconds: Vec<Second>,
    /// All requests, run by run.
    pub runs: Vec<Latency>,
    /// Requests asked.
    pub requests: u64,
    /// Requests that were not answered right.
    pub failed: u64,
    /// Instances that were started.
    pub cold_starts: u64,
}

/// A round of the scale-out: one side with so many copies, at two rates.
#[derive(Debug, Clone, Serialize)]
pub struct ScaleRound {
    /// At the rate that both sides hold.
    pub steady: Latency,
    /// Requests that were not answered right at it.
    pub steady_failed: u64,
    /// Requests a second that were offered past what the side holds.
    pub offered: f64,
    /// Right answers a second of those.
    pub answers: f64,
    /// Whether all was answered nevertheless, hardly later than it was offered.
    pub kept_up: bool,
    /// Their latency: who comes too many waits the longer, the longer that lasts.
    pub above: Latency,
    /// Requests that were not answered right past it.
    pub above_failed: u64,
    /// The share of the machine's cores that was in use meanwhile, the load generator's included; none if it is not known.
    pub cores_busy: Option<f64>,
}

/// One side with so many copies of each of its parts.
#[derive(Debug, Clone, Serialize)]
pub struct Copies {
    /// Replicas of each service, or instances of each function at most.
    pub copies: usize,
    /// Rounds, one of every number of copies and side after the other.
    pub rounds: Vec<ScaleRound>,
    /// Instances of all functions at the end; none of services.
    pub instances: Option<usize>,
}

impl Copies {
    /// The median over the rounds of something.
    pub fn median(&self, of: impl Fn(&ScaleRound) -> Option<f64>) -> Option<f64> {
        crate::statistics::median(&self.rounds.iter().filter_map(of).collect::<Vec<_>>())
    }
}

/// How one side's rate and tail follow the number of copies.
#[derive(Debug, Clone, Serialize)]
pub struct ScaleOut {
    /// Journeys a second of the rate that both sides hold.
    pub steady: f64,
    /// Journeys a second of the rate that this side doesn't.
    pub above: f64,
    /// From one copy up.
    pub steps: Vec<Copies>,
}

/// What more copies do for one side, by the statistics: its rounds with the first number of copies and with another.
#[derive(Debug, Clone, Serialize)]
pub struct Scaled {
    /// Which side: 0 is left.
    pub side: usize,
    /// Copies compared with.
    pub from: usize,
    /// Copies compared.
    pub to: usize,
    /// Right answers a second past what the side holds.
    pub answers: Option<Comparison>,
    /// The slowest in a hundred at the rate that both sides hold.
    pub p99: Option<Comparison>,
}

/// A start of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// From the launcher's start to the first right answer.
    pub seconds: f64,
    /// Memory by part when nobody asks, in MB.
    pub idle_memory_mb: BTreeMap<String, f64>,
}

/// Idle for a while.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Idle {
    /// Share of a core that each part uses.
    pub cpu_share: BTreeMap<String, f64>,
    /// MB of each part.
    pub memory_mb: BTreeMap<String, f64>,
}

/// Everything of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// What it is.
    pub target: Target,
    /// At a fixed rate.
    pub rounds: Vec<Round>,
    /// Memory by part at the end of them, in MB.
    pub loaded_memory_mb: BTreeMap<String, f64>,
    /// Highest rate.
    pub capacity: Capacity,
    /// From idle into a spike.
    pub spike: Course,
    /// A part crashes under load; none of a shop elsewhere.
    pub failure: Option<Course>,
    /// With more copies; none of a shop elsewhere.
    pub scale_out: Option<ScaleOut>,
    /// Starts.
    pub starts: Vec<Start>,
    /// When nobody asks; none of a shop elsewhere.
    pub idle: Option<Idle>,
    /// The load generator's own figures of every round, histograms included.
    pub raw: Vec<Value>,
}

impl Side {
    /// Nothing of it yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            rounds: Vec::new(),
            loaded_memory_mb: BTreeMap::new(),
            capacity: Capacity::default(),
            spike: Course::default(),
            failure: None,
            scale_out: None,
            starts: Vec::new(),
            idle: None,
            raw: Vec::new(),
        }
    }

    /// The median over the rounds of something.
    pub fn median(&self, of: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        crate::statistics::median(&self.rounds.iter().filter_map(of).collect::<Vec<_>>())
    }
}

/// A figure of both sides.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// What it is.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// What can be said of it.
    pub comparison: Comparison,
}

/// The machine that measured.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Its processor.
    pub processor: String,
    /// Cores that may be used.
    pub cores: usize,
    /// Memory in GB.
    pub memory_gb: f64,
    /// The kernel.
    pub kernel: String,
    /// Load average at the start: what else it was doing.
    pub load: String,
}

/// What was asked of the comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The command line.
    pub command: String,
    /// When it began, UTC.
    pub began: String,
    /// How long it took in all.
    pub took_seconds: f64,
    /// The version of this program.
    pub version: &'static str,
    /// How it was built.
    pub build: &'static str,
    /// The commit, if git says.
    pub commit: Option<String>,
    /// Which database.
    pub database: &'static str,
    /// Journeys a second of the fixed rate.
    pub rate: f64,
    /// What p99 had to stay under, in milliseconds.
    pub objective_ms: f64,
    /// Journeys a second in the spike.
    pub spike: f64,
    /// The part that was made to fail.
    pub failing: &'static str,
}

/// What it costs, if services and functions were measured.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// From which figures.
    pub measured: Measured,
    /// At which prices.
    pub prices: Prices,
    /// Over traffic.
    pub curves: Vec<Curve>,
    /// If something were different, with daily traffic.
    pub what_ifs: Vec<WhatIf>,
    /// A spike past what one machine can offer.
    pub simulated: Option<Scenario>,
    /// The simulation of functions beside what the local host had at the fixed rate.
    pub checked: Check,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// What was asked.
    pub asked: Asked,
    /// Of whom.
    pub machine: Machine,
    /// Left and right.
    pub sides: [Side; 2],
    /// Figures compared.
    pub compared: Vec<Compared>,
    /// What more copies do for each side.
    pub scaled: Vec<Scaled>,
    /// Costs.
    pub cost: Option<Cost>,
    /// What all this means, in sentences made by rules.
    pub meaning: Vec<String>,
    /// What was not measured, or not as it is elsewhere.
    pub limits: Vec<String>,
}

/// A count as a number to calculate with.
pub fn count(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no run counts past 2^52")]
    let count = count as f64;
    count
}

/// The course of a run, second by second.
pub fn seconds(figures: &Figures) -> Vec<Second> {
    let second = |second: &bothways_load::figures::Second| {
        let latency = Latency::of(&second.requests);
        Second {
            requests: second.requests.right + second.requests.failed(),
            failed: second.requests.failed(),
            p50: latency.p50,
            p99: latency.p99,
        }
    };
    figures.seconds.iter().map(second).collect()
}
