//! Names and values of headers the shop speaks beside the standard ones.

use axum::http::{HeaderName, HeaderValue};

/// Names a request; echoed to the client and passed on to every part that works on it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A client's key for one attempt to buy.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is that of an earlier request with the same key.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Between services, where `Authorization` holds the services' own secret: the caller's bearer token.
pub const CALLER_AUTHORIZATION: HeaderName = HeaderName::from_static("x-caller-authorization");
/// Between services: how many milliseconds there are for the answer.
pub const DEADLINE: HeaderName = HeaderName::from_static(bothways_upstream::DEADLINE_HEADER);
/// Between services: the answer comes from a replica that is about to stop.
pub const STOPPING: HeaderName = HeaderName::from_static(bothways_upstream::STOPPING_HEADER);
/// Between services: the answer says that nothing was done.
pub const UNTOUCHED: HeaderName = HeaderName::from_static(bothways_upstream::UNTOUCHED_HEADER);
/// Tests only: makes a handler panic, when the process runs with `PANIC_HEADER=1`.
pub const PANIC: HeaderName = HeaderName::from_static("x-bothways-panic");

/// The media type of JSON.
pub const JSON: &str = "application/json";
/// The media type of problems (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The media type of imports: one JSON value a line.
pub const NDJSON: &str = "application/x-ndjson";
/// The media type of a batch of events (`CloudEvents` JSON batch format).
pub const CLOUD_EVENTS_BATCH: &str = "application/cloudevents-batch+json";

/// The media type of pictures.
pub const WEBP: &str = "image/webp";

/// A header's value, for text that is known to be printable; empty otherwise.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
