//! The edge every service and function has, so that whatever answers, answers alike: request id, trace,
//! body limits, security headers, and problems for what no handler answers.

mod body;
mod faults;
mod security;

use std::time::Instant;

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

pub use body::{MAX_BODY, MAX_UPLOAD, body_limit};
pub use security::secure;

use crate::{header, request::RequestContext};

/// What differs between the edges of deployables.
#[derive(Debug, Clone, Copy)]
pub struct EdgeSettings {
    /// What the deployable is called in logs.
    pub service: &'static str,
    /// Whether a handler that panics is answered with a problem, and the process goes on. Where not (a function), the
    /// panic ends the invocation.
    pub catch_panics: bool,
}

/// Puts the edge around a deployable's routes. With `PANIC_HEADER=1` in the environment, for tests, a request that asks for
/// it makes its handler panic.
pub fn edge(router: Router, settings: EdgeSettings) -> Router {
    let mut router = router;
    if std::env::var("PANIC_HEADER").is_ok_and(|set| set == "1") {
        router = router.layer(from_fn_with_state(settings, faults::panic_when_asked));
    }
    if settings.catch_panics {
        router = router.layer(CatchPanicLayer::custom(faults::panicked));
    }
    router
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(body::limit))
        .layer(from_fn_with_state(settings.service, observe))
}

/// Gives the request its context and span, and the answer what every answer has.
async fn observe(State(service): State<&'static str>, request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.headers());
    let method = request.method().clone();
    // The pattern, not the path: an id in a log is noise, and a cart's id is a secret.
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-", MatchedPath::as_str)
        .to_owned();
    let is_api = security::is_api(request.uri().path());
    let span = tracing::info_span!(
        "request",
        service,
        %method,
        path,
        request_id = context.id(),
        trace_id = context.trace_id()
    );
    let id = header::value(context.id());
    let work = async {
        let began = Instant::now();
        let mut response = faults::explain(next.run(request).await);
        secure(&mut response, is_api);
        response.headers_mut().insert(header::REQUEST_ID, id);
        let (status, micros) = (response.status().as_u16(), began.elapsed().as_micros());
        // Ordinary answers are for those who look; a fault of the shop's own is for everybody.
        if response.status().is_server_error() {
            tracing::info!(status, micros, "answered");
        } else {
            tracing::debug!(status, micros, "answered");
        }
        response
    };
    context.scope(work.instrument(span)).await
}
