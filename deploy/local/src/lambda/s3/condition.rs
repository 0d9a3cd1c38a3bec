//! Conditional requests: what a reader already has, and what a writer expects to find.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, header};

use super::api::Refusal;
use super::object::Object;

/// A time as HTTP headers write it.
pub(super) fn http_date(millis: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether one of a list of entity tags is the object's.
fn names(list: &str, etag: &str) -> bool {
    let opaque =
        |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"') == etag.trim_matches('"');
    list.trim() == "*" || list.split(',').any(opaque)
}

/// Whether the object changed after the date; a date that can't be read is no condition.
fn changed_after(object: &Object, date: &str) -> Option<bool> {
    let date = httpdate::parse_http_date(date).ok()?;
    // Headers carry whole seconds.
    let modified: SystemTime = UNIX_EPOCH + Duration::from_secs(object.modified_at / 1_000);
    Some(modified > date)
}

/// Checks a read in the order of RFC 9110, section 13.2.2.
pub(super) fn check_read(headers: &HeaderMap, object: &Object) -> Result<(), Refusal> {
    let failed = || Err(Refusal::precondition_failed());
    if let Some(list) = text(headers, header::IF_MATCH) {
        if !names(list, &object.etag) {
            return failed();
        }
    } else if let Some(date) = text(headers, header::IF_UNMODIFIED_SINCE)
        && changed_after(object, date) == Some(true)
    {
        return failed();
    }
    let not_modified = if let Some(list) = text(headers, header::IF_NONE_MATCH) {
        names(list, &object.etag)
    } else if let Some(date) = text(headers, header::IF_MODIFIED_SINCE) {
        changed_after(object, date) == Some(false)
    } else {
        false
    };
    if not_modified {
        return Err(Refusal::new(StatusCode::NOT_MODIFIED, "NotModified", ""));
    }
    Ok(())
}

/// What a writer expects to find under the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// Whatever is there is replaced.
    Anything,
    /// `If-None-Match: *`.
    Nothing,
    /// `If-Match`, with these tags.
    One(String),
}

impl Expected {
    /// Reads a write's headers. S3 takes no other forms ("How to prevent object overwrites with
    /// conditional writes").
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        match (
            text(headers, header::IF_NONE_MATCH),
            text(headers, header::IF_MATCH),
        ) {
            (None, None) => Ok(Self::Anything),
            (Some("*"), None) => Ok(Self::Nothing),
            (None, Some(tags)) => Ok(Self::One(tags.to_owned())),
            _ => Err(Refusal::not_implemented("this condition of a write")),
        }
    }

    /// Checks what is under the key.
    pub(super) fn check(&self, present: Option<&Object>) -> Result<(), Refusal> {
        match (self, present) {
            (Self::Anything, _) | (Self::Nothing, None) => Ok(()),
            (Self::One(_), None) => Err(Refusal::no_such_key()),
            (Self::One(tags), Some(object)) if names(tags, &object.etag) => Ok(()),
            (Self::Nothing | Self::One(_), Some(_)) => Err(Refusal::precondition_failed()),
        }
    }
}
