//! One question to a service and its answer, or the problem that there is none.

use std::{error::Error, sync::Arc, time::Duration};

use axum::body::Body;
use bothways_http::{
    Problem, ProblemType,
    header::{DEADLINE, STOPPING, UNTOUCHED},
};
use bothways_upstream::{Attempt, CallError, Deadline, Outcome, Repeat, Upstream};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, header,
    request::Parts,
    uri::{PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use tokio::time::timeout_at;

use crate::{
    body::{self, Payload},
    client::Connections,
};

/// Why there is no answer.
type Failure = Box<dyn Error + Send + Sync>;

/// A request that can be sent to any replica, more than once where that does no harm.
pub(crate) struct Question {
    parts: Parts,
    path: PathAndQuery,
    payload: Payload,
}

impl Question {
    /// Takes a request in, with a short body whole.
    pub(crate) async fn of(
        request: Request<Body>,
        path: PathAndQuery,
        deadline: Deadline,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let Ok(payload) = timeout_at(deadline.instant(), Payload::of(body)).await else {
            let detail = "the body took too long to arrive";
            return Err(Problem::new(ProblemType::Timeout, detail));
        };
        Ok(Self {
            parts,
            path,
            payload: payload.map_err(|error| of_body(&error))?,
        })
    }

    /// Asks a service; again if that does no harm and there is reason to (RFC 9110, section 9.2).
    pub(crate) async fn ask(
        &self,
        connections: &Connections,
        upstream: &Arc<Upstream>,
        deadline: Deadline,
    ) -> Result<Response<Body>, Problem> {
        let scheme = match upstream.discovery().scheme() {
            "https" => Scheme::HTTPS,
            _ => Scheme::HTTP,
        };
        let attempt = |attempt: Attempt| {
            let request = self.request(&attempt, scheme.clone());
            async move {
                match request {
                    Ok(request) => self.judge(&attempt, connections.send(request).await),
                    Err(error) => Outcome::OwnFault(error),
                }
            }
        };
        match upstream.call(self.repeat(), deadline, attempt).await {
            Ok(mut response) => {
                response.headers_mut().remove(STOPPING);
                response.headers_mut().remove(UNTOUCHED);
                Ok(response.map(Body::new))
            }
            Err(error) => Err(explain(upstream.name(), error)),
        }
    }

    fn repeat(&self) -> Repeat {
        let method = &self.parts.method;
        // Asked again, what holds only for one state of the thing may be refused because it was done the first time.
        let conditional = self.parts.headers.contains_key(header::IF_MATCH);
        if !self.payload.is_kept() {
            Repeat::Unsent
        } else if method.is_safe() {
            Repeat::Safe
        } else if method.is_idempotent() && !conditional {
            Repeat::Idempotent
        } else {
            Repeat::Unsent
        }
    }

    fn request(&self, attempt: &Attempt, scheme: Scheme) -> Result<Request<Body>, Failure> {
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(attempt.endpoint.authority())
            .path_and_query(self.path.clone())
            .build()?;
        let body = self.payload.send().ok_or("the body is gone")?;
        let mut request = Request::new(body);
        request.method_mut().clone_from(&self.parts.method);
        *request.uri_mut() = uri;
        request.headers_mut().clone_from(&self.parts.headers);
        let left = HeaderValue::from(attempt.deadline.header());
        request.headers_mut().insert(DEADLINE, left);
        Ok(request)
    }

    /// What an answer, or that there is none, says of the replica.
    fn judge(
        &self,
        attempt: &Attempt,
        answer: Result<Response<Incoming>, hyper_util::client::legacy::Error>,
    ) -> Outcome<Response<Incoming>, Failure> {
        let response = match answer {
            Ok(response) => response,
            Err(error) if is_clients(&error) => return Outcome::OwnFault(error.into()),
            Err(error) if error.is_connect() => return Outcome::Refused(error.into()),
            Err(error) => return Outcome::Unreachable(error.into()),
        };
        if response.headers().contains_key(STOPPING) {
            attempt.endpoint.stops();
        }
        match response.status() {
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY => {
                Outcome::Faulty(response)
            }
            StatusCode::SERVICE_UNAVAILABLE
                if response.headers().contains_key(UNTOUCHED) && self.payload.is_whole() =>
            {
                Outcome::Untouched(response)
            }
            _ => Outcome::Answered(response),
        }
    }
}

/// A question to find out whether a service is there.
pub(crate) fn probe(path: &'static str) -> Question {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::GET;
    Question {
        parts,
        path: PathAndQuery::from_static(path),
        payload: Payload::Kept(hyper::body::Bytes::new()),
    }
}

/// Whether it was the client's body that failed, not the service.
fn is_clients(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source();
    let hyper = cause.and_then(|cause| cause.downcast_ref::<hyper::Error>());
    body::is_over_limit(error) || hyper.is_some_and(hyper::Error::is_user)
}

fn of_body(error: &(dyn Error + 'static)) -> Problem {
    if body::is_over_limit(error) {
        return Problem::new(ProblemType::PayloadTooLarge, "the body is too large");
    }
    Problem::new(ProblemType::MalformedRequest, "the body broke off")
}

/// The problem of a request that got no answer.
fn explain(service: &str, error: CallError<Failure>) -> Problem {
    let unavailable = |what: &str, wait: Duration| {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        let problem = Problem::new(ProblemType::Unavailable, format!("{service} {what}"));
        problem.retry_after(u32::try_from(seconds).unwrap_or(1))
    };
    match error {
        CallError::Failed(error) => match error.downcast::<hyper_util::client::legacy::Error>() {
            Ok(error) if is_clients(&error) => of_body(error.as_ref()),
            Ok(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, service, "a service can't be reached");
                unavailable("can't be reached right now", Duration::ZERO)
            }
            Err(error) => {
                tracing::error!(%error, service, "a request can't be sent");
                unavailable("can't be reached right now", Duration::ZERO)
            }
        },
        CallError::Nowhere => unavailable("can't be reached right now", Duration::ZERO),
        CallError::Open(wait) => unavailable("is failing right now", wait),
        CallError::Shed => unavailable("has too much to do right now", Duration::ZERO),
        CallError::Late => {
            tracing::warn!(service, "a service takes too long");
            let detail = format!("{service} took too long to answer");
            Problem::new(ProblemType::Timeout, detail)
        }
    }
}
