//! The closed list of problem types at the foot of the contract.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// What kind of problem it is: the `type` of an RFC 9457 document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ProblemType {
    /// The request breaks rules, each named.
    Validation,
    /// The request can't be read.
    MalformedRequest,
    /// A checkout came without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// No, or no valid, credentials.
    Unauthenticated,
    /// The payment method was refused.
    PaymentDeclined,
    /// Signed in, but not allowed.
    Forbidden,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// The resource does not take the method.
    MethodNotAllowed,
    /// The state of the thing does not allow this.
    Conflict,
    /// Another account has the address.
    EmailTaken,
    /// Nothing to buy.
    CartEmpty,
    /// Some products don't suffice.
    OutOfStock,
    /// The total is another than expected.
    TotalChanged,
    /// The same request, or another checkout of the cart, still runs.
    RequestInProgress,
    /// The order has shipped or is over.
    NotCancellable,
    /// `If-Match` no longer holds.
    PreconditionFailed,
    /// The body is too large.
    PayloadTooLarge,
    /// The resource does not take the media type.
    UnsupportedMediaType,
    /// The key belongs to another request.
    IdempotencyKeyReused,
    /// The upload is no usable picture.
    NotAnImage,
    /// Too many requests.
    RateLimited,
    /// A fault of the shop.
    Internal,
    /// A part of the shop can't be asked.
    Unavailable,
    /// The payment provider can't be asked.
    PaymentUnavailable,
    /// A part of the shop took too long.
    Timeout,
}

impl ProblemType {
    /// All of them, as the contract lists them.
    pub const ALL: [Self; 25] = [
        Self::Validation,
        Self::MalformedRequest,
        Self::IdempotencyKeyMissing,
        Self::Unauthenticated,
        Self::PaymentDeclined,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::EmailTaken,
        Self::CartEmpty,
        Self::OutOfStock,
        Self::TotalChanged,
        Self::RequestInProgress,
        Self::NotCancellable,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::IdempotencyKeyReused,
        Self::NotAnImage,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::PaymentUnavailable,
        Self::Timeout,
    ];

    /// Its name, status and title.
    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Validation => ("validation", S::UNPROCESSABLE_ENTITY, "Invalid request"),
            Self::MalformedRequest => ("malformed-request", S::BAD_REQUEST, "Unreadable request"),
            Self::IdempotencyKeyMissing => (
                "idempotency-key-missing",
                S::BAD_REQUEST,
                "Idempotency-Key missing",
            ),
            Self::Unauthenticated => ("unauthenticated", S::UNAUTHORIZED, "Not signed in"),
            Self::PaymentDeclined => ("payment-declined", S::PAYMENT_REQUIRED, "Payment declined"),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "Not allowed"),
            Self::NotFound => ("not-found", S::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::Conflict => ("conflict", S::CONFLICT, "Conflict"),
            Self::EmailTaken => ("email-taken", S::CONFLICT, "Address taken"),
            Self::CartEmpty => ("cart-empty", S::CONFLICT, "Empty cart"),
            Self::OutOfStock => ("out-of-stock", S::CONFLICT, "Out of stock"),
            Self::TotalChanged => ("total-changed", S::CONFLICT, "Total changed"),
            Self::RequestInProgress => ("request-in-progress", S::CONFLICT, "Request in progress"),
            Self::NotCancellable => ("not-cancellable", S::CONFLICT, "Not cancellable"),
            Self::PreconditionFailed => (
                "precondition-failed",
                S::PRECONDITION_FAILED,
                "Changed in the meantime",
            ),
            Self::PayloadTooLarge => ("payload-too-large", S::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
            ),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "Idempotency-Key used before",
            ),
            Self::NotAnImage => ("not-an-image", S::UNPROCESSABLE_ENTITY, "Not a picture"),
            Self::RateLimited => ("rate-limited", S::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal fault"),
            Self::Unavailable => ("unavailable", S::SERVICE_UNAVAILABLE, "Unavailable"),
            Self::PaymentUnavailable => (
                "payment-unavailable",
                S::SERVICE_UNAVAILABLE,
                "Payment unavailable",
            ),
            Self::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "Took too long"),
        }
    }

    /// Its name in the contract's list, e.g. `cart-empty`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The status it is answered with.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// What it is called for people, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Its `type`: `/problems/` and the name.
    pub fn uri(self) -> String {
        format!("/problems/{}", self.name())
    }

    /// The general type of a status that some layer below answered without saying more.
    pub fn of_status(status: StatusCode) -> Self {
        let known = match status {
            StatusCode::UNPROCESSABLE_ENTITY => Some(Self::Validation),
            StatusCode::BAD_REQUEST => Some(Self::MalformedRequest),
            StatusCode::CONFLICT => Some(Self::Conflict),
            _ => Self::ALL.into_iter().find(|kind| kind.status() == status),
        };
        let other = if status.is_server_error() {
            Self::Internal
        } else {
            Self::MalformedRequest
        };
        known.unwrap_or(other)
    }
}

impl From<ProblemType> for String {
    fn from(kind: ProblemType) -> Self {
        kind.uri()
    }
}

impl TryFrom<String> for ProblemType {
    type Error = String;
    fn try_from(uri: String) -> Result<Self, String> {
        let name = uri.strip_prefix("/problems/");
        let known = name.and_then(|name| Self::ALL.into_iter().find(|kind| kind.name() == name));
        known.ok_or_else(|| format!("'{uri}' is no problem type of the contract"))
    }
}
