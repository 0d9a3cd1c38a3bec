//! Lambda's scale-out: an instance for each invocation under way, started when none is idle, reaped when idle too long.
//!
//! "Lambda function scaling": a function may add 1000 instances every ten seconds, and an account run 1000 invocations
//! at once until that is raised.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{At, Outcome};

/// What a function is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Most invocations at once.
    pub concurrency: usize,
    /// Instances that may be added at once after a rest.
    pub burst: f64,
    /// Instances a second by which that recovers.
    pub refill: f64,
    /// Seconds after which an idle instance is reaped.
    pub idle: f64,
    /// What becomes of an invocation when there are as many instances as may be: on Lambda it is refused; on the
    /// project's local host it waits.
    pub host: Host,
}

/// Who runs the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// AWS: refuses what is too much.
    Aws,
    /// The local host: what is too much waits for an instance.
    Local,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            concurrency: 1000,
            burst: 1000.0,
            refill: 100.0,
            idle: 300.0,
            host: Host::Aws,
        }
    }
}

/// Invocations that come at these instants (seconds, in order), each `duration` long, `init` more on a new instance.
pub fn simulate(
    arrivals: impl IntoIterator<Item = f64>,
    mut duration: impl FnMut() -> f64,
    init: f64,
    account: &Account,
) -> Outcome {
    let mut outcome = Outcome::default();
    // When busy instances are free again, soonest first; since when idle ones are, the longest first: the last to
    // become so works next.
    let mut busy: BinaryHeap<Reverse<At>> = BinaryHeap::new();
    let mut idle: VecDeque<f64> = VecDeque::new();
    let (mut tokens, mut filled) = (account.burst, 0.0);
    for now in arrivals {
        while let Some(Reverse(At(free))) = busy.peek().copied().filter(|free| free.0.0 <= now) {
            busy.pop();
            idle.push_back(free);
        }
        while idle
            .front()
            .is_some_and(|since| now - since >= account.idle)
        {
            idle.pop_front();
        }
        tokens = (tokens + (now - filled) * account.refill).min(account.burst);
        filled = now;
        let work = duration();
        let (begin, took) = if idle.pop_back().is_some() {
            (now, work)
        } else if busy.len() < account.concurrency && tokens >= 1.0 {
            tokens -= 1.0;
            outcome.started += 1;
            (now, init + work)
        } else if account.host == Host::Local && !busy.is_empty() {
            // Waiting invocations take instances in the order in which these become free.
            let free = busy.pop().map_or(now, |Reverse(At(free))| free);
            (free, work)
        } else {
            outcome.refused += 1;
            continue;
        };
        busy.push(Reverse(At(begin + took)));
        outcome.answered += 1;
        outcome.latencies.push(begin + took - now);
        outcome.running(now, busy.len() + idle.len());
    }
    outcome.finish()
}
