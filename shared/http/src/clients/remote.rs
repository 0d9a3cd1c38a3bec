//! One neighbour, and calls to it.

use std::{sync::Arc, time::Duration};

use bothways_domain::{Caller, Error, Result, id::Token};
use bothways_upstream::{Attempt, CallError, Deadline, Outcome, Repeat, Upstream};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt as _, Full};
use serde::{Serialize, de::DeserializeOwned};

use super::outside::{CONNECT_TIMEOUT, ClientError};
use crate::{
    Problem,
    connections::{self, Connections, Connector, Unanswered},
    header,
    problem::causes,
    request::RequestContext,
};

/// As many headers as most calls have, so that no map of them has to grow.
const HEADERS: usize = 8;
/// How long an ordinary call may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take whose answer can be done without: whoever asks has others waiting.
pub(super) const GLANCE: Duration = Duration::from_millis(1_500);
/// How long a call may take that waits for others, or that hashes a password while many do.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(30);

/// A neighbour: what it is called, the replicas it has, and the secret the services know one another by.
#[derive(Debug, Clone)]
pub struct Remote {
    name: &'static str,
    upstream: Arc<Upstream>,
    connections: Arc<Connections<Full<Bytes>>>,
    /// What the services say in `Authorization` to one another.
    bearer: HeaderValue,
}

impl Remote {
    /// The neighbour `name` behind `upstream`.
    pub fn new(
        name: &'static str,
        upstream: Arc<Upstream>,
        internal_token: &str,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            name,
            upstream,
            connections: Arc::new(Connections::new(Connector::new(CONNECT_TIMEOUT))),
            bearer: bearer(internal_token).ok_or(ClientError::Token)?,
        })
    }

    /// A call to the path of these segments, each of which is an id or a word.
    pub(super) fn call(&self, method: Method, segments: &[&str]) -> Result<Call> {
        // A URL can't say these: they mean this and the parent folder, however they are written.
        if segments
            .iter()
            .any(|segment| matches!(*segment, "." | ".."))
        {
            return Err(Error::not_found("thing"));
        }
        let before = self.upstream.discovery().path();
        Ok(Call {
            remote: self.clone(),
            repeat: if method.is_safe() {
                Repeat::Safe
            } else {
                Repeat::Unsent
            },
            timeout: TIMEOUT,
            internal: false,
            message: Ok(Message {
                method,
                path: format!("{before}/{}", segments.join("/")),
                headers: HeaderMap::with_capacity(HEADERS),
                body: Bytes::new(),
            }),
        })
    }

    pub(super) fn get(&self, segments: &[&str]) -> Result<Call> {
        self.call(Method::GET, segments)
    }

    pub(super) fn post(&self, segments: &[&str]) -> Result<Call> {
        self.call(Method::POST, segments)
    }

    /// A call to `/internal/...`. All of these are idempotent.
    pub(super) fn internal(&self, method: Method, path: &str) -> Result<Call> {
        let mut call = self.call(method, &["internal", path])?.repeatable();
        call.internal = true;
        Ok(call.headed(AUTHORIZATION, self.bearer.clone()))
    }

    /// Asks a replica, and perhaps another, for as long as both the call and the request at hand have time.
    async fn exchange(
        &self,
        mut message: Message,
        repeat: Repeat,
        mut deadline: Deadline,
    ) -> std::result::Result<Response<Bytes>, CallError<NoAnswer>> {
        if let Some(context) = RequestContext::current() {
            context.pass_on(&mut message.headers);
            deadline = context.deadline().map_or(deadline, |own| own.min(deadline));
        }
        let own_fault = |_| CallError::Failed(NoAnswer("this can't be sent".to_owned()));
        let path = Uri::try_from(message.path).map_err(own_fault)?;
        let secure = self.upstream.discovery().scheme() == "https";
        let attempt = async |attempt: Attempt| {
            let mut request = Request::new(Full::new(message.body.clone()));
            request.method_mut().clone_from(&message.method);
            request.uri_mut().clone_from(&path);
            let headers = request.headers_mut();
            headers.clone_from(&message.headers);
            if connections::address(headers, &attempt).is_err() {
                return Outcome::OwnFault(NoAnswer("no header can name this host".to_owned()));
            }
            let authority = attempt.endpoint.authority();
            let answer = match self.connections.send(secure, authority, request).await {
                Ok(answer) => whole(answer).await,
                Err(error) => Err(error),
            };
            connections::judge(&attempt, answer, |error| NoAnswer(causes(&error)))
        };
        self.upstream.call(repeat, deadline, attempt).await
    }
}

/// `Bearer` and a token, if a header can hold it.
fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What is sent, whoever is asked.
struct Message {
    method: Method,
    /// With the query.
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A call being put together.
pub(super) struct Call {
    remote: Remote,
    /// Or why it can't be sent.
    message: Result<Message>,
    repeat: Repeat,
    timeout: Duration,
    internal: bool,
}

impl Call {
    fn change(mut self, change: impl FnOnce(&mut Message) -> Result<()>) -> Self {
        if let Ok(message) = &mut self.message
            && let Err(error) = change(message)
        {
            self.message = Err(error);
        }
        self
    }

    fn headed(self, name: HeaderName, value: HeaderValue) -> Self {
        self.change(|message| {
            message.headers.insert(name, value);
            Ok(())
        })
    }

    /// Says that making the call twice is as good as once, so that it may be tried again.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeat = self.repeat.max(Repeat::Idempotent);
        self
    }

    /// Says that the call only reads, so that another replica may be asked while one is slow to answer.
    pub(super) fn reading(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    /// Passes on who is asking: as `Authorization`, or beside it where that is the services' own.
    pub(super) fn caller(self, caller: &Caller) -> Self {
        let token = caller.bearer().map(Token::reveal);
        // What no header can hold is nobody's token.
        let Some(bearer) = token.and_then(bearer) else {
            return self;
        };
        let name = if self.internal {
            header::CALLER_AUTHORIZATION
        } else {
            AUTHORIZATION
        };
        self.headed(name, bearer)
    }

    pub(super) fn header(self, name: &HeaderName, value: &str) -> Self {
        self.change(|message| {
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| Error::internal(format!("{name} can't be sent")))?;
            message.headers.insert(name, value);
            Ok(())
        })
    }

    pub(super) fn query<T: Serialize + ?Sized>(self, pairs: &T) -> Self {
        self.change(|message| {
            let query = serde_urlencoded::to_string(pairs);
            let query = query.map_err(|error| Error::internal(error.to_string()))?;
            if !query.is_empty() {
                message.path.push('?');
                message.path.push_str(&query);
            }
            Ok(())
        })
    }

    pub(super) fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(error) => self.change(|_| Err(Error::internal(error.to_string()))),
        }
    }

    pub(super) fn body(self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headed(CONTENT_TYPE, HeaderValue::from_static(media_type))
            .change(|message| {
                message.body = body.into();
                Ok(())
            })
    }

    /// How long an answer is waited for; less when whoever waits for this one does.
    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the call; whatever is no success is the error it was there.
    pub(super) async fn send(self) -> Result<Reply> {
        let Self {
            remote,
            message,
            repeat,
            timeout,
            internal,
        } = self;
        let part = remote.name;
        let exchange = remote.exchange(message?, repeat, Deadline::after(timeout));
        let answer = match exchange.await {
            Ok(answer) => answer,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(part, %error, cause, "a neighbour can't be reached");
                return Err(Error::unavailable(part));
            }
        };
        if answer.status().is_success() {
            return Ok(Reply { part, answer });
        }
        let (status, headers) = (answer.status(), answer.headers());
        match Problem::into_error(part, status, headers, answer.body()) {
            Error::NotFound(_) if internal => {
                tracing::error!(
                    part,
                    "a neighbour does not know our INTERNAL_TOKEN or this path"
                );
                Err(Error::unavailable(part))
            }
            error => Err(error),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoAnswer(String);

/// An answer with its body read to the end.
async fn whole<B>(answer: Response<B>) -> std::result::Result<Response<Bytes>, Unanswered>
where
    B: hyper::body::Body<Data = Bytes, Error = hyper::Error>,
{
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(Unanswered::Broken)?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    part: &'static str,
    answer: Response<Bytes>,
}

impl Reply {
    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// Its headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The body as it came.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.answer.into_body().into()
    }

    /// The body, of the shape both sides share.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.answer.body()).map_err(|error| {
            tracing::error!(part = self.part, %error, "a neighbour's answer has another shape");
            Error::unavailable(self.part)
        })
    }
}

/// `None` where the error is that there is no such thing.
pub(super) fn optional<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
