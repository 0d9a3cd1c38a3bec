//! A message of a queue, and the digests SQS gives back for one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::hex;

/// A message attribute, in the form the JSON protocol writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    /// `String`, `Number` or `Binary`, with an optional suffix after a dot.
    pub(crate) data_type: String,
    /// The value of a `String` or `Number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// The value of a `Binary`, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

/// Attributes by name.
pub(crate) type Attributes = BTreeMap<String, Attribute>;

/// A message in a queue. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Position in the queue, and the sequence number of a FIFO message.
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) attributes: Attributes,
    pub(crate) group: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) sent_at: u64,
    pub(crate) first_received_at: Option<u64>,
    pub(crate) receive_count: u32,
    /// Hidden until then.
    pub(crate) visible_at: u64,
    /// Receipt handle of the latest receive.
    #[serde(skip)]
    pub(crate) receipt: Option<String>,
}

impl Message {
    /// The system attributes of a received message, as SQS names them.
    pub(crate) fn system_attributes(&self) -> BTreeMap<&'static str, String> {
        let mut attributes = BTreeMap::from([
            ("ApproximateReceiveCount", self.receive_count.to_string()),
            ("SentTimestamp", self.sent_at.to_string()),
            ("SenderId", crate::lambda::template::ACCOUNT.to_owned()),
            (
                "ApproximateFirstReceiveTimestamp",
                self.first_received_at.unwrap_or(self.sent_at).to_string(),
            ),
        ]);
        if let Some(group) = &self.group {
            attributes.insert("MessageGroupId", group.clone());
            attributes.insert("SequenceNumber", format!("{:020}", self.sequence));
        }
        if let Some(id) = &self.deduplication_id {
            attributes.insert("MessageDeduplicationId", id.clone());
        }
        attributes
    }

    /// Bytes counted against the size limit: body and attributes.
    pub(crate) fn size_of(body: &str, attributes: &Attributes) -> usize {
        let attributes: usize = attributes
            .iter()
            .map(|(name, attribute)| {
                name.len()
                    + attribute.data_type.len()
                    + attribute.string_value.as_ref().map_or(0, String::len)
                    + attribute
                        .binary_value
                        .as_ref()
                        .map_or(0, |value| value.len() / 4 * 3)
            })
            .sum();
        body.len() + attributes
    }
}

/// MD5 of a body, in hexadecimal: what clients compare with.
pub(crate) fn body_digest(body: &str) -> String {
    hex::encode(&Md5::digest(body.as_bytes()))
}

/// MD5 of attributes ("Calculating the MD5 message digest for message attributes"); `None` when
/// there are none.
pub(crate) fn attributes_digest(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    let part = |bytes: &mut Vec<u8>, value: &[u8]| {
        bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(value);
    };
    for (name, attribute) in attributes {
        part(&mut bytes, name.as_bytes());
        part(&mut bytes, attribute.data_type.as_bytes());
        // A value is preceded by its transport type, 1 for text and 2 for bytes.
        if let Some(binary) = &attribute.binary_value {
            bytes.push(2);
            part(&mut bytes, &STANDARD.decode(binary).unwrap_or_default());
        } else {
            bytes.push(1);
            part(
                &mut bytes,
                attribute
                    .string_value
                    .as_deref()
                    .unwrap_or_default()
                    .as_bytes(),
            );
        }
    }
    Some(hex::encode(&Md5::digest(&bytes)))
}
