//! Who is asking.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts},
};
use bothways_domain::{Caller, id::Token, identity::TokenVerifier};

use crate::Problem;

/// The caller, as the bearer token in `Authorization` proves it.
#[derive(Debug)]
pub struct Who(pub Caller);

impl<S> FromRequestParts<S> for Who
where
    S: Send + Sync,
    Arc<dyn TokenVerifier>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let verifier = Arc::<dyn TokenVerifier>::from_ref(state);
        Ok(Self(
            identify(verifier.as_ref(), &parts.headers, &AUTHORIZATION).await,
        ))
    }
}

/// Who presents the bearer token in the header `name`.
pub(crate) async fn identify(
    verifier: &dyn TokenVerifier,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Caller {
    match bearer(headers, name) {
        Some(token) => verifier.identify(token).await,
        None => Caller::Anonymous,
    }
}

/// The bearer token in the header `name` (RFC 6750). Other schemes prove nothing here and count as none.
pub fn bearer(headers: &HeaderMap, name: &HeaderName) -> Option<Token> {
    let value = headers.get(name)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    fits.then(|| Token::presented(token))
}
