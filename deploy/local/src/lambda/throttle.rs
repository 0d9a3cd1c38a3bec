//! The token bucket API Gateway throttles a stage with.

use std::sync::Mutex;
use std::time::Instant;

use super::template::model::ThrottleSpec;

/// A token bucket: `burst` tokens at most, refilled at `rate` a second.
#[derive(Debug)]
pub(crate) struct Throttle {
    spec: ThrottleSpec,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Throttle {
    /// A full bucket.
    pub(crate) fn new(spec: ThrottleSpec, now: Instant) -> Self {
        Self {
            spec,
            bucket: Mutex::new(Bucket {
                tokens: spec.burst,
                filled_at: now,
            }),
        }
    }

    /// Takes a token, or says that there is none.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut bucket = crate::sync::lock(&self.bucket);
        let elapsed = now
            .saturating_duration_since(bucket.filled_at)
            .as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * self.spec.rate).min(self.spec.burst);
        bucket.filled_at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let start = Instant::now();
        let throttle = Throttle::new(
            ThrottleSpec {
                rate: 2.0,
                burst: 3.0,
            },
            start,
        );
        assert_eq!((0..5).filter(|_| throttle.admits(start)).count(), 3);
        assert!(throttle.admits(start + Duration::from_millis(500)));
        assert!(!throttle.admits(start + Duration::from_millis(500)));
        let later = start + Duration::from_mins(1);
        assert_eq!((0..9).filter(|_| throttle.admits(later)).count(), 3);
    }
}
