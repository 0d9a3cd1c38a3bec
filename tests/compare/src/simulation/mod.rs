//! How instances and replicas follow traffic, past what one machine can be loaded with: discrete events in seconds.

mod check;
mod lambda;
mod replicas;
mod scenario;

pub use check::{Check, Instances, check};
pub use lambda::{Account, Host, simulate as functions};
pub use replicas::{Autoscaler, simulate as replicas};
pub use scenario::{Met, Scenario, spike};

use serde::Serialize;

/// What came of a simulated run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Instances or replicas that were started.
    pub started: u64,
    /// Most of them at once.
    pub most: usize,
    /// Latencies in seconds, sorted.
    #[serde(skip)]
    pub latencies: Vec<f64>,
    /// By second of the run: how many ran at most.
    pub by_second: Vec<usize>,
}

impl Outcome {
    /// What this share of the answered waited at most; zero when nobody was answered.
    pub fn quantile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index far below 2^52"
        )]
        let index = (self.latencies.len() as f64 * share).ceil() as usize;
        let at = self.latencies.get(index.saturating_sub(1));
        at.copied().unwrap_or_default()
    }

    fn running(&mut self, at: f64, count: usize) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a run"
        )]
        let second = at as usize;
        if self.by_second.len() <= second {
            let before = self.by_second.last().copied().unwrap_or_default();
            self.by_second.resize(second, before);
            self.by_second.push(count);
        }
        self.by_second[second] = self.by_second[second].max(count);
        self.most = self.most.max(count);
    }

    fn finish(mut self) -> Self {
        self.latencies.sort_by(f64::total_cmp);
        self
    }
}

/// An instant that can be put in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct At(f64);

impl Eq for At {}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
