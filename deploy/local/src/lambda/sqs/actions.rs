//! What the SQS API's actions do to a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::api::{Answer, Refusal};
use super::message::{Attributes, Message, attributes_digest, body_digest};
use super::queue::{Outgoing, Queue};
use crate::lambda::ids::now_ms;

/// `SendMessage`, and an entry of `SendMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    message_body: String,
    #[serde(default)]
    message_attributes: Attributes,
    delay_seconds: Option<u64>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

pub(super) fn send(queue: &Queue, input: Map<String, Value>) -> Answer {
    let send: Send = serde_json::from_value(Value::Object(input))
        .map_err(|error| Refusal::new("InvalidParameterValue", error.to_string()))?;
    if send.message_body.is_empty() {
        return Err(Refusal::new(
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    if Message::size_of(&send.message_body, &send.message_attributes)
        > queue.spec.maximum_message_size
    {
        let most = queue.spec.maximum_message_size;
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
            ),
        ));
    }
    let deduplication_id = fifo_parameters(queue, &send)?;
    let mut answer = Map::new();
    answer.insert(
        "MD5OfMessageBody".to_owned(),
        json!(body_digest(&send.message_body)),
    );
    if let Some(digest) = attributes_digest(&send.message_attributes) {
        answer.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
    }
    let (id, sequence) = queue.send(
        Outgoing {
            body: send.message_body,
            attributes: send.message_attributes,
            group: send.message_group_id.filter(|_| queue.spec.fifo),
            deduplication_id,
            delay: send.delay_seconds.map(Duration::from_secs),
        },
        now_ms(),
    )?;
    answer.insert("MessageId".to_owned(), json!(id));
    if queue.spec.fifo {
        answer.insert(
            "SequenceNumber".to_owned(),
            json!(format!("{sequence:020}")),
        );
    }
    Ok(Value::Object(answer))
}

/// Checks what only a FIFO queue wants or refuses, and gives the deduplication id.
fn fifo_parameters(queue: &Queue, send: &Send) -> Result<Option<String>, Refusal> {
    if !queue.spec.fifo {
        return match &send.message_deduplication_id {
            Some(_) => Err(Refusal::new(
                "InvalidParameterValue",
                "The request include parameter that is not valid for this queue type",
            )),
            None => Ok(None),
        };
    }
    if send.message_group_id.is_none() {
        return Err(Refusal::new(
            "MissingParameter",
            "The request must contain the parameter MessageGroupId.",
        ));
    }
    if send.delay_seconds.is_some_and(|seconds| seconds > 0) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "Value for parameter DelaySeconds is invalid: a FIFO queue has one delay for all messages.",
        ));
    }
    match &send.message_deduplication_id {
        Some(id) => Ok(Some(id.clone())),
        None if queue.spec.content_based_deduplication => {
            let digest = Sha256::digest(send.message_body.as_bytes());
            Ok(Some(crate::hex::encode(&digest)))
        }
        None => Err(Refusal::new(
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        )),
    }
}

pub(super) fn send_batch(queue: &Queue, input: Map<String, Value>) -> Answer {
    let total: usize = input
        .get("Entries")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|entry| entry["MessageBody"].as_str().map_or(0, str::len))
        .sum();
    if total > queue.spec.maximum_message_size {
        return Err(Refusal::new(
            "BatchRequestTooLong",
            "Batch requests cannot be longer than one message may be.",
        ));
    }
    batch(input, |entry| send(queue, entry.clone()))
}

/// Does each entry on its own and says which failed.
pub(super) fn batch(
    mut input: Map<String, Value>,
    act: impl Fn(&Map<String, Value>) -> Answer,
) -> Answer {
    let entries = match input.remove("Entries") {
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        _ => {
            return Err(Refusal::new(
                "EmptyBatchRequest",
                "There should be at least one entry.",
            ));
        }
    };
    if entries.len() > 10 {
        return Err(Refusal::new(
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10.",
        ));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in &entries {
        let Value::Object(entry) = entry else {
            continue;
        };
        let id = entry.get("Id").cloned().unwrap_or_default();
        match act(entry) {
            Ok(Value::Object(mut done)) => {
                done.insert("Id".to_owned(), id);
                successful.push(Value::Object(done));
            }
            Ok(_) => successful.push(json!({ "Id": id })),
            Err(refusal) => failed.push(json!({
                "Id": id, "Code": refusal.code, "Message": refusal.message, "SenderFault": true
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

pub(super) async fn receive(queue: &Queue, input: Map<String, Value>) -> Answer {
    let number = |key: &str| input.get(key).and_then(Value::as_u64);
    let most = number("MaxNumberOfMessages").unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "MaxNumberOfMessages must be 1 to 10",
        ));
    }
    let wait = number("WaitTimeSeconds").map_or(queue.spec.receive_wait, Duration::from_secs);
    let visibility = number("VisibilityTimeout").map(Duration::from_secs);
    let most = usize::try_from(most).unwrap_or(10);
    let received = queue
        .receive_within(most, visibility, wait.min(Duration::from_secs(20)))
        .await?;
    let mut system = names(&input, "AttributeNames");
    system.extend(names(&input, "MessageSystemAttributeNames"));
    let wanted = names(&input, "MessageAttributeNames");
    let messages: Vec<Value> = received
        .iter()
        .map(|message| received_message(message, &system, &wanted))
        .collect();
    Ok(if messages.is_empty() {
        json!({})
    } else {
        json!({ "Messages": messages })
    })
}

fn names(input: &Map<String, Value>, key: &str) -> Vec<String> {
    let list = input.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

fn received_message(message: &Message, system: &[String], wanted: &[String]) -> Value {
    let all = |names: &[String]| names.iter().any(|name| name == "All" || name == ".*");
    let mut shown = Map::new();
    shown.insert("MessageId".to_owned(), json!(message.id));
    shown.insert("ReceiptHandle".to_owned(), json!(message.receipt));
    shown.insert("Body".to_owned(), json!(message.body));
    shown.insert("MD5OfBody".to_owned(), json!(body_digest(&message.body)));
    let system: BTreeMap<_, _> = message
        .system_attributes()
        .into_iter()
        .filter(|(name, _)| all(system) || system.iter().any(|wanted| wanted == name))
        .collect();
    if !system.is_empty() {
        shown.insert("Attributes".to_owned(), json!(system));
    }
    let attributes: Attributes = message
        .attributes
        .iter()
        .filter(|(name, _)| all(wanted) || wanted.contains(name))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    if let Some(digest) = attributes_digest(&attributes) {
        shown.insert("MessageAttributes".to_owned(), json!(attributes));
        shown.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
    }
    Value::Object(shown)
}

fn receipt(input: &Map<String, Value>) -> Result<&str, Refusal> {
    input
        .get("ReceiptHandle")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            Refusal::new(
                "MissingParameter",
                "The request must contain the parameter ReceiptHandle.",
            )
        })
}

pub(super) fn delete(queue: &Queue, input: &Map<String, Value>) -> Answer {
    if queue.delete(receipt(input)?, now_ms())? {
        Ok(json!({}))
    } else {
        Err(Refusal::new(
            "ReceiptHandleIsInvalid",
            "The receipt handle is not valid or has expired.",
        ))
    }
}

pub(super) fn change_visibility(queue: &Queue, input: &Map<String, Value>) -> Answer {
    let seconds = input.get("VisibilityTimeout").and_then(Value::as_u64);
    let seconds = seconds
        .filter(|seconds| *seconds <= 43_200)
        .ok_or_else(|| {
            Refusal::new(
                "InvalidParameterValue",
                "VisibilityTimeout must be 0 to 43200",
            )
        })?;
    if queue.change_visibility(receipt(input)?, Duration::from_secs(seconds), now_ms()) {
        Ok(json!({}))
    } else {
        Err(Refusal::new(
            "MessageNotInflight",
            "The specified message isn't in flight.",
        ))
    }
}

pub(super) fn attributes(queue: &Queue, input: &Map<String, Value>) -> Value {
    let depth = queue.depth(now_ms());
    let all = BTreeMap::from([
        ("ApproximateNumberOfMessages", depth.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            depth.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            depth.delayed.to_string(),
        ),
        ("QueueArn", queue.arn()),
        (
            "VisibilityTimeout",
            queue.spec.visibility_timeout.as_secs().to_string(),
        ),
        ("DelaySeconds", queue.spec.delay.as_secs().to_string()),
        (
            "MessageRetentionPeriod",
            queue.spec.retention.as_secs().to_string(),
        ),
        (
            "MaximumMessageSize",
            queue.spec.maximum_message_size.to_string(),
        ),
        ("FifoQueue", queue.spec.fifo.to_string()),
    ]);
    let wanted = names(input, "AttributeNames");
    let shown: BTreeMap<_, _> = all
        .into_iter()
        .filter(|(name, _)| {
            wanted
                .iter()
                .any(|wanted| wanted == "All" || wanted == name)
        })
        .collect();
    json!({ "Attributes": shown })
}
