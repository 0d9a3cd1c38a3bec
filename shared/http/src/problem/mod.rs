//! Problems: the one form every error takes on the wire (RFC 9457).

pub(crate) mod document;
mod kind;
mod reverse;

use std::error::Error as StdError;

use axum::{
    http::{
        HeaderValue,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use bothways_domain::{Error, FieldError, Money, id::ProductId};
use serde::{Deserialize, Serialize};

pub use kind::ProblemType;

use crate::{header, request};

/// How long a client should wait before it asks again for what can't be had right now, in seconds.
const DEFAULT_RETRY_AFTER: u32 = 1;

/// A problem. On the heap, because results carry it around and rarely have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Document>);

/// A problem as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// What kind of problem it is.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "/problems/validation")]
    kind: ProblemType,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The id of the request that met it.
    request_id: String,
    /// Of a validation error: each broken rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Of out-of-stock: the products that don't suffice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    products: Vec<ProductId>,
    /// Of total-changed: what would be charged now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<Money>,
    /// Of payment-declined: the payment provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
    /// Seconds, for the header.
    #[serde(skip)]
    retry_after: Option<u32>,
    /// Whether it is the answer to an earlier request with the same key.
    #[serde(skip)]
    replayed: bool,
}

impl Problem {
    /// A problem of the request at hand.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Document::new(kind, detail)))
    }

    /// There is nothing at this path.
    pub fn no_such_path() -> Self {
        Self::new(ProblemType::NotFound, "there is nothing at this path")
    }

    /// Asks to come again after so many seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Names another request than the one at hand.
    pub fn of_request(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = id.into();
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Each broken rule, of a validation error.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

impl Document {
    fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            request_id: request::current_id(),
            errors: Vec::new(),
            products: Vec::new(),
            total: None,
            decline_code: None,
            retry_after: None,
            replayed: false,
        }
    }

    fn wait(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// What an error is on the wire.
    fn translate(error: Error) -> Self {
        use ProblemType as T;
        let detail = error.to_string();
        let plain = |kind| Self::new(kind, detail.clone());
        match error {
            Error::Validation(errors) => Self {
                errors,
                ..plain(T::Validation)
            },
            Error::MalformedRequest(_) => plain(T::MalformedRequest),
            Error::IdempotencyKeyMissing => plain(T::IdempotencyKeyMissing),
            Error::Unauthenticated => plain(T::Unauthenticated),
            Error::PaymentDeclined { code } => Self {
                decline_code: Some(code),
                ..plain(T::PaymentDeclined)
            },
            Error::Forbidden => plain(T::Forbidden),
            Error::NotFound(_) => plain(T::NotFound),
            Error::Conflict(_) => plain(T::Conflict),
            Error::EmailTaken => plain(T::EmailTaken),
            Error::CartEmpty => plain(T::CartEmpty),
            Error::OutOfStock(products) => Self {
                products,
                ..plain(T::OutOfStock)
            },
            Error::TotalChanged { actual } => Self {
                total: Some(actual),
                ..plain(T::TotalChanged)
            },
            Error::RequestInProgress { retry_after } => {
                plain(T::RequestInProgress).wait(retry_after)
            }
            Error::NotCancellable => plain(T::NotCancellable),
            Error::PreconditionFailed => plain(T::PreconditionFailed),
            Error::PayloadTooLarge => plain(T::PayloadTooLarge),
            Error::UnsupportedMediaType => plain(T::UnsupportedMediaType),
            Error::MethodNotAllowed => plain(T::MethodNotAllowed),
            Error::IdempotencyKeyReused => plain(T::IdempotencyKeyReused),
            Error::NotAnImage(_) => plain(T::NotAnImage),
            Error::RateLimited { retry_after } => plain(T::RateLimited).wait(retry_after),
            Error::Unavailable { .. } => plain(T::Unavailable),
            Error::PaymentUnavailable => plain(T::PaymentUnavailable),
            Error::Timeout => plain(T::Timeout),
            Error::Replayed { error, request_id } => Self {
                replayed: true,
                request_id,
                ..Self::translate(*error)
            },
            Error::Internal(_) => plain(T::Internal),
        }
    }
}

impl From<Error> for Problem {
    /// The problem a domain error is on the wire. Here, once, a fault's chain is logged; it goes no further.
    fn from(error: Error) -> Self {
        if let Error::Internal(source) = &error {
            let request_id = request::current_id();
            tracing::error!(
                request_id,
                cause = causes(source.as_ref()),
                "internal fault"
            );
        }
        Self(Box::new(Document::translate(error)))
    }
}

/// An error and its causes, on one line.
pub fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut document = *self.0;
        if document.request_id.is_empty() {
            document.request_id = request::current_id();
        }
        let status = document.kind.status();
        // A problem holds nothing that can't be written as JSON.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let content_type = HeaderValue::from_static(header::PROBLEM_JSON);
        let mut response = (status, [(CONTENT_TYPE, content_type)], body).into_response();
        let headers = response.headers_mut();
        let must_wait = matches!(
            document.kind,
            ProblemType::RateLimited
                | ProblemType::Unavailable
                | ProblemType::PaymentUnavailable
                | ProblemType::RequestInProgress
        );
        let seconds = document
            .retry_after
            .or(must_wait.then_some(DEFAULT_RETRY_AFTER));
        if let Some(seconds) = seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if document.kind == ProblemType::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if document.replayed {
            headers.insert(
                header::IDEMPOTENT_REPLAYED,
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}
