//! One question to a service and its answer, or the problem that there is none.

use std::{error::Error, sync::Arc, time::Duration};

use bothways_http::{
    Problem, ProblemType,
    connections::{Unanswered, address, judge},
};
use bothways_upstream::{Attempt, CallError, Deadline, Outcome, Repeat, Upstream};
use http::{Method, Request, Response, Uri, header, request::Parts, uri::PathAndQuery};
use hyper::body::{Body as _, Bytes};
use tokio::time::timeout_at;

use crate::{
    body::{self, Payload, Sent, Upload},
    forward::{Answer, Connections},
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
        request: Request<Upload>,
        path: PathAndQuery,
        deadline: Deadline,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let payload = if body.is_end_stream() {
            Payload::Kept(Bytes::new())
        } else {
            let payload = Box::pin(Payload::of(body));
            let Ok(payload) = timeout_at(deadline.instant(), payload).await else {
                let detail = "the body took too long to arrive";
                return Err(Problem::new(ProblemType::Timeout, detail));
            };
            payload.map_err(|error| of_body(error.as_ref()))?
        };
        Ok(Self {
            parts,
            path,
            payload,
        })
    }

    /// Asks a service; again if that does no harm and there is reason to (RFC 9110, section 9.2).
    pub(crate) async fn ask(
        &self,
        connections: &Connections,
        upstream: &Arc<Upstream>,
        deadline: Deadline,
    ) -> Result<Response<Answer>, Problem> {
        let secure = upstream.discovery().scheme() == "https";
        let attempt = async |attempt: Attempt| match self.request(&attempt) {
            Ok(request) => {
                let authority = attempt.endpoint.authority();
                let answer = connections.send(secure, authority, request).await;
                self.judge(&attempt, answer)
            }
            Err(error) => Outcome::OwnFault(error),
        };
        let answered = upstream.call(self.repeat(), deadline, attempt).await;
        answered.map_err(|error| explain(upstream.name(), error))
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

    fn request(&self, attempt: &Attempt) -> Result<Request<Sent>, Failure> {
        let body = self.payload.send().ok_or("the body is gone")?;
        let mut request = Request::new(body);
        request.method_mut().clone_from(&self.parts.method);
        *request.uri_mut() = Uri::from(self.path.clone());
        let headers = request.headers_mut();
        headers.clone_from(&self.parts.headers);
        address(headers, attempt)?;
        Ok(request)
    }

    /// What came of an attempt. It was the client's fault when their body failed, and what can't be sent again is an answer.
    fn judge(
        &self,
        attempt: &Attempt,
        answer: Result<Response<Answer>, Unanswered>,
    ) -> Outcome<Response<Answer>, Failure> {
        match answer {
            Err(error) if is_clients(&error) => Outcome::OwnFault(error.into()),
            answer => match judge(attempt, answer, Failure::from) {
                Outcome::Untouched(response) if !self.payload.is_whole() => {
                    Outcome::Answered(response)
                }
                outcome => outcome,
            },
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
        payload: Payload::Kept(Bytes::new()),
    }
}

/// Whether it was the client's body that failed, not the service.
fn is_clients(error: &Unanswered) -> bool {
    match error {
        Unanswered::Connect(_) => false,
        Unanswered::Broken(cause) => body::is_over_limit(cause) || cause.is_user(),
    }
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
        CallError::Failed(error) => match error.downcast::<Unanswered>() {
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
