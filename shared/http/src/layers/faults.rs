//! Answers for what no handler answers: panics, unknown paths, methods a resource does not take.

use std::any::Any;

use axum::{
    body::Body,
    http::{
        HeaderMap,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};

use super::EdgeSettings;
use crate::{Problem, ProblemType, header};

/// The answer to a request whose handler panicked.
pub(super) fn panicked(payload: &(dyn Any + Send)) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(message, "a handler panicked");
    Problem::new(ProblemType::Internal, "an internal fault").into_response()
}

/// Panics when the headers ask for it. Where panics aren't caught, the process ends at once, as it does in a function built
/// the way it ships (`panic = "abort"`).
pub(super) fn panic_if_asked(headers: &HeaderMap, settings: EdgeSettings) {
    let asked = headers.get(header::PANIC).is_some_and(|value| value == "1");
    if asked && settings.catch_panics {
        std::panic::panic_any("a test asked for a panic");
    }
    if asked {
        std::process::abort();
    }
}

/// Turns an error some layer answered in its own words, or in none, into a problem. Problems and pages pass.
pub(super) fn explain<B: From<Body>>(response: Response<B>) -> Response<B> {
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE);
    let plain = content_type.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match ProblemType::of_status(status) {
        ProblemType::NotFound => Problem::no_such_path(),
        ProblemType::MethodNotAllowed => Problem::from(bothways_domain::Error::MethodNotAllowed),
        kind => Problem::new(kind, kind.title()),
    };
    let (mut parts, body) = problem.into_response().map(B::from).into_parts();
    // What the layer said in headers (Allow, Retry-After) still holds.
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, body)
}
