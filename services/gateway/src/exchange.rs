//! One question to a service and its answer, or the problem that there is none.

use std::error::Error as _;

use axum::{body::Body, extract::Request, response::Response};
use bothways_http::{Problem, ProblemType};
use hyper::body::Body as _;
use hyper_util::client::legacy::Error;
use tokio::time::{Instant, timeout_at};

use crate::{
    body,
    client::{Connections, Patience},
    routes::Target,
};

/// Asks a service; twice if the first time went wrong and asking twice does no harm.
pub(crate) async fn exchange(
    connections: &Connections,
    patience: Patience,
    target: Target,
    request: Request,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + patience.answer;
    let again = repeatable(&request);
    let mut sent = timeout_at(deadline, connections.send(request)).await;
    if let (Ok(Err(error)), Some(again)) = (&sent, again) {
        // A service that restarts has closed connections that still looked good here.
        tracing::debug!(%error, service = target.name(), "asking once more");
        sent = timeout_at(deadline, connections.send(again)).await;
    }
    match sent {
        Ok(Ok(response)) => Ok(response.map(Body::new)),
        Ok(Err(error)) => Err(explain(target, &error)),
        Err(_) => {
            tracing::warn!(service = target.name(), "a service takes too long");
            let detail = format!("{} took too long to answer", target.name());
            Err(Problem::new(ProblemType::Timeout, detail))
        }
    }
}

/// The same request once more, if it has no body and doing it twice is doing it once (RFC 9110, section 9.2.2).
fn repeatable(request: &Request) -> Option<Request> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

/// The problem of a request that got no answer: the service's, unless it was the client's body that failed.
fn explain(target: Target, error: &Error) -> Problem {
    if body::is_over_limit(error) {
        return Problem::new(ProblemType::PayloadTooLarge, "the body is too large");
    }
    let cause = error.source();
    let hyper = cause.and_then(|cause| cause.downcast_ref::<hyper::Error>());
    if hyper.is_some_and(hyper::Error::is_user) {
        return Problem::new(ProblemType::MalformedRequest, "the body broke off");
    }
    let cause = cause.map(ToString::to_string);
    tracing::warn!(%error, cause, service = target.name(), "a service can't be reached");
    let detail = format!("{} can't be reached right now", target.name());
    Problem::new(ProblemType::Unavailable, detail).retry_after(1)
}
