//! The way back: what another part of the shop answered, as the error it was there.

use axum::http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use bothways_domain::{Error, Money};

use super::{DEFAULT_RETRY_AFTER, Document, Problem, ProblemType};
use crate::header;

impl Problem {
    /// The error that `part` of the shop answered with this status, headers and body. What is no problem of the
    /// contract, or a fault of its own, is an outage of that part.
    pub fn into_error(part: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        let Ok(problem) = serde_json::from_slice::<Document>(body) else {
            tracing::warn!(part, %status, "an answer is no problem of the contract");
            return if status == StatusCode::GATEWAY_TIMEOUT {
                Error::Timeout
            } else {
                Error::unavailable(part)
            };
        };
        let seconds = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(DEFAULT_RETRY_AFTER);
        let request_id = problem.request_id.clone();
        let error = Box::new(problem.restore(part, seconds));
        if headers.contains_key(header::IDEMPOTENT_REPLAYED) {
            Error::Replayed { error, request_id }
        } else {
            *error
        }
    }
}

impl Document {
    /// The error this was where it arose.
    fn restore(self, part: &str, retry_after: u32) -> Error {
        use ProblemType as T;
        let Self { kind, detail, .. } = self;
        match kind {
            T::Validation => Error::Validation(self.errors),
            T::MalformedRequest => Error::MalformedRequest(inner(&detail, Error::MalformedRequest)),
            T::IdempotencyKeyMissing => Error::IdempotencyKeyMissing,
            T::Unauthenticated => Error::Unauthenticated,
            T::PaymentDeclined => Error::PaymentDeclined {
                code: self.decline_code.unwrap_or_default(),
            },
            T::Forbidden => Error::Forbidden,
            T::NotFound => Error::NotFound(inner(&detail, Error::NotFound)),
            T::MethodNotAllowed => Error::MethodNotAllowed,
            T::Conflict => Error::Conflict(detail),
            T::EmailTaken => Error::EmailTaken,
            T::CartEmpty => Error::CartEmpty,
            T::OutOfStock => Error::OutOfStock(self.products),
            T::TotalChanged => self.total.map_or_else(
                || Error::unavailable(part),
                |actual: Money| Error::TotalChanged { actual },
            ),
            T::RequestInProgress => Error::RequestInProgress { retry_after },
            T::NotCancellable => Error::NotCancellable,
            T::PreconditionFailed => Error::PreconditionFailed,
            T::PayloadTooLarge => Error::PayloadTooLarge,
            T::UnsupportedMediaType => Error::UnsupportedMediaType,
            T::IdempotencyKeyReused => Error::IdempotencyKeyReused,
            T::NotAnImage => Error::NotAnImage(inner(&detail, Error::NotAnImage)),
            T::RateLimited => Error::RateLimited { retry_after },
            T::Internal => Error::unavailable(part),
            T::Unavailable => Error::Unavailable {
                what: inner(&detail, |what| Error::Unavailable { what }),
            },
            T::PaymentUnavailable => Error::PaymentUnavailable,
            T::Timeout => Error::Timeout,
        }
    }
}

/// What `wrap` made a sentence of, taken out of that sentence again, so that passing an error on does not say
/// it twice. How the sentence goes is asked of the error itself.
fn inner(sentence: &str, wrap: impl FnOnce(String) -> Error) -> String {
    const MARK: &str = "\u{0}";
    let frame = wrap(MARK.to_owned()).to_string();
    let (before, after) = frame.split_once(MARK).unwrap_or_default();
    let inside = sentence
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    inside.unwrap_or(sentence).to_owned()
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, response::IntoResponse as _};
    use bothways_domain::{Currency, FieldError, id::ProductId};

    use super::*;

    /// Every error that keeps its meaning over the wire.
    fn errors() -> Vec<Error> {
        let replayed = Error::Replayed {
            error: Box::new(Error::CartEmpty),
            request_id: "first".to_owned(),
        };
        vec![
            Error::Validation(vec![FieldError::new("/a", "b"), FieldError::new("?c", "d")]),
            Error::MalformedRequest("it is torn".to_owned()),
            Error::IdempotencyKeyMissing,
            Error::Unauthenticated,
            Error::PaymentDeclined {
                code: "insufficient_funds".to_owned(),
            },
            Error::Forbidden,
            Error::not_found("cart"),
            Error::Conflict("3 are reserved".to_owned()),
            Error::EmailTaken,
            Error::CartEmpty,
            Error::OutOfStock(vec![ProductId::parse("a").unwrap()]),
            Error::TotalChanged {
                actual: Money::new(1_299, Currency::USD),
            },
            Error::RequestInProgress { retry_after: 3 },
            Error::NotCancellable,
            Error::PreconditionFailed,
            Error::PayloadTooLarge,
            Error::UnsupportedMediaType,
            Error::MethodNotAllowed,
            Error::IdempotencyKeyReused,
            Error::NotAnImage("it is text".to_owned()),
            Error::RateLimited { retry_after: 60 },
            Error::unavailable("inventory"),
            Error::PaymentUnavailable,
            Error::Timeout,
            replayed,
        ]
    }

    async fn over_the_wire(error: Error) -> Error {
        let response = Problem::from(error).into_response();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Problem::into_error("product", status, &headers, &body)
    }

    #[tokio::test]
    async fn a_remote_error_equals_the_local_one() {
        for error in errors() {
            let said = format!("{error:?}");
            assert_eq!(format!("{:?}", over_the_wire(error).await), said);
        }
    }

    #[tokio::test]
    async fn a_fault_elsewhere_is_an_outage_here_and_says_nothing_of_itself() {
        let error = over_the_wire(Error::internal("secret: disk on fire")).await;
        assert_eq!(error.to_string(), "product can't be reached right now");
    }

    #[test]
    fn what_is_no_problem_is_an_outage() {
        let answer = |status| Problem::into_error("cart", status, &HeaderMap::new(), b"<html>");
        assert!(matches!(
            answer(StatusCode::NOT_FOUND),
            Error::Unavailable { .. }
        ));
        assert!(matches!(
            answer(StatusCode::GATEWAY_TIMEOUT),
            Error::Timeout
        ));
    }
}
