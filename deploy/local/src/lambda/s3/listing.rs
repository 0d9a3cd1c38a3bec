//! `ListObjectsV2`: keys in order, those below a delimiter rolled up, in pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::api::Refusal;
use super::object::Object;
use super::xml::{CommonPrefix, Contents, ListBucketResult};

/// Most entries of a page.
const MOST: usize = 1_000;

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    prefix: String,
    delimiter: Option<String>,
    start_after: Option<String>,
    token: Option<String>,
    most: usize,
}

impl Listing {
    /// Reads the query.
    pub(super) fn of(query: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let text = |name: &str| query.get(name).filter(|value| !value.is_empty()).cloned();
        if let Some(name) = query
            .keys()
            .find(|name| ["encoding-type", "fetch-owner"].contains(&name.as_str()))
        {
            return Err(Refusal::not_implemented(name));
        }
        let invalid =
            |name: &str| Refusal::bad_request("InvalidArgument", &format!("{name} is not valid"));
        let most = match query.get("max-keys") {
            Some(most) => most.parse::<usize>().map_err(|_| invalid("max-keys"))?,
            None => MOST,
        };
        Ok(Self {
            prefix: text("prefix").unwrap_or_default(),
            delimiter: text("delimiter"),
            start_after: text("start-after"),
            token: text("continuation-token"),
            most: most.min(MOST),
        })
    }

    /// Lists a bucket's objects.
    pub(super) fn answer(
        self,
        bucket: &str,
        objects: &BTreeMap<String, Arc<Object>>,
    ) -> Result<ListBucketResult, Refusal> {
        // A token is the last entry of the page before it.
        let last = self.token.as_deref().map(decoded).transpose()?;
        let mut result = ListBucketResult {
            name: bucket.to_owned(),
            prefix: self.prefix.clone(),
            delimiter: self.delimiter.clone(),
            start_after: self.start_after.clone(),
            continuation_token: self.token.clone(),
            next_continuation_token: None,
            key_count: 0,
            max_keys: self.most,
            is_truncated: false,
            contents: Vec::new(),
            common_prefixes: Vec::new(),
        };
        let mut entry_before = last
            .or_else(|| self.start_after.clone())
            .unwrap_or_default();
        for (key, object) in objects.range(self.prefix.clone()..) {
            if !key.starts_with(&self.prefix) {
                break;
            }
            let common = self.common_prefix(key);
            let entry = common.unwrap_or(key);
            if entry <= entry_before.as_str() {
                continue;
            }
            if result.key_count == self.most {
                result.is_truncated = self.most > 0;
                break;
            }
            result.key_count += 1;
            entry.clone_into(&mut entry_before);
            match common {
                Some(prefix) => result.common_prefixes.push(CommonPrefix {
                    prefix: prefix.to_owned(),
                }),
                None => result.contents.push(contents(object)),
            }
        }
        result.next_continuation_token = result
            .is_truncated
            .then(|| URL_SAFE_NO_PAD.encode(entry_before));
        Ok(result)
    }

    /// The key up to and with the first delimiter after the prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let at = key[self.prefix.len()..].find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

fn decoded(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Refusal::bad_request(
                "InvalidArgument",
                "The continuation token provided is incorrect",
            )
        })
}

fn contents(object: &Object) -> Contents {
    Contents {
        key: object.key.clone(),
        last_modified: timestamp(object.modified_at),
        etag: object.etag.clone(),
        size: object.size,
        storage_class: "STANDARD",
    }
}

/// A time as the API's documents write it.
pub(super) fn timestamp(millis: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
