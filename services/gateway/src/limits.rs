//! How much one client may ask for.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};

/// After so many requests, clients that have been quiet are forgotten.
const SWEEP_EVERY: u32 = 10_000;

/// The limits of a gateway.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a client may make per second in the long run; 0 is without limit.
    pub per_second: u32,
    /// Requests a client may make at once.
    pub burst: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Counts requests by client.
#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    limiter: Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>,
    since_sweep: Arc<AtomicU32>,
}

impl RateLimit {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = NonZeroU32::new(limits.per_second).map(|rate| {
            let burst = NonZeroU32::new(limits.burst).unwrap_or(rate);
            Quota::per_second(rate).allow_burst(burst)
        });
        Self { limiter: quota.map(|quota| Arc::new(RateLimiter::keyed(quota))), since_sweep: Arc::default() }
    }

    /// Whether `client` may go on, or after how many seconds.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), u32> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP_EVERY {
            self.since_sweep.store(0, Ordering::Relaxed);
            limiter.retain_recent();
        }
        limiter.check_key(&client).map_err(|refusal| {
            let wait = refusal.wait_time_from(limiter.clock().now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_burst_and_not_one_more() {
        let limit = RateLimit::new(&Limits { per_second: 1, burst: 3, trusted_proxies: Vec::new() });
        let (one, other): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        assert!((0..3).all(|_| limit.check(one).is_ok()));
        assert!(limit.check(one).is_err_and(|seconds| (1..=2).contains(&seconds)));
        assert!(limit.check(other).is_ok(), "another client is another matter");
    }

    #[test]
    fn zero_is_without_limit() {
        let limit = RateLimit::new(&Limits { per_second: 0, burst: 1, trusted_proxies: Vec::new() });
        assert!((0..10_000).all(|_| limit.check([127, 0, 0, 1].into()).is_ok()));
    }
}
