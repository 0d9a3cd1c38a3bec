//! The `Idempotency-Key` header.

use axum::{extract::FromRequestParts, http::request::Parts};
use bothways_domain::{Error, id::IdempotencyKey};

use crate::{Problem, header};

/// The client's key for its attempt.
#[derive(Debug)]
pub struct Key(pub IdempotencyKey);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IDEMPOTENCY_KEY).iter();
        let value = values.next().ok_or(Error::IdempotencyKeyMissing)?;
        if values.next().is_some() {
            let detail = "Idempotency-Key is given more than once".to_owned();
            return Err(Error::MalformedRequest(detail).into());
        }
        // What is not visible ASCII is no key either way.
        let text = value.to_str().unwrap_or_default();
        Ok(Self(IdempotencyKey::parse(text)?))
    }
}
