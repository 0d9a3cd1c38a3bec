//! What is known of the request at hand wherever it is worked on: its id and its place in a trace.
//!
//! The edge puts it into a task-local, from where problems take the request id and clients what they pass on.

use std::{fmt, future::Future, ops::Range, sync::OnceLock};

use axum::{
    extract::MatchedPath,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request},
};
use bothways_upstream::Deadline;
use serde::Serialize;

use crate::header;

/// The most characters a client's request id has.
const MAX_ID: usize = 128;
/// Where the parts of a `traceparent` of version 00 are.
const TRACE: Range<usize> = 3..35;
const SPAN: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;

tokio::task_local! {
    static CURRENT: AtHand;
}

struct AtHand {
    context: RequestContext,
    asked: Option<Asked>,
}

/// What is asked of whom, for logs.
#[derive(Debug)]
pub(crate) struct Asked {
    service: &'static str,
    method: Method,
    /// The pattern, not the path: an id in a log is noise, and a cart's id is a secret. Known once a router has found it.
    path: OnceLock<MatchedPath>,
}

impl Asked {
    pub(crate) fn of<B>(service: &'static str, request: &Request<B>) -> Self {
        Self {
            service,
            method: request.method().clone(),
            path: OnceLock::new(),
        }
    }
}

/// Says which of its routes a router found for the request at hand.
pub(crate) fn matched(path: &MatchedPath) {
    let _ = CURRENT.try_with(|at_hand| {
        let asked = at_hand.asked.as_ref();
        asked.map(|asked| asked.path.set(path.clone()))
    });
}

/// What logs say of the request at hand.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    service: &'static str,
    method: &'a str,
    path: &'a str,
    request_id: &'a str,
    trace_id: &'a str,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            method,
            path,
            request_id,
            trace_id,
        } = self;
        write!(
            f,
            "request{{service={service} method={method} path={path} request_id={request_id} trace_id={trace_id}}}"
        )
    }
}

/// Hands `tell` what logs say of the request at hand, if there is one. It is put together only now: a span would be, and
/// written down, for each request, and hardly any has something to log.
pub fn tell(tell: impl FnOnce(&Told<'_>)) {
    let _ = CURRENT.try_with(|AtHand { context, asked }| {
        let Some(asked) = asked else {
            return;
        };
        tell(&Told {
            service: asked.service,
            method: asked.method.as_str(),
            path: asked.path.get().map_or("-", MatchedPath::as_str),
            request_id: context.id(),
            trace_id: context.trace_id(),
        });
    });
}

/// The request's id, its place in a trace (W3C Trace Context), and until when somebody waits for the answer. Both are kept
/// as the headers that carry them: every request has them made once and sent several times.
#[derive(Debug, Clone)]
pub struct RequestContext {
    id: HeaderValue,
    traceparent: HeaderValue,
    deadline: Option<Deadline>,
}

impl RequestContext {
    /// What the request's headers say; a request id that is absent or not `[A-Za-z0-9._-]{1,128}` is made up afresh, as is a
    /// trace. The span is always this hop's own.
    pub fn of(headers: &HeaderMap) -> Self {
        let id = headers.get(header::REQUEST_ID);
        let id = id.filter(|id| is_request_id(id.as_bytes())).cloned();
        let before = text(headers, &header::TRACEPARENT).and_then(parse_traceparent);
        Self {
            id: id.unwrap_or_else(|| value(&hex(rand::random::<u128>()))),
            traceparent: traceparent(before),
            deadline: text(headers, &header::DEADLINE).and_then(Deadline::parse),
        }
    }

    /// The context of the request at hand, inside [`Self::scope`].
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|at_hand| at_hand.context.clone()).ok()
    }

    /// Runs `work` with this as the request at hand.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        let (context, asked) = (self, None);
        CURRENT.scope(AtHand { context, asked }, work).await
    }

    /// The same, for a request of which logs are to tell.
    pub(crate) async fn scope_of<F: Future>(self, asked: Asked, work: F) -> F::Output {
        let (context, asked) = (self, Some(asked));
        CURRENT.scope(AtHand { context, asked }, work).await
    }

    /// The request's id.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// The request's id, as a header's value.
    pub fn id_value(&self) -> HeaderValue {
        self.id.clone()
    }

    /// The id of the trace the request belongs to.
    pub fn trace_id(&self) -> &str {
        let whole = self.traceparent.to_str().unwrap_or_default();
        whole.get(TRACE).unwrap_or_default()
    }

    /// Until when somebody waits for the answer, if whoever asked said so. What is asked of others for it has no longer.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Sets the headers that carry this on to another part of the shop.
    pub fn pass_on(&self, headers: &mut HeaderMap) {
        headers.insert(header::REQUEST_ID, self.id.clone());
        headers.insert(header::TRACEPARENT, self.traceparent.clone());
    }
}

/// Sets the headers that carry the context of the request at hand, if there is one, on to another part of the shop.
pub fn pass_on(headers: &mut HeaderMap) {
    let _ = CURRENT.try_with(|at_hand| at_hand.context.pass_on(headers));
}

/// The id of the request at hand; empty outside of any.
pub fn current_id() -> String {
    CURRENT
        .try_with(|at_hand| at_hand.context.id().to_owned())
        .unwrap_or_default()
}

/// A number as 32 hexadecimal digits, with no formatting machinery: every request has some.
fn hex(bits: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    let pairs = digits.chunks_exact_mut(2).zip(bits.to_be_bytes());
    for (pair, byte) in pairs {
        pair.copy_from_slice(&[byte >> 4, byte & 15]);
    }
    // All at once, as there is nothing to decide.
    digits.map(|half| half + b'0' + u8::from(half > 9) * (b'a' - b'9' - 1))
}

/// A header that goes on with a trace, of which the id and the flags are given, or begins one.
fn traceparent(before: Option<(&str, &str)>) -> HeaderValue {
    let fresh;
    let (trace, flags) = if let Some((trace, flags)) = before {
        (trace.as_bytes(), flags.as_bytes())
    } else {
        fresh = hex(rand::random());
        (fresh.as_slice(), b"00".as_slice())
    };
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    let spans = hex(rand::random());
    for (range, part) in [(TRACE, trace), (SPAN, spans.split_at(16).0), (FLAGS, flags)] {
        if let Some(place) = text
            .get_mut(range)
            .filter(|place| place.len() == part.len())
        {
            place.copy_from_slice(part);
        }
    }
    value(&text)
}

/// A header's value, for text that is known to be printable; empty otherwise.
fn value(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_request_id(text: &[u8]) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
}

/// The trace id and flags of a `traceparent` of version 00 (or of a later one, which begins alike).
fn parse_traceparent(value: &str) -> Option<(&str, &str)> {
    let mut parts = value.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let names_something = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && is_hex(trace, 32)
        && names_something(trace)
        && is_hex(span, 16)
        && names_something(span)
        && is_hex(flags, 2);
    valid.then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn context(name: HeaderName, value: &str) -> RequestContext {
        let value = HeaderValue::from_str(value).unwrap();
        RequestContext::of(&HeaderMap::from_iter([(name, value)]))
    }

    #[test]
    fn a_valid_request_id_is_kept_and_another_replaced() {
        assert_eq!(context(header::REQUEST_ID, "aZ0._-").id(), "aZ0._-");
        for wrong in ["", "a b", "a;b", &"x".repeat(129)] {
            let context = context(header::REQUEST_ID, wrong);
            assert_ne!(context.id(), wrong);
            assert_eq!(context.id().len(), 32);
        }
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_its_own() {
        let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        context(header::TRACEPARENT, sent).pass_on(&mut headers);
        let passed = headers[header::TRACEPARENT].to_str().unwrap();
        assert!(passed.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(passed.ends_with("-01"));
        assert_ne!(passed, sent);
    }

    #[test]
    fn a_traceparent_that_is_none_begins_a_trace() {
        for wrong in [
            "",
            "00-0-0-00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            let context = context(header::TRACEPARENT, wrong);
            assert_eq!(context.trace_id().len(), 32);
            assert!(!wrong.contains(context.trace_id()));
        }
    }

    #[test]
    fn what_begins_a_trace_is_what_a_trace_is() {
        let mut headers = HeaderMap::new();
        let context = RequestContext::of(&headers);
        context.pass_on(&mut headers);
        let passed = text(&headers, &header::TRACEPARENT).and_then(parse_traceparent);
        assert_eq!(passed, Some((context.trace_id(), "00")));
        assert_eq!(
            hex(0xfe01).as_slice(),
            format!("{:032x}", 0xfe01).as_bytes()
        );
    }
}
