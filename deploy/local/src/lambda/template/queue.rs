//! Reads a queue.

use std::time::Duration;

use super::function::queue_reference;
use super::model::QueueSpec;
use super::section::Section;

/// Properties of a queue without a meaning on a laptop.
const QUEUE_DEPLOYMENT_ONLY: &[&str] = &[
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "Tags",
];

/// FIFO queues are told by their names, in lower case.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it is no file"
)]
fn is_fifo_name(name: &str) -> bool {
    name.ends_with(".fifo")
}

/// Reads an `AWS::SQS::Queue`.
pub(super) fn read_queue(id: &str, mut properties: Section<'_, '_>) -> QueueSpec {
    let fifo = properties.flag("FifoQueue").unwrap_or(false);
    let name = properties
        .text("QueueName")
        .unwrap_or_else(|| id.to_owned());
    if fifo != is_fifo_name(&name) {
        properties.refuse(
            "QueueName",
            "a FIFO queue's name ends in .fifo, and only a FIFO queue's",
        );
    }
    let seconds = |section: &mut Section<'_, '_>, key: &str, default: u64| {
        Duration::from_secs(section.number(key).unwrap_or(default))
    };
    let visibility_timeout = seconds(&mut properties, "VisibilityTimeout", 30);
    let delay = seconds(&mut properties, "DelaySeconds", 0);
    let retention = seconds(&mut properties, "MessageRetentionPeriod", 345_600);
    let receive_wait = seconds(&mut properties, "ReceiveMessageWaitTimeSeconds", 0);
    let size = properties.number("MaximumMessageSize").unwrap_or(1_048_576);
    let spec = QueueSpec {
        name,
        fifo,
        content_based_deduplication: properties
            .flag("ContentBasedDeduplication")
            .unwrap_or(false),
        visibility_timeout,
        delay,
        retention,
        receive_wait,
        maximum_message_size: usize::try_from(size).unwrap_or(1_048_576),
        redrive: properties.section("RedrivePolicy").and_then(read_redrive),
    };
    properties.finish(QUEUE_DEPLOYMENT_ONLY);
    spec
}

fn read_redrive(mut policy: Section<'_, '_>) -> Option<(String, u32)> {
    let target = policy
        .raw("deadLetterTargetArn")
        .and_then(|target| queue_reference(&target));
    if target.is_none() {
        policy.refuse(
            "deadLetterTargetArn",
            "!GetAtt of a queue's Arn was expected",
        );
    }
    let most = policy
        .number("maxReceiveCount")
        .and_then(|most| u32::try_from(most).ok());
    if most.is_none_or(|most| most == 0) {
        policy.refuse("maxReceiveCount", "at least 1 was expected");
    }
    policy.finish(&[]);
    Some((target?, most?))
}
