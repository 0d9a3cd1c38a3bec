//! Who may ask: whoever holds the secret key, as `Authorization: Bearer sk_…`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use crate::{app::Sandbox, error::StripeError};

/// Lets a request through that carries the key.
pub(crate) async fn require_key(
    State(sandbox): State<Sandbox>,
    request: Request,
    next: Next,
) -> Result<Response, StripeError> {
    check(request.headers(), sandbox.key.as_deref())?;
    Ok(next.run(request).await)
}

fn check(headers: &HeaderMap, expected: Option<&str>) -> Result<(), StripeError> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    let Some(given) = given else {
        return Err(StripeError::unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    let accepted = match expected {
        Some(expected) => given == expected,
        None => given.len() > "sk_".len() && given.starts_with("sk_"),
    };
    if accepted {
        Ok(())
    } else {
        Err(StripeError::unauthenticated("Invalid API Key provided."))
    }
}
