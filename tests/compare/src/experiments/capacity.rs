//! The search for the highest rate: doubling until one is not held, then halving the span. A rate has to fail twice, as
//! one disturbance of the machine would end the search far too low otherwise.

use crate::results::{Capacity, Tried};

/// How narrow the search gets: lowest rate not held to highest held.
const NARROW: f64 = 1.15;
/// Below this there is no use in looking.
const LEAST: f64 = 0.5;

/// A search under way.
#[derive(Debug, Clone)]
pub struct Search {
    rate: f64,
    highest: f64,
    held: f64,
    failed: f64,
    /// Whether the present rate failed once already.
    suspect: bool,
    found: Capacity,
}

impl Search {
    /// A search from `first`, up to `highest` at most, in journeys a second.
    pub fn new(first: f64, highest: f64) -> Self {
        Self {
            rate: first.min(highest),
            highest,
            held: 0.0,
            failed: f64::INFINITY,
            suspect: false,
            found: Capacity::default(),
        }
    }

    /// The rate to try next; `None` when it is found.
    pub fn next(&self) -> Option<f64> {
        let open =
            self.failed > self.held * NARROW && self.held < self.highest && self.rate >= LEAST;
        open.then_some(self.rate)
    }

    /// What came of the rate.
    pub fn tried(&mut self, tried: Tried) {
        self.found.tried.push(tried);
        if !tried.held && !self.suspect {
            self.suspect = true;
            return;
        }
        self.suspect = false;
        if tried.held {
            self.held = self.rate;
            self.found.journeys = tried.journeys;
            self.found.answers = tried.answers;
        } else {
            self.failed = self.rate;
            self.found.not_held = Some(self.rate);
        }
        self.rate = if self.failed.is_infinite() {
            (self.rate * 2.0).min(self.highest)
        } else {
            f64::midpoint(self.held, self.failed)
        };
    }

    /// What was found.
    pub fn found(self) -> Capacity {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Latency;

    /// Searches against something that holds up to `limit`; `disturbed` tries fail whatever is asked.
    fn search(limit: f64, highest: f64, disturbed: &[usize]) -> Capacity {
        let mut search = Search::new(10.0, highest);
        let mut tries = 0;
        while let Some(journeys) = search.next() {
            let held = journeys <= limit && !disturbed.contains(&tries);
            let latency = Latency::default();
            search.tried(Tried {
                journeys,
                answers: journeys * 4.0,
                latency,
                held,
            });
            tries += 1;
            assert!(tries < 60, "it ends");
        }
        search.found()
    }

    #[test]
    fn it_ends_just_below_the_limit_wherever_that_is() {
        for limit in [0.7, 3.0, 10.0, 11.0, 137.0, 5_000.0] {
            let found = search(limit, 1e6, &[]);
            assert!(
                found.journeys <= limit && found.journeys * 1.16 > limit,
                "{limit}: {found:?}"
            );
            assert!(found.not_held.is_some_and(|rate| rate > limit));
        }
        assert!(search(0.0, 1e6, &[]).journeys.abs() < 1e-9);
    }

    #[test]
    fn it_ends_at_the_highest_rate_it_may_try() {
        let found = search(1e9, 70.0, &[]);
        assert!((found.journeys - 70.0).abs() < 1e-9 && found.not_held.is_none());
    }

    #[test]
    fn one_disturbance_does_not_end_it() {
        let found = search(100.0, 1e6, &[1, 4]);
        assert!(found.journeys > 86.0, "{found:?}");
    }
}
