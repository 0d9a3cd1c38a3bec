//! The ports of the fulfilment context.

use async_trait::async_trait;

use crate::{Result, checkout::Order, id::OrderId, time::Timestamp};

/// Where the goods of an order are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// In the warehouse, until they ship.
    Packing,
    /// With the carrier, until they are delivered.
    OnTheWay,
    /// With the buyer.
    Delivered,
    /// Back on the shelf: the order was cancelled first.
    CalledOff,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] = [
        Self::Packing,
        Self::OnTheWay,
        Self::Delivered,
        Self::CalledOff,
    ];

    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Packing => "packing",
            Self::OnTheWay => "on-the-way",
            Self::Delivered => "delivered",
            Self::CalledOff => "called-off",
        }
    }

    /// The stage of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

/// A shipment whose next step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// The order.
    pub order: OrderId,
    /// Where its goods are.
    pub stage: Stage,
    /// How often the next step has been tried.
    pub attempts: u32,
}

/// A receipt that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueReceipt {
    /// The order.
    pub order: OrderId,
    /// How often sending it has been tried.
    pub attempts: u32,
    /// Since when it is owed.
    pub since: Timestamp,
}

/// What fulfilment needs of a database. Each write is one atomic operation.
///
/// Whoever takes what is due has it for itself until the lease is over; then it is due again, so a process that
/// died holds nothing up. One that was merely slow does no harm: every step may be repeated, and what it records is
/// ignored once the shipment has gone on.
#[async_trait]
pub trait FulfilmentStore: Send + Sync {
    /// Notes that an order's goods are due to ship at `ship_at`, and its receipt `now`. `false`, and nothing
    /// changes, when the order was noted before.
    async fn note(&self, order: &OrderId, ship_at: Timestamp, now: Timestamp) -> Result<bool>;

    /// Takes up to `limit` shipments whose next step is due: those that are due the longest, in any order.
    async fn take_shipments(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Shipment>>;

    /// Records that the goods went from one stage to another, whose next step is due then; `None` when nothing is left
    /// to do. Does nothing unless they are at `from`.
    async fn moved(
        &self,
        order: &OrderId,
        from: Stage,
        to: Stage,
        due_at: Option<Timestamp>,
    ) -> Result<()>;

    /// Makes the next step of a shipment due at another time, with the attempts so far. Does nothing unless the
    /// goods are at `stage`.
    async fn postpone_shipment(
        &self,
        order: &OrderId,
        stage: Stage,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()>;

    /// Takes the receipt that is due the longest.
    async fn take_receipt(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueReceipt>>;

    /// Records that an order's receipt is sent, or not owed any more.
    async fn receipt_settled(&self, order: &OrderId) -> Result<()>;

    /// Makes a receipt that is still owed due at another time, with the attempts so far.
    async fn postpone_receipt(
        &self,
        order: &OrderId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()>;
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It never can be: its address is none that mail knows.
    #[error("the mail can't be addressed")]
    Unaddressable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The mail server refused it or can't be reached; later it may be sent.
    #[error("the mail server did not take the mail")]
    NotTaken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends the receipt of an order to its buyer.
    async fn receipt(&self, order: &Order) -> Result<(), MailError>;
}
