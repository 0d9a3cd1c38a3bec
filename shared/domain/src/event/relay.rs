//! Moves events from an outbox to a sink: at least once, in order per subject.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use super::{EventSink, MAX_DELIVERY_ATTEMPTS, Outbox, PendingEvent};
use crate::{
    Result,
    time::{Clock, Timestamp},
};

/// How many events one pass takes, unless it is told another number.
const BATCH: u32 = 500;
/// How long a relay has an outbox for itself, in milliseconds.
const LEASE_MILLIS: i64 = 10_000;
/// How long the first retry waits, in milliseconds; each further one twice as long.
const FIRST_BACKOFF_MILLIS: i64 = 1_000;

/// The relay of one outbox.
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    sink: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    /// Tells this relay from its replicas, of which one at a time has the lease.
    name: String,
    /// When the lease ends, in epoch milliseconds; renewing it costs a write, so it is done half-way.
    leased_until: AtomicI64,
    batch: u32,
}

impl Relay {
    /// A relay from `outbox` to `sink`, told apart from its replicas by `name`.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        sink: Arc<dyn EventSink>,
        clock: Arc<dyn Clock>,
        name: String,
    ) -> Self {
        Self {
            outbox,
            sink,
            clock,
            name,
            leased_until: AtomicI64::new(0),
            batch: BATCH,
        }
    }

    /// Takes this many events in a pass: fewer where each is much work, so that a delivery is done in time.
    pub fn in_batches_of(mut self, events: u32) -> Self {
        self.batch = events;
        self
    }

    /// Delivers what is due; how many events were delivered, or `None` when a replica has the lease. A sink that can't
    /// be reached is an error and costs no event a try: only a delivery that was refused does, and after
    /// [`MAX_DELIVERY_ATTEMPTS`] the event is parked.
    pub async fn pass(&self) -> Result<Option<usize>> {
        if !self.lease().await? {
            return Ok(None);
        }
        let pending = self.outbox.pending(self.clock.now(), self.batch).await?;
        if pending.is_empty() {
            return Ok(Some(0));
        }
        let failures = self.sink.deliver(&pending).await?;
        self.settle(&pending, &failures).await.map(Some)
    }

    /// Delivers until nothing is due or it is `until`, then lets go of the lease; `None` when a replica has it.
    pub async fn drain(&self, until: Timestamp) -> Result<Option<usize>> {
        let mut total = 0;
        loop {
            match self.pass().await? {
                None => return Ok(None),
                Some(0) => {
                    self.release().await?;
                    return Ok(Some(total));
                }
                Some(delivered) => total += delivered,
            }
            if self.clock.now() >= until {
                self.release().await?;
                return Ok(Some(total));
            }
        }
    }

    async fn lease(&self) -> Result<bool> {
        let now = self.clock.now();
        if self.leased_until.load(Ordering::Relaxed) - now.as_millis() > LEASE_MILLIS / 2 {
            return Ok(true);
        }
        let until = now.plus_millis(LEASE_MILLIS);
        let leased = self.outbox.lease(&self.name, now, until).await?;
        self.leased_until.store(
            if leased { until.as_millis() } else { 0 },
            Ordering::Relaxed,
        );
        Ok(leased)
    }

    /// Lets a replica take over at once.
    pub async fn release(&self) -> Result<()> {
        let now = self.clock.now();
        self.leased_until.store(0, Ordering::Relaxed);
        self.outbox.lease(&self.name, now, now).await.map(|_| ())
    }

    async fn settle(
        &self,
        pending: &[PendingEvent],
        failures: &[(usize, String)],
    ) -> Result<usize> {
        let mut blocked: HashSet<&str> = HashSet::new();
        let mut delivered = Vec::with_capacity(pending.len());
        for (index, pending) in pending.iter().enumerate() {
            let subject = pending.event.subject.as_str();
            let failure = failures.iter().find(|(failed, _)| *failed == index);
            match failure {
                // What follows a failure of the same subject comes again behind it.
                _ if blocked.contains(subject) => {}
                Some((_, reason)) => {
                    blocked.insert(subject);
                    self.fail(pending, reason).await?;
                }
                None => delivered.push(pending.sequence),
            }
        }
        self.outbox.delivered(&delivered).await?;
        Ok(delivered.len())
    }

    async fn fail(&self, failed: &PendingEvent, reason: &str) -> Result<()> {
        let attempts = failed.attempts + 1;
        let wait = FIRST_BACKOFF_MILLIS << failed.attempts.min(MAX_DELIVERY_ATTEMPTS);
        let retry_at =
            (attempts < MAX_DELIVERY_ATTEMPTS).then(|| self.clock.now().plus_millis(wait));
        if retry_at.is_none() {
            tracing::error!(event = %failed.event.id, reason, "an event is parked in the dead letters");
        }
        self.outbox.failed(failed.sequence, reason, retry_at).await
    }
}
