//! The payment provider, in the terms of Stripe's PaymentIntents with manual capture.
//!
//! An intent is created unconfirmed, which charges nothing; confirming it authorises the amount;
//! capturing collects it. After an unknown outcome the intent is asked for, never confirmed blindly.

use std::fmt;

use async_trait::async_trait;

use crate::{Money, id::OrderId};

/// The provider's id of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentId(pub String);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an intent stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentStatus {
    /// Nothing is authorised (`requires_confirmation`).
    Unconfirmed,
    /// The provider has not decided yet (`processing`).
    Processing,
    /// The payment method was refused (`requires_payment_method`, or a card error).
    Declined {
        /// The provider's decline code.
        code: String,
    },
    /// The amount is authorised (`requires_capture`).
    Authorised,
    /// The amount is collected (`succeeded`).
    Captured,
    /// Void (`canceled`).
    Cancelled,
}

/// Why the provider gave no status.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// It refused the request itself, e.g. for an unknown payment method.
    #[error("the payment provider refused the request: {message}")]
    Refused {
        /// In the provider's words.
        message: String,
    },
    /// No answer, or a fault of its own: whether it did anything is unknown.
    #[error("the payment provider gave no usable answer")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The provider.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Creates an unconfirmed intent; idempotent by order.
    async fn create(
        &self,
        order: &OrderId,
        amount: Money,
        payment_method: &str,
    ) -> Result<IntentId, PaymentError>;

    /// Authorises the amount.
    async fn confirm(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError>;

    /// Where the intent stands.
    async fn status(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError>;

    /// Collects an authorised amount; an intent already captured stays so.
    async fn capture(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError>;

    /// Voids an intent that is not captured; a cancelled one stays so.
    async fn cancel(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError>;

    /// Gives a captured amount back; idempotent by order.
    async fn refund(&self, order: &OrderId, intent: &IntentId) -> Result<(), PaymentError>;
}
