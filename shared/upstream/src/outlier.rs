//! Whether a single endpoint is fit to be asked: one that fails again and again is left out for a while.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures with no success between them take an endpoint out.
const FAILURES: u32 = 3;
/// How long, the first time, and at most.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(1);
/// Who stayed well this long after coming back begins anew.
const FORGIVEN: Duration = Duration::from_mins(1);
/// How long one that says it is about to stop is left alone; by then it is gone or back.
const STOPPING: Duration = Duration::from_secs(3);
/// How much longer than others a call waits that could not be made again elsewhere.
const CAUTION: Duration = Duration::from_secs(10);

/// What is known of an endpoint's health.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    /// When it may come back, while it is out or has not shown yet that it is well.
    out_until: Option<Instant>,
    ejections: u32,
    last_out: Option<Instant>,
    /// Until when it is left alone because it said it stops.
    stops_until: Option<Instant>,
}

/// Whether an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Like any other.
    In,
    /// One call at a time, to see whether it is well again.
    Probation,
    /// When there is nobody else: it said it stops, and may be back.
    Leaving,
    /// Not at all.
    Out,
}

impl Health {
    /// How it stands for a call that can (`retriable`) or can't be made again elsewhere.
    pub(crate) fn standing(&self, retriable: bool, now: Instant) -> Standing {
        if self.stops_until.is_some_and(|until| now < until) {
            return Standing::Leaving;
        }
        let caution = if retriable { Duration::ZERO } else { CAUTION };
        match self.out_until {
            None => Standing::In,
            Some(until) if now < until + caution => Standing::Out,
            Some(_) => Standing::Probation,
        }
    }

    /// It answered as it should.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.out_until = None;
    }

    /// It said that it is about to stop, which is no failure, and no success of a call under way takes it back.
    pub(crate) fn stops(&mut self, now: Instant) {
        self.stops_until = Some(now + STOPPING);
    }

    /// It failed; whether it should go.
    pub(crate) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        match self.out_until {
            // What was under way when it went says nothing new.
            Some(until) if now < until => false,
            Some(_) => true,
            None => self.failures >= FAILURES,
        }
    }

    /// Takes it out, the longer the more often.
    pub(crate) fn eject(&mut self, now: Instant) {
        let well = self
            .last_out
            .is_some_and(|last| now.saturating_duration_since(last) > FORGIVEN);
        if well {
            self.ejections = 0;
        }
        let length = FIRST * 2_u32.saturating_pow(self.ejections.min(8));
        let until = now + length.min(LONGEST);
        self.ejections += 1;
        self.out_until = Some(until);
        self.last_out = Some(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_count_and_a_success_ends_the_row() {
        let now = Instant::now();
        let mut health = Health::default();
        assert!(!health.failed(now) && !health.failed(now));
        health.succeeded();
        assert!(!health.failed(now) && !health.failed(now));
        assert!(health.failed(now));
    }

    #[test]
    fn it_is_out_then_tried_then_in_again() {
        let now = Instant::now();
        let mut health = Health::default();
        health.eject(now);
        assert_eq!(health.standing(true, now), Standing::Out);
        let back = now + FIRST;
        assert_eq!(health.standing(true, back), Standing::Probation);
        assert_eq!(health.standing(false, back), Standing::Out);
        assert_eq!(health.standing(false, back + CAUTION), Standing::Probation);
        health.succeeded();
        assert_eq!(health.standing(false, back), Standing::In);
    }

    #[test]
    fn one_that_stops_is_left_alone_for_a_while_whatever_it_still_answers() {
        let now = Instant::now();
        let mut health = Health::default();
        health.stops(now);
        health.succeeded();
        assert_eq!(health.standing(true, now), Standing::Leaving);
        assert_eq!(health.standing(false, now + STOPPING), Standing::In);
    }

    #[test]
    fn one_failure_on_probation_takes_it_out_for_longer() {
        let mut now = Instant::now();
        let mut health = Health::default();
        let mut lengths = Vec::new();
        for _ in 0..6 {
            health.eject(now);
            assert!(!health.failed(now), "it is out already");
            let until = health.out_until.expect("it is out");
            lengths.push((until - now).as_secs());
            now = until;
            assert!(health.failed(now));
        }
        assert_eq!(lengths, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn who_stayed_well_begins_anew() {
        let now = Instant::now();
        let mut health = Health::default();
        health.eject(now);
        health.eject(now + FIRST);
        health.succeeded();
        let later = now + Duration::from_secs(200);
        health.eject(later);
        assert_eq!(health.out_until, Some(later + FIRST));
    }
}
