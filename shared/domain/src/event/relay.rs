//! Moves events from an outbox to a sink: at least once, in order per subject.

use std::{collections::HashSet, sync::Arc};

use super::{Event, EventSink, MAX_DELIVERY_ATTEMPTS, Outbox, PendingEvent};
use crate::{Result, time::Clock};

/// How many events one pass takes.
const BATCH: u32 = 500;
/// How long a relay has an outbox for itself, in milliseconds.
const LEASE_MILLIS: i64 = 10_000;
/// How long the first retry waits, in milliseconds; each further one twice as long.
const FIRST_BACKOFF_MILLIS: i64 = 1_000;

/// The relay of one outbox.
pub struct Relay {
    /// Where events wait.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub sink: Arc<dyn EventSink>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Tells this relay from its replicas, of which one at a time has the lease.
    pub name: String,
}

impl Relay {
    /// Delivers what is due; how many events were delivered. A sink that can't be reached is an error and costs
    /// no event a try: only a delivery that was refused does, and after [`MAX_DELIVERY_ATTEMPTS`] the event is
    /// parked.
    pub async fn pass(&self) -> Result<usize> {
        let now = self.clock.now();
        if !self
            .outbox
            .lease(&self.name, now, now.plus_millis(LEASE_MILLIS))
            .await?
        {
            return Ok(0);
        }
        let pending = self.outbox.pending(now, BATCH).await?;
        if pending.is_empty() {
            return Ok(0);
        }
        let events: Vec<Event> = pending
            .iter()
            .map(|pending| pending.event.clone())
            .collect();
        let failures = self.sink.deliver(&events).await?;
        let delivered = self.settle(&pending, &failures).await?;
        Ok(delivered)
    }

    /// Delivers until nothing is due.
    pub async fn drain(&self) -> Result<usize> {
        let mut total = 0;
        loop {
            match self.pass().await? {
                0 => return Ok(total),
                delivered => total += delivered,
            }
        }
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
