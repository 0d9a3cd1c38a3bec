//! Headers that tell a browser what it may do with an answer.

use axum::{
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};

/// For answers that are no pages: nothing may be loaded or framed. Pages set their own.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        REFERRER_POLICY,
        HeaderValue::from_static("strict-origin-when-cross-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Whether the path is one of the programs' interface rather than a page or a picture.
pub(super) fn is_api(path: &str) -> bool {
    path.starts_with("/api") || path.starts_with("/internal")
}

/// Sets the security headers that the answer does not set itself; an answer of the API (`is_api`) that says nothing about
/// caching is not to be kept.
pub fn secure<B>(response: &mut Response<B>, is_api: bool) {
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len() + 2);
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if is_api {
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}
