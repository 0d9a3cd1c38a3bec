//! One neighbour, and calls to it.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bothways_domain::{Caller, Error, Result, id::Token};
use bothways_upstream::{Attempt, CallError, Deadline, Outcome, Repeat, Upstream};
use bytes::Bytes;
use reqwest::{Client, Request, RequestBuilder, Url};
use serde::{Serialize, de::DeserializeOwned};

use url::Position;

use crate::{Problem, header, request::RequestContext};

/// What stands for a replica until one is chosen.
const ANY_REPLICA: &str = "any-replica";

/// How long connecting may take: a neighbour that is there accepts at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an ordinary call may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take whose answer can be done without: whoever asks has others waiting.
pub(super) const GLANCE: Duration = Duration::from_millis(1_500);
/// How long a call may take that waits for others, or that hashes a password while many do.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Its address is none.
    #[error("'{text}' is no base URL")]
    Url {
        /// As it was given.
        text: String,
    },
    /// The HTTP library could not be set up.
    #[error("the HTTP client can't be set up")]
    Http(#[source] reqwest::Error),
}

/// An HTTP client for neighbours: no proxy, no redirects.
pub(super) fn http_client(timeout: Duration) -> Result<Client, ClientError> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(ClientError::Http)
}

/// An HTTP client like that for neighbours, made when it is first used: it reads the system's certificates, which takes
/// longer than all else in a start.
#[derive(Debug, Clone)]
pub struct LazyClient {
    timeout: Duration,
    made: OnceLock<Client>,
}

impl LazyClient {
    /// A client that gives up on a call after `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let made = OnceLock::new();
        Self { timeout, made }
    }

    /// The client.
    pub fn get(&self) -> Result<&Client, ClientError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = http_client(self.timeout)?;
        Ok(self.made.get_or_init(|| made))
    }
}

/// A base URL without its closing slash.
pub(super) fn base_url(text: &str) -> Result<String, ClientError> {
    match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(ClientError::Url {
            text: text.to_owned(),
        }),
    }
}

/// A neighbour: what it is called, the replicas it has, and the secret the services know one another by.
#[derive(Debug, Clone)]
pub struct Remote {
    name: &'static str,
    upstream: Arc<Upstream>,
    /// What all its addresses begin with, with [`ANY_REPLICA`] for the replica's own.
    base: String,
    http: Client,
    internal_token: Token,
}

impl Remote {
    /// The neighbour `name` behind `upstream`.
    pub fn new(
        name: &'static str,
        upstream: Arc<Upstream>,
        internal_token: &str,
    ) -> Result<Self, ClientError> {
        let discovery = upstream.discovery();
        Ok(Self {
            name,
            base: format!("{}://{ANY_REPLICA}{}", discovery.scheme(), discovery.path()),
            // Each call is bounded by its deadline.
            http: http_client(LONG_TIMEOUT)?,
            internal_token: Token::presented(internal_token),
            upstream,
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
        let url = format!("{}/{}", self.base, segments.join("/"));
        Ok(Call {
            part: self.name,
            upstream: self.upstream.clone(),
            repeat: if method.is_safe() {
                Repeat::Safe
            } else {
                Repeat::Unsent
            },
            timeout: TIMEOUT,
            internal: false,
            request: self.http.request(method, url),
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
        call.request = call.request.bearer_auth(self.internal_token.reveal());
        Ok(call)
    }
}

/// A call being put together.
pub(super) struct Call {
    part: &'static str,
    upstream: Arc<Upstream>,
    request: RequestBuilder,
    repeat: Repeat,
    timeout: Duration,
    internal: bool,
}

impl Call {
    fn map(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.request = change(self.request);
        self
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
        let Some(token) = caller.bearer().map(Token::reveal) else {
            return self;
        };
        if self.internal {
            let bearer = format!("Bearer {token}");
            self.map(|request| request.header(header::CALLER_AUTHORIZATION, bearer))
        } else {
            self.map(|request| request.bearer_auth(token))
        }
    }

    pub(super) fn header(self, name: &axum::http::HeaderName, value: &str) -> Self {
        self.map(|request| request.header(name, value))
    }

    pub(super) fn query<T: Serialize + ?Sized>(self, pairs: &T) -> Self {
        self.map(|request| request.query(pairs))
    }

    pub(super) fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.map(|request| request.json(body))
    }

    pub(super) fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| {
            request
                .header(reqwest::header::CONTENT_TYPE, media_type)
                .body(body)
        })
    }

    /// How long an answer is waited for; less when whoever waits for this one does.
    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the call; whatever is no success is the error it was there.
    pub(super) async fn send(self) -> Result<Reply> {
        let (part, internal) = (self.part, self.internal);
        let Answer {
            status,
            headers,
            body,
        } = match self.exchange().await {
            Ok(answer) => answer,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(part, %error, cause, "a neighbour can't be reached");
                return Err(Error::unavailable(part));
            }
        };
        if status.is_success() {
            return Ok(Reply {
                part,
                status,
                headers,
                body,
            });
        }
        match Problem::into_error(part, status, &headers, &body) {
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

    /// Asks a replica, and perhaps another, for as long as both the call and the request at hand have time.
    async fn exchange(self) -> std::result::Result<Answer, CallError<NoAnswer>> {
        let mut deadline = Deadline::after(self.timeout);
        let mut headers = HeaderMap::new();
        if let Some(context) = RequestContext::current() {
            context.pass_on(&mut headers);
            deadline = context.deadline().map_or(deadline, |own| own.min(deadline));
        }
        let (http, request) = self.request.headers(headers).build_split();
        let request = request.map_err(|error| CallError::Failed(NoAnswer(chain(&error))))?;
        let attempt = |attempt: Attempt| {
            let directed = direct(&request, &attempt);
            let http = &http;
            async move {
                match directed {
                    Some(request) => ask(http, request, &attempt).await,
                    None => Outcome::OwnFault(NoAnswer("this can't be sent".to_owned())),
                }
            }
        };
        self.upstream.call(self.repeat, deadline, attempt).await
    }
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoAnswer(String);

/// The request, to the replica that is to be asked.
fn direct(request: &Request, attempt: &Attempt) -> Option<Request> {
    let mut directed = request.try_clone()?;
    let url = request.url();
    let (scheme, replica) = (url.scheme(), attempt.endpoint.authority());
    let path = &url[Position::BeforePath..];
    *directed.url_mut() = Url::parse(&format!("{scheme}://{replica}{path}")).ok()?;
    let left = HeaderValue::from(attempt.deadline.header());
    directed.headers_mut().insert(header::DEADLINE, left);
    Some(directed)
}

async fn ask(http: &Client, request: Request, attempt: &Attempt) -> Outcome<Answer, NoAnswer> {
    let answer = match read(http, request).await {
        Ok(answer) => answer,
        Err(error) => {
            let explained = NoAnswer(chain(&error));
            return if error.is_connect() {
                Outcome::Refused(explained)
            } else if error.is_builder() {
                Outcome::OwnFault(explained)
            } else {
                Outcome::Unreachable(explained)
            };
        }
    };
    if answer.headers.contains_key(header::STOPPING) {
        attempt.endpoint.stops();
    }
    match answer.status {
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY => Outcome::Faulty(answer),
        StatusCode::SERVICE_UNAVAILABLE if answer.headers.contains_key(header::UNTOUCHED) => {
            Outcome::Untouched(answer)
        }
        _ => Outcome::Answered(answer),
    }
}

async fn read(http: &Client, request: Request) -> reqwest::Result<Answer> {
    let response = http.execute(request).await?;
    Ok(Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.bytes().await?,
    })
}

/// What went wrong, with its causes but without the URL, which may hold a secret.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "timeout"
    } else {
        "no answer"
    }
    .to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    part: &'static str,
    /// Its status.
    pub(super) status: StatusCode,
    /// Its headers.
    pub(super) headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// The body as it came.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.body.into()
    }

    /// The body, of the shape both sides share.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
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
