//! Replicas of a service under an autoscaler: work waits in one queue for a free place, and replicas are added only
//! when the last minutes were too busy, and take a while to start.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{At, Outcome};

/// How a service is scaled.
#[derive(Debug, Clone, Copy)]
pub struct Autoscaler {
    /// Replicas that always run.
    pub least: usize,
    /// Replicas that run at most.
    pub most: usize,
    /// Requests that a replica works on at once.
    pub places: usize,
    /// How busy places should be.
    pub target: f64,
    /// Seconds between looks at how busy they were.
    pub look: f64,
    /// Seconds until a new replica takes work.
    pub start: f64,
    /// Looks in a row that have to ask for fewer before one less runs.
    pub patience: u32,
    /// Requests that may wait; more are refused.
    pub queue: usize,
}

impl Default for Autoscaler {
    fn default() -> Self {
        Self {
            least: 2,
            most: 100,
            places: 1,
            target: 0.5,
            look: 60.0,
            start: 45.0,
            patience: 5,
            queue: usize::MAX,
        }
    }
}

struct Service<'a> {
    scaler: &'a Autoscaler,
    /// When each place is free, soonest first: as many as places that run or start.
    free: BinaryHeap<Reverse<At>>,
    replicas: usize,
    /// Work taken since the last look, in seconds.
    work: f64,
    looked: f64,
    quiet: u32,
    /// Places to give up as soon as they are free.
    surplus: usize,
    outcome: Outcome,
}

impl Service<'_> {
    /// Looks as often as it was due until `now`.
    fn look_until(&mut self, now: f64) {
        let scaler = self.scaler;
        while now - self.looked >= scaler.look {
            self.looked += scaler.look;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "counts of replicas"
            )]
            // What rounding adds is not one more replica.
            let wanted = (self.work / scaler.look / scaler.target / scaler.places as f64 - 1e-6)
                .ceil() as usize;
            let wanted = wanted.clamp(scaler.least, scaler.most);
            self.work = 0.0;
            self.quiet = if wanted < self.replicas {
                self.quiet + 1
            } else {
                0
            };
            if wanted > self.replicas {
                let ready = self.looked + scaler.start;
                for _ in 0..(wanted - self.replicas) * scaler.places {
                    if self.surplus > 0 {
                        self.surplus -= 1;
                    } else {
                        self.free.push(Reverse(At(ready)));
                    }
                }
                self.outcome.started += (wanted - self.replicas) as u64;
                self.replicas = wanted;
            } else if self.quiet >= scaler.patience {
                self.surplus += scaler.places;
                self.replicas -= 1;
                self.quiet = 0;
            }
            self.outcome.running(self.looked, self.replicas);
        }
    }
}

/// Requests that come at these instants (seconds, in order), each `duration` of work.
pub fn simulate(
    arrivals: impl IntoIterator<Item = f64>,
    mut duration: impl FnMut() -> f64,
    scaler: &Autoscaler,
) -> Outcome {
    let mut service = Service {
        scaler,
        free: (0..scaler.least * scaler.places)
            .map(|_| Reverse(At(0.0)))
            .collect(),
        replicas: scaler.least,
        work: 0.0,
        looked: 0.0,
        quiet: 0,
        surplus: 0,
        outcome: Outcome::default(),
    };
    service.outcome.running(0.0, scaler.least);
    // When those who wait will begin, soonest first.
    let mut waiting: BinaryHeap<Reverse<At>> = BinaryHeap::new();
    for now in arrivals {
        service.look_until(now);
        while waiting.peek().is_some_and(|begin| begin.0.0 <= now) {
            waiting.pop();
        }
        if waiting.len() >= scaler.queue {
            service.outcome.refused += 1;
            continue;
        }
        while service.surplus > 0 && service.free.peek().is_some_and(|free| free.0.0 <= now) {
            service.free.pop();
            service.surplus -= 1;
        }
        let Some(Reverse(At(free))) = service.free.pop() else {
            service.outcome.refused += 1;
            continue;
        };
        let (begin, work) = (free.max(now), duration());
        if begin > now {
            waiting.push(Reverse(At(begin)));
        }
        service.free.push(Reverse(At(begin + work)));
        service.work += work;
        service.outcome.answered += 1;
        service.outcome.latencies.push(begin + work - now);
    }
    service.outcome.finish()
}
