//! The steps of a checkout. Each is recorded once it is done, so that a crash leaves no doubt about
//! what may have happened: the recorded step, and at most the one after it.

use async_trait::async_trait;

use crate::id::CartId;

/// The last step of a checkout (or of its cancellation) that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The key and the cart are claimed.
    Claimed,
    /// The pending order is stored.
    Placed,
    /// Stock is kept for it.
    Reserved,
    /// The unconfirmed payment is created.
    IntentCreated,
    /// The amount is authorised.
    Authorised,
    /// The units have left the stock.
    Settled,
    /// The order is confirmed, its event written and the answer known.
    Confirmed,
    /// The amount is collected.
    Captured,
    /// The bought lines are out of the cart; nothing is left to do.
    Cleared,
    /// The order was cancelled; refund and restocking are to be done.
    Cancelling,
    /// Refunded and restocked; nothing is left to do.
    Cancelled,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 11] = [
        Self::Claimed,
        Self::Placed,
        Self::Reserved,
        Self::IntentCreated,
        Self::Authorised,
        Self::Settled,
        Self::Confirmed,
        Self::Captured,
        Self::Cleared,
        Self::Cancelling,
        Self::Cancelled,
    ];

    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Placed => "placed",
            Self::Reserved => "reserved",
            Self::IntentCreated => "intent-created",
            Self::Authorised => "authorised",
            Self::Settled => "settled",
            Self::Confirmed => "confirmed",
            Self::Captured => "captured",
            Self::Cleared => "cleared",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the amount is collected and nobody has begun to give it back.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Captured | Self::Cleared)
    }

    /// The step of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

/// Is told of every recorded step. Tests use it to stop the process right there.
#[async_trait]
pub trait SagaProbe: Send + Sync {
    /// `step` was just recorded for the checkout of `cart`.
    async fn reached(&self, step: Step, cart: &CartId);
}

/// The probe of a shop that nobody tests.
#[derive(Debug)]
pub struct NoProbe;

#[async_trait]
impl SagaProbe for NoProbe {
    async fn reached(&self, _step: Step, _cart: &CartId) {}
}
