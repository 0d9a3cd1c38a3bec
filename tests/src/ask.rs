//! One request and its answer, with the assertions every test makes about answers.

use std::time::Duration;

use base64::Engine as _;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;

/// The closed list of problem types at the foot of the contract.
const PROBLEM_TYPES: &[(&str, u16)] = &[
    ("validation", 422),
    ("malformed-request", 400),
    ("idempotency-key-missing", 400),
    ("unauthenticated", 401),
    ("payment-declined", 402),
    ("forbidden", 403),
    ("not-found", 404),
    ("method-not-allowed", 405),
    ("conflict", 409),
    ("email-taken", 409),
    ("cart-empty", 409),
    ("out-of-stock", 409),
    ("total-changed", 409),
    ("request-in-progress", 409),
    ("not-cancellable", 409),
    ("precondition-failed", 412),
    ("payload-too-large", 413),
    ("unsupported-media-type", 415),
    ("idempotency-key-reused", 422),
    ("not-an-image", 422),
    ("rate-limited", 429),
    ("internal", 500),
    ("unavailable", 503),
    ("payment-unavailable", 503),
    ("timeout", 504),
];

/// A request being put together.
#[must_use]
pub struct Ask {
    what: String,
    request: reqwest::RequestBuilder,
}

impl Ask {
    /// A request of `method` to `url`; `path` is how failures name it.
    pub(crate) fn new(client: &reqwest::Client, method: &Method, url: &str, path: &str) -> Self {
        Self {
            what: format!("{method} {path}"),
            request: client.request(method.clone(), url),
        }
    }

    fn map(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self {
            request: change(self.request),
            ..self
        }
    }

    /// Sends this bearer token along.
    pub fn bearer(self, token: &str) -> Self {
        self.map(|request| request.bearer_auth(token))
    }

    /// Sends this header along.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.map(|request| request.header(name, value.as_ref()))
    }

    /// Adds query parameters, encoded; a name may repeat.
    pub fn query(self, pairs: &[(&str, &str)]) -> Self {
        self.map(|request| request.query(pairs))
    }

    /// Sends this JSON.
    pub fn json(self, body: &Value) -> Self {
        self.map(|request| request.json(body))
    }

    /// Sends these bytes under this content type.
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.header(CONTENT_TYPE, content_type).body(body))
    }

    /// Sends these bytes without saying what they are.
    pub fn bare_body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// Sends these fields as a browser's form does.
    pub fn form(self, fields: &[(String, String)]) -> Self {
        self.map(|request| request.form(fields))
    }

    /// Sends it, and fails the test when no answer comes back.
    pub async fn send(self) -> Reply {
        let what = self.what.clone();
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{what}: no answer: {error}"))
    }

    /// Sends it; no answer at all is an `Err` in words.
    pub async fn try_send(self) -> Result<Reply, String> {
        let say = |error: reqwest::Error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            text
        };
        let response = self.request.send().await.map_err(say)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(say)?.to_vec();
        Ok(Reply {
            what: self.what,
            status,
            headers,
            body,
        })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    what: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header's text, which must be there.
    #[track_caller]
    pub fn must_header(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("{} has no header {name}", self.summary()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, or null when it isn't.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Request, status and the start of the body, for failure messages.
    pub fn summary(&self) -> String {
        let text: String = self.text().chars().take(1500).collect();
        format!("{} -> {} {text}", self.what, self.status)
    }

    /// The answer must have this status; gives its JSON (null for an empty body).
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.summary());
        self.must_header("x-request-id");
        if self.body.is_empty() {
            return Value::Null;
        }
        let kind = self.must_header("content-type");
        assert!(
            kind.starts_with("application/json"),
            "{kind}: {}",
            self.summary()
        );
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", self.summary()))
    }

    /// The answer must be an HTML page of this status; gives its text.
    #[track_caller]
    pub fn expect_html(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.summary());
        let kind = self.must_header("content-type");
        assert!(kind.starts_with("text/html"), "{kind}: {}", self.summary());
        self.text()
    }

    /// The answer must be this problem of the closed list, whole and with its status.
    #[track_caller]
    pub fn problem(&self, name: &str) -> Value {
        let expected = PROBLEM_TYPES.iter().find(|(known, _)| *known == name);
        let (_, status) =
            expected.unwrap_or_else(|| panic!("{name} is not on the contract's list"));
        assert_eq!(self.status, *status, "want {name}: {}", self.summary());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.summary()
        );
        let body = self.value();
        assert_eq!(
            body["type"],
            format!("/problems/{name}"),
            "{}",
            self.summary()
        );
        assert_eq!(body["status"], *status, "{}", self.summary());
        for field in ["title", "detail", "request_id"] {
            let text = body[field].as_str().unwrap_or_default();
            assert!(
                !text.is_empty(),
                "a problem says its {field}: {}",
                self.summary()
            );
        }
        if self.header("idempotent-replayed").is_none() {
            assert_eq!(
                body["request_id"],
                self.must_header("x-request-id"),
                "{}",
                self.summary()
            );
        }
        if matches!(self.status, 429 | 503) {
            self.retry_after();
        }
        body
    }

    /// The answer must be a validation problem that points at `pointer`.
    #[track_caller]
    pub fn invalid(&self, pointer: &str) -> Value {
        let body = self.problem("validation");
        let errors = entries(&body["errors"]);
        assert!(
            errors.iter().any(|error| error["pointer"] == pointer),
            "no error points at {pointer}: {}",
            self.summary()
        );
        for error in errors {
            assert!(
                error["detail"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{}",
                self.summary()
            );
        }
        body
    }

    /// The answer must be a validation problem that points at `prefix` or somewhere below it.
    #[track_caller]
    pub fn invalid_within(&self, prefix: &str) -> Value {
        let body = self.problem("validation");
        let points = |error: &Value| {
            error["pointer"]
                .as_str()
                .is_some_and(|at| at.starts_with(prefix))
        };
        assert!(
            entries(&body["errors"]).iter().any(points),
            "no error points into {prefix}: {}",
            self.summary()
        );
        body
    }

    /// How long the answer asks to wait; it must say so.
    #[track_caller]
    pub fn retry_after(&self) -> Duration {
        let seconds: u64 = self
            .must_header("retry-after")
            .parse()
            .unwrap_or_else(|_| panic!("Retry-After in seconds: {}", self.summary()));
        Duration::from_secs(seconds)
    }

    /// Whether the problem's type is `name`.
    pub fn is_problem(&self, name: &str) -> bool {
        self.value()["type"] == format!("/problems/{name}")
    }
}

/// A JSON array's elements; anything else fails the test.
#[track_caller]
pub fn entries(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or_else(|| panic!("not an array: {value}"), Vec::as_slice)
}

/// The JSON inside one part (0 header, 1 claims) of a compact JWT, unverified.
pub fn token_part(token: &str, part: usize) -> Value {
    let text = token.split('.').nth(part).unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// The names of a JSON object's members, sorted; anything else fails the test.
#[track_caller]
pub fn members(value: &Value) -> Vec<&str> {
    let members = value
        .as_object()
        .unwrap_or_else(|| panic!("not an object: {value}"));
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
