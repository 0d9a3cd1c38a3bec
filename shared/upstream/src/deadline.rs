//! Until when somebody waits for an answer, however many hops away.

use std::time::Duration;

use tokio::time::Instant;

/// The longest a deadline may be away; nobody waits longer, whatever a header says.
const LONGEST: Duration = Duration::from_mins(2);

/// The moment after which nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(LONGEST))
    }

    /// What a header says; `None` when it says no number of milliseconds.
    pub fn parse(header: &str) -> Option<Self> {
        let millis = header.trim().parse().ok()?;
        Some(Self::after(Duration::from_millis(millis)))
    }

    /// What is left of the time.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether nobody waits any more, `now`.
    pub fn is_over(self, now: Instant) -> bool {
        self.0 <= now
    }

    /// As a moment, to wait until.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What the next hop is told: whole milliseconds, rounded down.
    pub fn header(self) -> u64 {
        u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_hop_is_told_what_is_left() {
        let deadline = Deadline::parse("1500").expect("a number");
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(deadline.header(), 1_100);
        assert!(!deadline.is_over(Instant::now()));
        tokio::time::advance(Duration::from_millis(1_100)).await;
        assert_eq!(deadline.header(), 0);
        assert!(deadline.is_over(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_number_is_no_deadline_and_a_huge_one_is_cut() {
        for text in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert!(Deadline::parse(text).is_none(), "{text}");
        }
        let far = Deadline::parse("18446744073709551615").expect("a number");
        assert_eq!(far.remaining(), LONGEST);
    }
}
