//! The ports of the checkout context.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    CheckoutRequest, IntentId, Moved, Order, OrderRecord, OrderStatus, RecoveryReport, Step,
};
use crate::{
    Caller, Error, Money, Result,
    event::Event,
    id::{CartId, IdempotencyKey, OrderId, ProductId, Token, UserId},
    paging::{Page, Paging},
    time::Timestamp,
};

/// A successful checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order as confirmed.
    pub order: Order,
    /// A guest's key to it.
    pub access_token: Token,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

/// What the rest of the shop can ask of checkout.
#[async_trait]
pub trait CheckoutApi: Send + Sync {
    /// Buys a cart, once per key. `request_id` is remembered for replayed refusals.
    async fn checkout(
        &self,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        request_id: &str,
    ) -> Result<Placed>;

    /// The order, if the caller may read it.
    async fn order(&self, caller: &Caller, id: &OrderId) -> Result<Option<Order>>;

    /// The signed-in caller's orders, newest first.
    async fn orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>>;

    /// Everybody's orders, newest first. For administrators.
    async fn all_orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>>;

    /// Calls an order off before it ships: refunds and restocks once. Calling it off again changes nothing.
    async fn cancel(&self, caller: &Caller, id: &OrderId) -> Result<Order>;

    /// Finishes or undoes checkouts and cancellations that were interrupted. For the background.
    async fn recover(&self) -> Result<RecoveryReport>;
}

/// Who works on a checkout, and until when others keep away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The client's key.
    pub key: IdempotencyKey,
    /// What tells the request from another under the same key.
    pub fingerprint: String,
    /// The cart to buy; locked until the checkout is over.
    pub cart_id: CartId,
    /// The order's id, if this becomes one.
    pub order_id: OrderId,
    /// The order's access token, if this becomes one.
    pub access_token: Token,
    /// How to pay.
    pub payment_method: String,
    /// The request's id.
    pub request_id: String,
    /// Identifies this worker.
    pub worker: String,
    /// Until when the worker has it for itself.
    pub lease_until: Timestamp,
}

/// A final refusal, kept with the key so that asking again gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The payment method was refused.
    Declined {
        /// The provider's code.
        code: String,
    },
    /// Some products don't suffice.
    OutOfStock(Vec<ProductId>),
    /// Nothing to buy.
    CartEmpty,
    /// The total was another than expected.
    TotalChanged {
        /// What would have been charged.
        actual: Money,
    },
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Declined { code } => Self::PaymentDeclined { code },
            Refusal::OutOfStock(products) => Self::OutOfStock(products),
            Refusal::CartEmpty => Self::CartEmpty,
            Refusal::TotalChanged { actual } => Self::TotalChanged { actual },
        }
    }
}

/// The final answer to a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Bought: the order as it was when confirmed.
    Confirmed(Box<Order>),
    /// Refused.
    Refused(Refusal),
}

/// The record of a checkout: the idempotency record and the saga's state in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRecord {
    /// The order's id.
    pub order_id: OrderId,
    /// The cart.
    pub cart_id: CartId,
    /// The order's access token.
    pub access_token: Token,
    /// How to pay.
    pub payment_method: String,
    /// The id of the request that began it.
    pub request_id: String,
    /// The last step that is done.
    pub step: Step,
    /// The payment, once created.
    pub intent: Option<IntentId>,
    /// The final answer, once known.
    pub outcome: Option<Outcome>,
}

/// A checkout with its order, which exists from [`Step::Placed`] on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saga {
    /// The record.
    pub checkout: CheckoutRecord,
    /// The order.
    pub order: Option<OrderRecord>,
}

/// What came of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The key is new: go on.
    Fresh(Box<CheckoutRecord>),
    /// An interrupted checkout, now this worker's: go on from its step.
    Resumed(Box<Saga>),
    /// The key has its final answer.
    Answered(Box<CheckoutRecord>),
    /// Another worker has it.
    Running,
    /// The key belongs to another request.
    KeyReused,
    /// Another checkout of the cart is not over.
    CartBusy,
}

/// One recorded step forward.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The step now done.
    pub step: Step,
    /// The payment, when this step created it.
    pub intent: Option<IntentId>,
    /// The lease, renewed.
    pub lease_until: Timestamp,
}

/// What came of beginning to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelling {
    /// The order is now cancelled and this worker has to refund and restock.
    Begun(Box<Saga>),
    /// It was cancelled before.
    Already(Box<Order>),
    /// Another worker is at it.
    Busy,
    /// It has shipped, or never was confirmed.
    TooLate,
    /// There is no such order.
    Missing,
}

/// What the checkout context needs of a database. Each write is one atomic operation.
///
/// Writes that name a `worker` do nothing and answer `false` unless that worker holds the lease: a worker that
/// was too slow finds out before it does harm. A checkout is *open* until [`CheckoutStore::close`], `refuse` or `forget`;
/// while it is open (and was not cancelled) its cart is locked.
#[async_trait]
pub trait CheckoutStore: Send + Sync {
    /// Claims a key (see [`Claimed`]). A record whose outcome is known is `Answered` even while it is open.
    async fn claim(&self, claim: &Claim, now: Timestamp) -> Result<Claimed>;

    /// Stores the pending order and records [`Step::Placed`].
    async fn place(&self, order: &OrderRecord, worker: &str, progress: &Progress) -> Result<bool>;

    /// Records a step.
    async fn advance(&self, order: &OrderId, worker: &str, progress: &Progress) -> Result<bool>;

    /// Stores the now confirmed order, its event and the outcome, and records [`Step::Confirmed`].
    async fn confirm(
        &self,
        order: &Order,
        event: &Event,
        worker: &str,
        progress: &Progress,
    ) -> Result<bool>;

    /// Records the last step and ends the checkout: lease and cart are free.
    async fn close(&self, order: &OrderId, worker: &str, step: Step) -> Result<bool>;

    /// Ends the checkout with a refusal; the order, if it was placed, gets `status`.
    async fn refuse(
        &self,
        order: &OrderId,
        worker: &str,
        refusal: &Refusal,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends the checkout as if the key had never been used; the order, if it was placed, is cancelled.
    async fn forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool>;

    /// Gives the lease back with the checkout still open, for the same key or recovery to go on.
    async fn suspend(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool>;

    /// Takes the lease of up to `limit` open checkouts whose lease is over.
    async fn take_abandoned(
        &self,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Saga>>;

    /// The order of that id.
    async fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>>;

    /// A user's orders, newest first (by time of creation, then id).
    async fn orders_of(&self, user: &UserId, paging: Paging) -> Result<Page<Order>>;

    /// Everybody's orders, newest first (by time of creation, then id).
    async fn all_orders(&self, paging: Paging) -> Result<Page<Order>>;

    /// `confirmed` → `cancelled` with its event, records [`Step::Cancelling`], opens the checkout again and takes the lease.
    async fn begin_cancel(
        &self,
        id: &OrderId,
        event: &Event,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Cancelling>;

    /// `confirmed` → `shipped` if the amount is captured; the checkout may still be open to clear the cart. Of a
    /// cancellation and this at the same moment one finds the order changed by the other.
    async fn ship(&self, id: &OrderId, now: Timestamp) -> Result<Moved>;

    /// `shipped` → `delivered`.
    async fn deliver(&self, id: &OrderId, now: Timestamp) -> Result<Moved>;
}
