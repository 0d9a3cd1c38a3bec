//! Reads a bucket and where its notifications go.

use super::function::queue_reference;
use super::model::{BucketSpec, NotificationSpec};
use super::section::Section;

/// Properties of a bucket without a meaning on a laptop: nobody but the functions reaches it there, and
/// it is deleted with the data folder.
const BUCKET_DEPLOYMENT_ONLY: &[&str] = &[
    "BucketEncryption",
    "LifecycleConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
];

/// The name a bucket without `BucketName` gets on the local host.
pub(super) fn default_name(id: &str) -> String {
    format!("{}-{}", super::STACK, id.to_ascii_lowercase())
}

/// 3–63 lower-case letters, digits, dots and hyphens ("General purpose bucket naming rules").
fn is_bucket_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| plain(byte) || b".-".contains(&byte))
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
        && !name.contains("..")
}

/// Reads an `AWS::S3::Bucket`.
pub(super) fn read_bucket(id: &str, mut properties: Section<'_, '_>) -> BucketSpec {
    let name = properties
        .text("BucketName")
        .unwrap_or_else(|| default_name(id));
    if !is_bucket_name(&name) {
        properties.refuse("BucketName", "this is no name of a bucket");
    }
    let mut notifications = Vec::new();
    if let Some(mut configuration) = properties.section("NotificationConfiguration") {
        for queue in configuration.sections("QueueConfigurations") {
            notifications.extend(read_notification(queue));
        }
        configuration.finish(&[]);
    }
    properties.finish(BUCKET_DEPLOYMENT_ONLY);
    BucketSpec {
        name,
        notifications,
    }
}

fn read_notification(mut configuration: Section<'_, '_>) -> Option<NotificationSpec> {
    let event = configuration.text("Event").unwrap_or_default();
    let created = event.strip_prefix("s3:ObjectCreated:").unwrap_or_default();
    if !["*", "Put", "Copy", "CompleteMultipartUpload"].contains(&created) {
        configuration.refuse("Event", "the local host supports s3:ObjectCreated:… only");
    }
    let queue = configuration
        .raw("Queue")
        .and_then(|queue| queue_reference(&queue));
    if queue.is_none() {
        configuration.refuse("Queue", "!GetAtt of a queue's Arn was expected");
    }
    let (mut prefix, mut suffix) = (String::new(), String::new());
    if let Some(mut filter) = configuration.section("Filter") {
        if let Some(mut key) = filter.section("S3Key") {
            for mut rule in key.sections("Rules") {
                let value = rule.text("Value").unwrap_or_default();
                match rule
                    .text("Name")
                    .unwrap_or_default()
                    .to_ascii_lowercase()
                    .as_str()
                {
                    "prefix" => prefix = value,
                    "suffix" => suffix = value,
                    _ => rule.refuse("Name", "prefix or suffix was expected"),
                }
                rule.finish(&[]);
            }
            key.finish(&[]);
        }
        filter.finish(&[]);
    }
    configuration.finish(&[]);
    Some(NotificationSpec {
        queue: queue?,
        created: created.to_owned(),
        prefix,
        suffix,
    })
}
