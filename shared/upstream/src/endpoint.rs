//! One replica of a service, as its caller sees it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::time::Instant;

use crate::outlier::Health;

/// A replica.
#[derive(Debug)]
pub struct Endpoint {
    authority: String,
    health: Mutex<Health>,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) requests: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) ejections: AtomicU64,
}

impl Endpoint {
    pub(crate) fn new(authority: String) -> Self {
        Self {
            authority,
            health: Mutex::default(),
            in_flight: AtomicUsize::default(),
            requests: AtomicU64::default(),
            failures: AtomicU64::default(),
            ejections: AtomicU64::default(),
        }
    }

    /// Its host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Notes that it said it is about to stop: others are asked while there are any.
    pub fn stops(&self) {
        self.health().stops(Instant::now());
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, for as long as the answer lives.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }
}

/// A request under way at an endpoint.
pub(crate) struct InFlight(Arc<Endpoint>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
