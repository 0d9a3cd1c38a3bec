//! Entity tags and the conditions clients put on them (RFC 9110, sections 8.8.3 and 13.1).

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use bothways_domain::{Error, id::hex};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{Answer, Problem, header};

/// A version no cart ever has.
const NEVER: i64 = -1;

/// What `If-None-Match` and `If-Match` say.
#[derive(Debug, Default)]
pub struct Conditions {
    none_match: Option<Tags>,
    matches: Option<Tags>,
}

#[derive(Debug)]
enum Tags {
    Any,
    /// Opaque tags without their quotes, each with whether it is weak.
    These(Vec<(bool, String)>),
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self {
            none_match: tags(&parts.headers, &IF_NONE_MATCH),
            matches: tags(&parts.headers, &IF_MATCH),
        })
    }
}

/// The tags of a header, if it is there. What can't be read is left out, so that it matches nothing.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    if values.is_empty() {
        return None;
    }
    let text: Vec<_> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let text = text.join(",");
    if text.trim() == "*" {
        return Some(Tags::Any);
    }
    // No tag of ours holds a comma, so that one which does may be torn apart: it does not match either way.
    let parsed = text.split(',').filter_map(|tag| {
        let tag = tag.trim();
        let (weak, quoted) = tag
            .strip_prefix("W/")
            .map_or((false, tag), |rest| (true, rest));
        let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
        Some((weak, opaque.to_owned()))
    });
    Some(Tags::These(parsed.collect()))
}

impl Conditions {
    /// Whether the client has what `tag` (without quotes) names. The comparison is weak, as RFC 9110 asks for here.
    fn has(&self, tag: &str) -> bool {
        match &self.none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|(_, known)| known == tag),
        }
    }

    /// The versions `If-Match` allows; `None` when any will do. A tag that is weak or none of ours allows none.
    pub fn versions(&self) -> Option<Vec<i64>> {
        let Some(Tags::These(tags)) = &self.matches else {
            return None;
        };
        let version = |(weak, tag): &(bool, String)| {
            let number = tag.split('-').next().unwrap_or_default();
            number.parse().ok().filter(|_| !weak)
        };
        Some(tags.iter().filter_map(version).collect())
    }

    /// The one version a write requires: the only one allowed or, of several, whichever `current` says holds now.
    pub async fn required_version(
        &self,
        current: impl Future<Output = Result<Option<i64>, Error>>,
    ) -> Result<Option<i64>, Error> {
        match self.versions().as_deref() {
            None => Ok(None),
            Some([]) => Ok(Some(NEVER)),
            Some([only]) => Ok(Some(*only)),
            Some(several) => {
                let current = current.await?.filter(|version| several.contains(version));
                Ok(Some(current.unwrap_or(NEVER)))
            }
        }
    }

    /// Answers `value` as JSON with a tag that is a digest of it, or 304 when the client has it.
    pub(crate) fn answer<T: Serialize>(&self, value: &T) -> Answer<Response> {
        let body = serialized(value)?;
        let tag = digest(&body);
        Ok(self.answer_tagged(header::JSON, body, &tag))
    }

    /// Answers `value` as JSON with a tag of its version and a digest of it, or 304 when the client has it.
    pub(crate) fn answer_versioned<T: Serialize>(
        &self,
        version: i64,
        value: &T,
    ) -> Answer<Response> {
        let body = serialized(value)?;
        let tag = format!("{version}-{}", digest(&body));
        Ok(self.answer_tagged(header::JSON, body, &tag))
    }

    /// Answers `body` with a tag that nothing else ever had at this path, or 304 when the client has it.
    pub(crate) fn answer_tagged(&self, media_type: &str, body: Vec<u8>, tag: &str) -> Response {
        let etag = [(ETAG, header::value(&format!("\"{tag}\"")))];
        if self.has(tag) {
            return (StatusCode::NOT_MODIFIED, etag).into_response();
        }
        let content_type = [(CONTENT_TYPE, header::value(media_type))];
        (etag, content_type, body).into_response()
    }
}

fn serialized<T: Serialize>(value: &T) -> Answer<Vec<u8>> {
    Ok(serde_json::to_vec(value).map_err(Error::internal)?)
}

/// 128 bits of SHA-256: the same bytes have the same tag in every instance.
fn digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body)[..16])
}
