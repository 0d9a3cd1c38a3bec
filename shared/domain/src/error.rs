//! What can go wrong, as a closed list. The wire form (problem types) is `http`'s business.

use std::error::Error as StdError;

use serde::{Deserialize, Serialize};

use crate::{Money, id::ProductId};

/// The result of every rule and port of the shop.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing wrong with a request, at a place the client can find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the body (RFC 6901), or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong, in words for a person.
    pub detail: String,
}

impl FieldError {
    /// Names what is wrong at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// Everything a use case or a port can answer instead of a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is well-formed but breaks rules, each named.
    #[error("the request breaks a rule")]
    Validation(Vec<FieldError>),
    /// The request can't be read at all.
    #[error("the request can't be read: {0}")]
    MalformedRequest(String),
    /// A checkout came without `Idempotency-Key`.
    #[error("the Idempotency-Key header is missing")]
    IdempotencyKeyMissing,
    /// No, or no valid, credentials.
    #[error("sign in first")]
    Unauthenticated,
    /// The payment provider refused the payment method; nothing was charged.
    #[error("the payment was declined: {code}")]
    PaymentDeclined {
        /// The provider's decline code, e.g. `insufficient_funds`.
        code: String,
    },
    /// Signed in, but not allowed.
    #[error("this needs an administrator")]
    Forbidden,
    /// The thing asked for does not exist, or not for this caller.
    #[error("there is no such {0}")]
    NotFound(String),
    /// The state of the thing does not allow this.
    #[error("{0}")]
    Conflict(String),
    /// Another account has this address.
    #[error("an account with this address exists")]
    EmailTaken,
    /// Nothing to buy.
    #[error("the cart is empty")]
    CartEmpty,
    /// Some products can't be had in the quantity asked.
    #[error("some products are out of stock")]
    OutOfStock(Vec<ProductId>),
    /// What would be charged differs from what the client expected.
    #[error("the total changed")]
    TotalChanged {
        /// What would be charged now.
        actual: Money,
    },
    /// The same request, or another checkout of the same cart, still runs.
    #[error("the request is still in progress")]
    RequestInProgress {
        /// Seconds after which asking again makes sense.
        retry_after: u32,
    },
    /// The order has shipped or is over.
    #[error("the order can no longer be cancelled")]
    NotCancellable,
    /// `If-Match` no longer holds.
    #[error("the resource changed in the meantime")]
    PreconditionFailed,
    /// The body is larger than allowed.
    #[error("the request body is too large")]
    PayloadTooLarge,
    /// The body's media type is not one this resource takes.
    #[error("the media type is not supported here")]
    UnsupportedMediaType,
    /// The method is not one this resource takes.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The upload is not a picture the shop can use.
    #[error("the upload is not a usable picture: {0}")]
    NotAnImage(String),
    /// Too many requests of a kind.
    #[error("too many requests")]
    RateLimited {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// A part of the shop can't be asked right now.
    #[error("{what} can't be reached right now")]
    Unavailable {
        /// The part, in words for a person, e.g. `inventory`.
        what: String,
    },
    /// The payment provider gave no usable answer; nothing is lost.
    #[error("the payment provider can't be reached right now")]
    PaymentUnavailable,
    /// A part of the shop took too long.
    #[error("the answer took too long")]
    Timeout,
    /// The final refusal of an earlier request with the same idempotency key.
    #[error("{error}")]
    Replayed {
        /// The refusal as first given.
        error: Box<Error>,
        /// The id of the request that was first refused.
        request_id: String,
    },
    /// A fault of the shop's own; its chain is logged, never shown.
    #[error("an internal fault")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// A single rule broken at `pointer`.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Validation(vec![FieldError::new(pointer, detail)])
    }

    /// There is no such `what` (for this caller).
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// A part of the shop that can't be asked.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable { what: what.into() }
    }

    /// Wraps a fault that has no meaning to a client.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Whether asking a remote part failed, as opposed to being refused by it.
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Timeout | Self::Internal(_)
        )
    }
}

/// Collects broken rules so that a client hears of all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<FieldError>);

impl Violations {
    /// Notes `detail` at `pointer` unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, detail: impl Into<String>) {
        if !holds {
            self.0.push(FieldError::new(pointer, detail));
        }
    }

    /// Takes the value, or notes what is wrong with it.
    pub fn take<T>(&mut self, parsed: Result<T>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(Error::Validation(errors)) => {
                self.0.extend(errors);
                None
            }
            Err(other) => {
                self.0.push(FieldError::new("", other.to_string()));
                None
            }
        }
    }

    /// `Ok` when nothing was noted.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Validation(self.0))
        }
    }
}
