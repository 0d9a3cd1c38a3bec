//! The circuit breaker: when most calls fail, callers are told at once instead of waiting their turn to fail.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// What is looked at: this long, in so many pieces.
const WINDOW: Duration = Duration::from_secs(10);
const PIECES: usize = 10;
/// Fewer calls than this say nothing.
const ENOUGH: u32 = 20;
/// The first time it stays open, and the longest: what heals is found out soon.
const OPEN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);
/// How far apart the calls are that try whether it has healed, until one succeeds, and how many have to succeed.
const BETWEEN_TRIALS: Duration = Duration::from_millis(100);
const TRIALS: u32 = 3;

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// No call goes through.
    Open,
    /// Single ones go through, to see; after a success all, until a failure or enough successes.
    HalfOpen,
}

#[derive(Debug)]
enum Stand {
    Closed,
    Open { until: Instant },
    HalfOpen { next: Instant, successes: u32 },
}

/// A breaker over the calls of one upstream.
#[derive(Debug)]
pub(crate) struct Breaker {
    stand: Stand,
    /// How long it stays open the next time.
    open_for: Duration,
    began: Instant,
    pieces: [Piece; PIECES],
}

/// The calls of a tenth of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    number: u64,
    calls: u32,
    failures: u32,
}

impl Breaker {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            stand: Stand::Closed,
            open_for: OPEN,
            began: now,
            pieces: [Piece::default(); PIECES],
        }
    }

    /// Whether a call may be made now, or after how long.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        if let Stand::Open { until } = self.stand {
            if now < until {
                return Err(until - now);
            }
            self.stand = Stand::HalfOpen {
                next: now,
                successes: 0,
            };
        }
        // After one success there is hope: whoever comes is let through, and the first failure ends it.
        if let Stand::HalfOpen { next, successes: 0 } = &mut self.stand {
            if now < *next {
                return Err(*next - now);
            }
            *next = now + BETWEEN_TRIALS;
        }
        Ok(())
    }

    /// How a call ended. Whether that opened the breaker.
    pub(crate) fn record(&mut self, success: bool, now: Instant) -> bool {
        match &mut self.stand {
            // A call from before; the trials will tell.
            Stand::Open { .. } => false,
            Stand::HalfOpen { .. } if !success => {
                self.open_for = (self.open_for * 2).min(LONGEST);
                self.open(now);
                true
            }
            Stand::HalfOpen { successes, .. } => {
                *successes += 1;
                if *successes >= TRIALS {
                    self.stand = Stand::Closed;
                    self.open_for = OPEN;
                    self.pieces = [Piece::default(); PIECES];
                }
                false
            }
            Stand::Closed => {
                self.count(success, now);
                let failing = !success && self.mostly_fails(now);
                if failing {
                    self.open(now);
                }
                failing
            }
        }
    }

    /// How it stands.
    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.stand {
            Stand::Closed => BreakerState::Closed,
            Stand::Open { until } if now < until => BreakerState::Open,
            Stand::Open { .. } | Stand::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&mut self, now: Instant) {
        self.stand = Stand::Open {
            until: now + self.open_for,
        };
    }

    /// Which piece of all time `now` lies in, from 1.
    fn number(&self, now: Instant) -> u64 {
        let piece = WINDOW.as_millis() / PIECES as u128;
        let passed = now.saturating_duration_since(self.began).as_millis() / piece;
        u64::try_from(passed).unwrap_or(u64::MAX - 1) + 1
    }

    fn count(&mut self, success: bool, now: Instant) {
        let number = self.number(now);
        let place = usize::try_from(number % PIECES as u64).unwrap_or_default();
        let piece = &mut self.pieces[place];
        if piece.number != number {
            *piece = Piece {
                number,
                ..Piece::default()
            };
        }
        piece.calls += 1;
        piece.failures += u32::from(!success);
    }

    /// Whether at least half of the window's calls failed, of enough.
    fn mostly_fails(&self, now: Instant) -> bool {
        let number = self.number(now);
        let recent = |piece: &&Piece| piece.number + PIECES as u64 > number;
        let (calls, failures) = self
            .pieces
            .iter()
            .filter(recent)
            .fold((0, 0), |(calls, failures), piece| {
                (calls + piece.calls, failures + piece.failures)
            });
        calls >= ENOUGH && failures * 2 >= calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(now);
        for _ in 0..ENOUGH {
            assert!(breaker.admit(now).is_ok());
            breaker.record(false, now);
        }
        breaker
    }

    #[test]
    fn it_opens_when_half_of_enough_calls_fail_and_not_before() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        let opened: Vec<bool> = (0..ENOUGH)
            .map(|call| breaker.record(call % 2 == 0, now))
            .collect();
        assert!(opened.ends_with(&[true]));
        assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
        assert_eq!(breaker.state(now), BreakerState::Open);
        assert_eq!(breaker.admit(now), Err(OPEN));
    }

    #[test]
    fn a_third_of_failures_leaves_it_closed() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        assert!((0..300).all(|call| !breaker.record(call % 3 != 2, now)));
    }

    #[test]
    fn failures_are_forgotten_with_the_window() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for call in 0..ENOUGH - 1 {
            assert!(!breaker.record(false, now), "{call}");
        }
        assert!(!breaker.record(false, now + WINDOW));
        assert_eq!(breaker.state(now + WINDOW), BreakerState::Closed);
    }

    #[test]
    fn it_lets_single_calls_try_until_one_succeeds_and_closes_when_more_do() {
        let now = Instant::now();
        let mut breaker = failing(now);
        let later = now + OPEN;
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        assert!(breaker.admit(later).is_ok());
        assert_eq!(breaker.admit(later), Err(BETWEEN_TRIALS), "one at a time");
        breaker.record(true, later);
        for _ in 1..TRIALS {
            assert_eq!(breaker.state(later), BreakerState::HalfOpen);
            assert!(breaker.admit(later).is_ok(), "whoever comes");
            breaker.record(true, later);
        }
        assert_eq!(breaker.state(later), BreakerState::Closed);
        assert!(!breaker.record(false, later), "with a clean slate");
    }

    #[test]
    fn a_failure_after_a_success_opens_it_again() {
        let now = Instant::now();
        let mut breaker = failing(now);
        let later = now + OPEN;
        assert!(breaker.admit(later).is_ok());
        breaker.record(true, later);
        assert!(breaker.admit(later).is_ok());
        assert!(breaker.record(false, later));
        assert_eq!(breaker.admit(later), Err(OPEN * 2));
    }

    #[test]
    fn a_trial_that_fails_opens_it_for_longer_up_to_a_limit() {
        let mut now = Instant::now();
        let mut breaker = failing(now);
        let mut lengths = Vec::new();
        for _ in 0..5 {
            let Err(wait) = breaker.admit(now) else {
                panic!("it is open");
            };
            lengths.push(wait.as_secs());
            now += wait;
            assert!(breaker.admit(now).is_ok());
            assert!(breaker.record(false, now));
        }
        assert_eq!(lengths, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn a_trial_whose_answer_never_comes_does_not_block_the_next() {
        let now = Instant::now();
        let mut breaker = failing(now);
        assert!(breaker.admit(now + OPEN).is_ok());
        assert!(breaker.admit(now + OPEN + BETWEEN_TRIALS).is_ok());
    }
}
