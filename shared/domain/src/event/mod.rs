//! What happened in the shop, told to the parts that follow it.
//!
//! Events are notifications: they name a subject and consumers read its present state, so repeating
//! or delaying one is harmless. They are written to the outbox in the transaction of the change.

mod dead_letters;
mod relay;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use dead_letters::{
    DeadLetter, DeadLetterApi, DeadLetterSource, DeadLetterUseCases, DeadLetters, OutboxLetters,
    Parking,
};
pub use relay::Relay;

use crate::{
    Result,
    id::{EventId, OrderId, ProductId},
    paging::Page,
    time::{Entropy, Timestamp},
};

/// The kinds of event, by their CloudEvents `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum EventKind {
    /// A product was created or changed.
    #[serde(rename = "product.changed")]
    ProductChanged,
    /// A product was deleted.
    #[serde(rename = "product.deleted")]
    ProductDeleted,
    /// A product's availability crossed a band.
    #[serde(rename = "stock.changed")]
    StockChanged,
    /// An order was confirmed.
    #[serde(rename = "order.confirmed")]
    OrderConfirmed,
    /// An order was cancelled.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// A photo of a product was uploaded.
    #[serde(rename = "photo.uploaded")]
    PhotoUploaded,
}

impl EventKind {
    const ALL: [Self; 6] = [
        Self::ProductChanged,
        Self::ProductDeleted,
        Self::StockChanged,
        Self::OrderConfirmed,
        Self::OrderCancelled,
        Self::PhotoUploaded,
    ];

    /// The CloudEvents `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProductChanged => "product.changed",
            Self::ProductDeleted => "product.deleted",
            Self::StockChanged => "stock.changed",
            Self::OrderConfirmed => "order.confirmed",
            Self::OrderCancelled => "order.cancelled",
            Self::PhotoUploaded => "photo.uploaded",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The context that tells it, as the CloudEvents `source`.
    pub fn source(self) -> &'static str {
        match self {
            Self::ProductChanged | Self::ProductDeleted => "/product",
            Self::StockChanged => "/inventory",
            Self::OrderConfirmed | Self::OrderCancelled => "/checkout",
            Self::PhotoUploaded => "/media",
        }
    }

    /// Whether the search index follows it.
    pub fn concerns_catalogue(self) -> bool {
        matches!(
            self,
            Self::ProductChanged | Self::ProductDeleted | Self::StockChanged
        )
    }
}

/// Something that happened, in the shape of a CloudEvent (version 1.0, JSON format).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    specversion: SpecVersion,
    /// Unique per event; consumers recognise repetitions by it.
    pub id: EventId,
    /// Who tells it.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// What it happened to: a product's or an order's id. Events of one subject keep their order.
    pub subject: String,
    /// When.
    pub time: Timestamp,
}

/// The one CloudEvents version spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

impl Event {
    /// `kind` happened to `subject` at `time`.
    pub fn new(id: EventId, kind: EventKind, subject: impl Into<String>, time: Timestamp) -> Self {
        let source = kind.source().to_owned();
        Self {
            specversion: SpecVersion::V1,
            id,
            source,
            kind,
            subject: subject.into(),
            time,
        }
    }

    /// A product event, with a fresh id.
    pub fn of_product(
        kind: EventKind,
        product: &ProductId,
        time: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self::new(EventId::random(entropy), kind, product.as_str(), time)
    }

    /// An order event, with a fresh id.
    pub fn of_order(
        kind: EventKind,
        order: &OrderId,
        time: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self::new(EventId::random(entropy), kind, order.as_str(), time)
    }
}

/// An event waiting in an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvent {
    /// Its place in the outbox; events of one subject leave in this order.
    pub sequence: i64,
    /// The event.
    pub event: Event,
    /// How often delivering it has failed.
    pub attempts: u32,
}

/// How many failed deliveries park an event in the dead letters.
pub const MAX_DELIVERY_ATTEMPTS: u32 = 5;

/// The outbox of one context's database.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes or renews the relay's lease for `owner` until `until`; `false` when another holds it.
    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// The next events to deliver, oldest first, at most `limit`: not parked, due by `now`, and none whose
    /// subject has an earlier undelivered event that is not due yet.
    async fn pending(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingEvent>>;

    /// Removes delivered events.
    async fn delivered(&self, sequences: &[i64]) -> Result<()>;

    /// Notes a failed delivery and when to try again; with `retry_at` `None` the event is parked as a dead letter.
    async fn failed(&self, sequence: i64, reason: &str, retry_at: Option<Timestamp>) -> Result<()>;

    /// Parks an event that was given up on after it left, once however often this is called. One that is still here is
    /// parked, too. It gets a new place, behind whatever is here.
    async fn park(&self, event: &Event, attempts: u32, reason: &str) -> Result<()>;

    /// The first `limit` parked events with the reason of the last failure, by when they happened and then by id, and how
    /// many there are in all.
    async fn dead_letters(&self, limit: u32) -> Result<Page<DeadLetter>>;

    /// Makes a parked event pending again, with all its tries; `false` when there is no such.
    async fn replay(&self, id: &EventId, now: Timestamp) -> Result<bool>;
}

/// Writes an event by itself, of a change that was made in no database: the event follows the change, and a crash in
/// between loses it.
#[async_trait]
pub trait Teller: Send + Sync {
    /// Puts the event where it is relayed from.
    async fn tell(&self, event: &Event) -> Result<()>;
}

/// Where relayed events go. One call delivers a batch; the answer names the failures.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Delivers `batch` in order; the result holds the index and reason of each event that was not accepted. A sink
    /// that can't be reached is an error.
    async fn deliver(&self, batch: &[PendingEvent]) -> Result<Vec<(usize, String)>>;
}

/// A consumer of events.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// Handles a batch; the result holds the index and reason of each event that has to come again.
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>>;
}
