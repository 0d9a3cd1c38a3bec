//! Events that were given up on: parked in the outbox of the context that told them, listed and replayed over all of
//! these by administrators.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Event, EventHandler, EventKind, MAX_DELIVERY_ATTEMPTS, Outbox};
use crate::{
    Caller, Error, Result,
    id::EventId,
    paging::{Page, Paging},
    time::{Clock, Timestamp},
};

/// An event that was given up on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// The event's id.
    pub id: EventId,
    /// Who told it, such as `/product`.
    #[schema(example = "/product")]
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// What it happened to: a product's or an order's id.
    pub subject: String,
    /// When.
    pub occurred_at: Timestamp,
    /// How often delivering it has failed.
    pub attempts: u32,
    /// Why, as far as that is known.
    pub reason: String,
}

impl DeadLetter {
    /// `event`, given up on after `attempts` because of `reason`.
    pub fn new(event: Event, attempts: u32, reason: String) -> Self {
        Self {
            id: event.id,
            source: event.source,
            kind: event.kind,
            subject: event.subject,
            occurred_at: event.time,
            attempts,
            reason,
        }
    }
}

/// A page of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadLetters {
    /// Oldest first.
    pub dead_letters: Vec<DeadLetter>,
    /// How many there are in all, of the parts that could be asked.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// Dead letters on a page.
    pub per_page: u32,
    /// The parts of the shop that could not be asked: theirs are missing here.
    #[schema(example = json!(["inventory"]))]
    pub unavailable: Vec<String>,
}

/// The dead letters of the whole shop, for administrators.
#[async_trait]
pub trait DeadLetterApi: Send + Sync {
    /// A page of them, oldest first. A part of the shop that can't be asked is named in the answer.
    async fn list(&self, caller: &Caller, paging: Paging) -> Result<DeadLetters>;

    /// Sends an event on its way again, with all its tries; `NotFound` when it is no dead letter, and `Unavailable` when
    /// it may be one of a part that can't be asked.
    async fn replay(&self, caller: &Caller, id: &EventId) -> Result<()>;
}

/// The dead letters of one context.
#[async_trait]
pub trait DeadLetterSource: Send + Sync {
    /// The first `limit` of them, by when they happened and then by id, and how many there are in all.
    async fn parked(&self, limit: u32) -> Result<Page<DeadLetter>>;

    /// Makes a dead letter an event to deliver again; `false` when there is no such.
    async fn replay(&self, id: &EventId) -> Result<bool>;
}

/// The dead letters in an outbox.
pub struct OutboxLetters {
    /// The outbox.
    pub outbox: Arc<dyn Outbox>,
    /// Says when a replayed event is due: now.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl DeadLetterSource for OutboxLetters {
    async fn parked(&self, limit: u32) -> Result<Page<DeadLetter>> {
        self.outbox.dead_letters(limit).await
    }

    async fn replay(&self, id: &EventId) -> Result<bool> {
        self.outbox.replay(id, self.clock.now()).await
    }
}

/// Takes back what a queue gave up on: parks each event in the outbox of who told it.
pub struct Parking {
    /// The contexts that tell events, and their outboxes.
    pub outboxes: Vec<(&'static str, Arc<dyn Outbox>)>,
}

impl Parking {
    /// A queue moves a message on without a word of why.
    const REASON: &str = "the queue gave it up; the log of what follows the queue says why";

    async fn park(&self, event: &Event) -> Result<()> {
        let teller = event.source.strip_prefix('/');
        let told = |(context, _): &&(&str, _)| Some(*context) == teller;
        let found = self.outboxes.iter().find(told);
        let (_, outbox) = found.ok_or_else(|| Error::not_found("outbox of this source"))?;
        tracing::error!(event = %event.id, kind = event.kind.as_str(), "an event is parked in the dead letters");
        outbox
            .park(event, MAX_DELIVERY_ATTEMPTS, Self::REASON)
            .await
    }
}

#[async_trait]
impl EventHandler for Parking {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        let mut failed = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let Err(error) = self.park(event).await {
                failed.push((index, error.to_string()));
            }
        }
        Ok(failed)
    }
}

/// [`DeadLetterApi`] over the dead letters of every context.
pub struct DeadLetterUseCases {
    /// The contexts' names and their dead letters.
    pub sources: Vec<(&'static str, Arc<dyn DeadLetterSource>)>,
}

#[async_trait]
impl DeadLetterApi for DeadLetterUseCases {
    async fn list(&self, caller: &Caller, paging: Paging) -> Result<DeadLetters> {
        caller.require_admin()?;
        // A page of all of them can't hold more of one source than everything up to its end.
        let limit = paging.offset() + paging.per_page();
        let (mut letters, mut total, mut unavailable) = (Vec::new(), 0, Vec::new());
        for (name, source) in &self.sources {
            match source.parked(limit).await {
                Ok(page) => {
                    letters.extend(page.entries);
                    total += page.total;
                }
                Err(error) => {
                    tracing::warn!(%error, source = name, "its dead letters are not listed");
                    unavailable.push((*name).to_owned());
                }
            }
        }
        letters.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
        let (before, size) = (paging.offset() as usize, paging.per_page() as usize);
        Ok(DeadLetters {
            dead_letters: letters.into_iter().skip(before).take(size).collect(),
            total,
            page: paging.page(),
            per_page: paging.per_page(),
            unavailable,
        })
    }

    async fn replay(&self, caller: &Caller, id: &EventId) -> Result<()> {
        caller.require_admin()?;
        let mut unavailable = None;
        for (name, source) in &self.sources {
            match source.replay(id).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, source = name, "its dead letters can't be asked");
                    unavailable.get_or_insert(*name);
                }
            }
        }
        Err(unavailable.map_or_else(|| Error::not_found("dead letter"), Error::unavailable))
    }
}
