//! How much one client may ask for.

use std::{
    net::{IpAddr, Ipv6Addr},
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
        Self {
            limiter: quota.map(|quota| Arc::new(RateLimiter::keyed(quota))),
            since_sweep: Arc::default(),
        }
    }

    /// Whether `client` may go on, or after how many seconds.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), u32> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP_EVERY {
            self.since_sweep.store(0, Ordering::Relaxed);
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.check_key(&household(client)).map_err(|refusal| {
            let wait = refusal.wait_time_from(limiter.clock().now());
            u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(1)
        })
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which is what a single customer has.
fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: u32, burst: u32) -> RateLimit {
        RateLimit::new(&Limits {
            per_second,
            burst,
            trusted_proxies: Vec::new(),
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_client_has_its_burst_and_not_one_more() {
        let limit = limit(1, 3);
        let (one, other) = (address("127.0.0.1"), address("127.0.0.2"));
        assert!((0..3).all(|_| limit.check(one).is_ok()));
        assert!(
            limit
                .check(one)
                .is_err_and(|seconds| (1..=2).contains(&seconds))
        );
        assert!(
            limit.check(other).is_ok(),
            "another client is another matter"
        );
    }

    #[test]
    fn zero_is_without_limit() {
        let limit = limit(0, 1);
        assert!((0..10_000).all(|_| limit.check(address("127.0.0.1")).is_ok()));
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_its_ipv4_one() {
        let limit = limit(1, 1);
        assert!(limit.check(address("2001:db8::1")).is_ok());
        assert!(limit.check(address("2001:db8::2")).is_err());
        assert!(limit.check(address("2001:db8:0:1::1")).is_ok());
        assert!(limit.check(address("10.0.0.1")).is_ok());
        assert!(limit.check(address("::ffff:10.0.0.1")).is_err());
    }

    #[test]
    fn clients_that_went_away_are_forgotten() {
        let limit = limit(1_000_000, 1);
        for n in 0..30_000_u32 {
            let _ = limit.check(IpAddr::from(n.to_be_bytes()));
        }
        let kept = limit.limiter.as_ref().map(|limiter| limiter.len());
        assert!(kept.is_some_and(|kept| kept < 20_000), "{kept:?}");
    }
}
