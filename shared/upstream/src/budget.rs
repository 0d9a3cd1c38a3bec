//! How many calls may be made again: a share of those made, so that retries never become the load.

use std::time::Duration;

use tokio::time::Instant;

/// A retry is worth so many calls: a fifth of the traffic may be retries.
const CALLS_PER_RETRY: u64 = 5;
/// The most retries saved up.
const MOST: u64 = 100 * CALLS_PER_RETRY;
/// What there is without traffic: a caller with little of it may retry, too.
const FLOOR: u64 = 10 * CALLS_PER_RETRY;
/// How often the floor is restored.
const RESTORE: Duration = Duration::from_secs(10);

/// What is left to spend, in calls.
#[derive(Debug)]
pub(crate) struct Budget {
    saved: u64,
    restored: Instant,
}

impl Budget {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            saved: FLOOR,
            restored: now,
        }
    }

    /// A call is made.
    pub(crate) fn deposit(&mut self) {
        self.saved = (self.saved + 1).min(MOST);
    }

    /// Whether a call may be made again.
    pub(crate) fn withdraw(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.restored) >= RESTORE {
            self.restored = now;
            self.saved = self.saved.max(FLOOR);
        }
        let enough = self.saved >= CALLS_PER_RETRY;
        if enough {
            self.saved -= CALLS_PER_RETRY;
        }
        enough
    }

    /// Retries that may be made right now.
    pub(crate) fn left(&self) -> u64 {
        self.saved / CALLS_PER_RETRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_traffic_may_be_retries_beyond_the_floor() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        let mut retries = 0;
        for _ in 0..1_000 {
            budget.deposit();
            retries += u64::from(budget.withdraw(now));
        }
        assert_eq!(retries, 10 + 1_000 / 5);
        assert_eq!(budget.left(), 0);
    }

    #[test]
    fn an_exhausted_budget_comes_back_with_time_and_quiet_times_save_no_more_than_the_most() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        while budget.withdraw(now) {}
        assert!(!budget.withdraw(now + RESTORE / 2));
        assert!(budget.withdraw(now + RESTORE));
        for _ in 0..10_000 {
            budget.deposit();
        }
        assert_eq!(budget.left(), 100);
    }
}
