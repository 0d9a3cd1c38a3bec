//! What is known of the request at hand wherever it is worked on: its id and its place in a trace.
//!
//! The edge puts it into a task-local, from where problems take the request id and clients what they pass on.

use std::{future::Future, sync::Arc};

use axum::http::{HeaderMap, HeaderName};
use bothways_upstream::Deadline;

use crate::header;

/// The most characters a client's request id has.
const MAX_ID: usize = 128;

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The request's id, its place in a trace (W3C Trace Context), and until when somebody waits for the answer.
#[derive(Debug, Clone)]
pub struct RequestContext {
    id: Arc<str>,
    trace: Arc<Trace>,
    deadline: Option<Deadline>,
}

#[derive(Debug)]
struct Trace {
    id: String,
    span: String,
    flags: String,
}

impl RequestContext {
    /// What the request's headers say; a request id that is absent or not `[A-Za-z0-9._-]{1,128}` is made up afresh, as is a
    /// trace. The span is always this hop's own.
    pub fn of(headers: &HeaderMap) -> Self {
        let id = text(headers, &header::REQUEST_ID).filter(|id| is_request_id(id));
        let id = id.map_or_else(|| hex128(rand::random()).into(), Arc::from);
        let span = format!("{:016x}", rand::random::<u64>());
        let trace = match text(headers, &header::TRACEPARENT).and_then(parse_traceparent) {
            Some((trace, flags)) => Trace {
                id: trace.to_owned(),
                span,
                flags: flags.to_owned(),
            },
            None => Trace {
                id: hex128(rand::random()),
                span,
                flags: "00".to_owned(),
            },
        };
        Self {
            id,
            trace: Arc::new(trace),
            deadline: text(headers, &header::DEADLINE).and_then(Deadline::parse),
        }
    }

    /// The context of the request at hand, inside [`Self::scope`].
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work` with this as the request at hand.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The request's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the trace the request belongs to.
    pub fn trace_id(&self) -> &str {
        &self.trace.id
    }

    /// Until when somebody waits for the answer, if whoever asked said so. What is asked of others for it has no longer.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Sets the headers that carry this on to another part of the shop.
    pub fn pass_on(&self, headers: &mut HeaderMap) {
        let Trace { id, span, flags } = self.trace.as_ref();
        headers.insert(header::REQUEST_ID, header::value(&self.id));
        let traceparent = format!("00-{id}-{span}-{flags}");
        headers.insert(header::TRACEPARENT, header::value(&traceparent));
    }
}

/// The id of the request at hand; empty outside of any.
pub fn current_id() -> String {
    CURRENT
        .try_with(|context| context.id().to_owned())
        .unwrap_or_default()
}

fn hex128(bits: u128) -> String {
    format!("{bits:032x}")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_request_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
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
}
