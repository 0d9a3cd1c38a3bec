//! What a bucket tells its queues ("Event message structure" of the S3 user guide).

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::listing::timestamp;
use super::object::Object;
use crate::lambda::ids::{now_ms, uuid};
use crate::lambda::sqs::queue::{Outgoing, Queue};
use crate::lambda::template::model::NotificationSpec;
use crate::lambda::template::{ACCOUNT, REGION};

/// What stays as it is in a notified key; a space becomes `+`.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b' ');

/// Where a bucket's notifications go.
#[derive(Debug)]
pub(super) struct Notification {
    pub(super) spec: NotificationSpec,
    pub(super) queue: Arc<Queue>,
}

/// How an object came to be: the part of an event's name after the colon.
#[derive(Debug, Clone, Copy)]
pub(super) enum Created {
    Put,
    Copy,
    CompleteMultipartUpload,
}

impl Created {
    fn name(self) -> &'static str {
        match self {
            Self::Put => "Put",
            Self::Copy => "Copy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
        }
    }
}

impl Notification {
    /// Tells of an object, if the queue is to hear of it. `sequencer` orders the events of a key.
    pub(super) fn created(
        &self,
        bucket: &str,
        object: &Object,
        how: Created,
        sequencer: u64,
    ) -> std::io::Result<()> {
        if !self.spec.wants(how.name(), &object.key) {
            return Ok(());
        }
        let record = json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": timestamp(object.modified_at),
            "eventName": format!("ObjectCreated:{}", how.name()),
            "userIdentity": { "principalId": format!("AWS:{ACCOUNT}") },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": uuid(), "x-amz-id-2": uuid() },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": self.queue.spec.name,
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": { "principalId": ACCOUNT },
                    "arn": format!("arn:aws:s3:::{bucket}"),
                },
                "object": {
                    "key": utf8_percent_encode(&object.key, KEY).to_string().replace(' ', "+"),
                    "size": object.size,
                    "eTag": object.etag.trim_matches('"'),
                    "sequencer": format!("{sequencer:016X}"),
                },
            },
        });
        self.send(&json!({ "Records": [record] }))
    }

    /// The message S3 sends once, when a bucket is first told to notify a queue.
    pub(super) fn test(&self, bucket: &str) -> std::io::Result<()> {
        self.send(&json!({
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": timestamp(now_ms()),
            "Bucket": bucket,
            "RequestId": uuid(),
            "HostId": uuid(),
        }))
    }

    fn send(&self, body: &serde_json::Value) -> std::io::Result<()> {
        let outgoing = Outgoing {
            body: body.to_string(),
            ..Outgoing::default()
        };
        self.queue.send(outgoing, now_ms()).map(|_| ())
    }
}
