//! One invocation of a function on its way to an instance and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;

/// Largest event and largest response of a synchronous invocation ("Lambda quotas": 6 MB).
pub(crate) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// Why an invocation gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The function reported an error, or its process died, or it never became ready.
    Function(String),
    /// The function ran past its timeout and was killed.
    TimedOut,
    /// More in flight than the function's or the account's concurrency.
    Throttled,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(reason) => write!(f, "{reason}"),
            Self::TimedOut => write!(f, "timed out"),
            Self::Throttled => write!(f, "throttled"),
        }
    }
}

/// What an invocation came to.
pub(crate) type Outcome = Result<Bytes, Failure>;

/// An event waiting for an instance.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Request id, as the function sees it.
    pub(crate) request_id: String,
    /// X-Ray trace header.
    pub(crate) trace_id: String,
    /// The event.
    pub(crate) payload: Bytes,
    /// Where the result goes.
    pub(crate) reply: oneshot::Sender<Outcome>,
    /// The concurrency it takes up.
    pub(crate) slot: Slot,
}

/// The invocation an instance is working on.
#[derive(Debug)]
pub(crate) struct Running {
    /// Request id.
    pub(crate) request_id: String,
    /// When the instance took it.
    pub(crate) started: Instant,
    /// Where the result goes.
    pub(crate) reply: oneshot::Sender<Outcome>,
    /// Enforces the function's timeout; aborted when the result comes first.
    pub(crate) watchdog: tokio::task::AbortHandle,
    /// The concurrency it takes up, given back when the instance is done, not when the caller left.
    pub(crate) slot: Slot,
}

/// A count with a limit.
#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: usize,
    taken: AtomicUsize,
}

impl Concurrency {
    /// Nothing taken yet.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicUsize::new(0),
        })
    }

    fn take(self: &Arc<Self>) -> Option<Taken> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < self.limit).then_some(taken + 1)
            })
            .ok()
            .map(|_| Taken(Arc::clone(self)))
    }
}

#[derive(Debug)]
struct Taken(Arc<Concurrency>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One unit of the function's and of the account's concurrency.
#[derive(Debug)]
pub(crate) struct Slot {
    _function: Taken,
    _account: Taken,
}

impl Slot {
    /// Takes a unit of both, or none.
    pub(crate) fn take(function: &Arc<Concurrency>, account: &Arc<Concurrency>) -> Option<Self> {
        Some(Self {
            _function: function.take()?,
            _account: account.take()?,
        })
    }
}
