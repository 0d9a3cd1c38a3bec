//! Queues that invoke functions: receive a batch, invoke, delete what succeeded. What failed shows
//! again when its visibility timeout ends ("Using Lambda with Amazon SQS").

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::ids::now_ms;
use super::invocation::{Failure, Outcome};
use super::pool::Pool;
use super::sqs::message::{Attributes, Message, body_digest};
use super::sqs::queue::Queue;
use super::template::REGION;
use super::template::model::QueueSource;

/// How long one wait for messages lasts; a new one follows at once.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Pause before a throttled batch is tried again.
const THROTTLE_PAUSE: Duration = Duration::from_millis(100);

/// Feeds a function from a queue until aborted.
pub(crate) async fn run(source: QueueSource, queue: Arc<Queue>, pool: Arc<Pool>) {
    let concurrency = Arc::new(Semaphore::new(source.maximum_concurrency));
    let source = Arc::new(source);
    loop {
        let Ok(permit) = Arc::clone(&concurrency).acquire_owned().await else {
            return;
        };
        let messages = match gather(&source, &queue).await {
            Ok(messages) => messages,
            Err(error) => {
                pool.log
                    .note(&format!("queue {}: {error}", queue.spec.name));
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        if messages.is_empty() {
            continue;
        }
        let (source, queue, pool) = (Arc::clone(&source), Arc::clone(&queue), Arc::clone(&pool));
        tokio::spawn(async move {
            deliver(&source, &queue, &pool, &messages).await;
            drop(permit);
        });
    }
}

/// A batch: what is there, or what comes within the batching window until the batch is full.
async fn gather(source: &QueueSource, queue: &Queue) -> std::io::Result<Vec<Message>> {
    let mut messages = queue
        .receive_within(source.batch_size.min(10), None, LONG_POLL)
        .await?;
    let closes = tokio::time::Instant::now() + source.batching_window;
    while !messages.is_empty() && messages.len() < source.batch_size {
        let left = closes.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            break;
        }
        let most = (source.batch_size - messages.len()).min(10);
        messages.extend(queue.receive_within(most, None, left).await?);
    }
    Ok(messages)
}

async fn deliver(source: &QueueSource, queue: &Queue, pool: &Arc<Pool>, messages: &[Message]) {
    let event = Bytes::from(event(queue, messages).to_string());
    let gives_up = tokio::time::Instant::now() + queue.spec.visibility_timeout;
    let outcome = loop {
        match pool.invoke(event.clone()).await {
            Err(Failure::Throttled) if tokio::time::Instant::now() < gives_up => {
                tokio::time::sleep(THROTTLE_PAUSE).await;
            }
            outcome => break outcome,
        }
    };
    let now = now_ms();
    for message in succeeded(source, messages, &outcome) {
        let Some(receipt) = &message.receipt else {
            continue;
        };
        if let Err(error) = queue.delete(receipt, now) {
            pool.log
                .note(&format!("queue {}: {error}", queue.spec.name));
        }
    }
}

/// The messages a function is done with. Partial responses name those it is not; one that can't be
/// understood counts as a failure of the whole batch.
fn succeeded<'m>(
    source: &QueueSource,
    messages: &'m [Message],
    outcome: &Outcome,
) -> Vec<&'m Message> {
    let Ok(payload) = outcome else {
        return Vec::new();
    };
    if !source.partial_failures {
        return messages.iter().collect();
    }
    let response: Value = match serde_json::from_slice(payload) {
        Ok(response) => response,
        Err(_) if payload.is_empty() => Value::Null,
        Err(_) => return Vec::new(),
    };
    let failures = match response.get("batchItemFailures") {
        None | Some(Value::Null) => return messages.iter().collect(),
        Some(Value::Array(failures)) => failures,
        Some(_) => return Vec::new(),
    };
    let mut failed = HashSet::new();
    for failure in failures {
        match failure["itemIdentifier"].as_str() {
            Some(id) if messages.iter().any(|message| message.id == id) => failed.insert(id),
            _ => return Vec::new(),
        };
    }
    messages
        .iter()
        .filter(|message| !failed.contains(message.id.as_str()))
        .collect()
}

/// The event of a batch.
fn event(queue: &Queue, messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": message.system_attributes(),
                "messageAttributes": event_attributes(&message.attributes),
                "md5OfBody": body_digest(&message.body),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue.arn(),
                "awsRegion": REGION,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// Attributes as the event spells them, which is not as the SQS API does.
fn event_attributes(attributes: &Attributes) -> Value {
    attributes
        .iter()
        .map(|(name, attribute)| {
            let value = json!({
                "dataType": attribute.data_type,
                "stringValue": attribute.string_value,
                "binaryValue": attribute.binary_value,
                "stringListValues": [],
                "binaryListValues": [],
            });
            (name.clone(), value)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(partial_failures: bool) -> QueueSource {
        QueueSource {
            function: "f".to_owned(),
            queue: "q".to_owned(),
            batch_size: 10,
            batching_window: Duration::ZERO,
            partial_failures,
            maximum_concurrency: 1,
        }
    }

    fn message(id: &str) -> Message {
        Message {
            sequence: 1,
            id: id.to_owned(),
            body: "b".to_owned(),
            attributes: Attributes::new(),
            group: None,
            deduplication_id: None,
            sent_at: 0,
            first_received_at: None,
            receive_count: 1,
            visible_at: 0,
            receipt: None,
        }
    }

    fn done(partial_failures: bool, outcome: &Outcome) -> Vec<String> {
        let messages = [message("1"), message("2"), message("3")];
        succeeded(&source(partial_failures), &messages, outcome)
            .iter()
            .map(|message| message.id.clone())
            .collect()
    }

    #[test]
    fn a_batch_succeeds_whole_or_as_the_function_reports() {
        let partial = || {
            Ok(Bytes::from(
                r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#,
            ))
        };
        assert_eq!(done(true, &partial()), ["1", "3"]);
        assert_eq!(done(false, &partial()), ["1", "2", "3"]);
        assert_eq!(done(true, &Ok(Bytes::from("null"))).len(), 3);
        assert_eq!(
            done(true, &Ok(Bytes::from(r#"{"batchItemFailures":[]}"#))).len(),
            3
        );
        assert!(done(true, &Err(Failure::TimedOut)).is_empty());
    }

    #[test]
    fn a_partial_response_that_makes_no_sense_fails_the_batch() {
        for response in [
            r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{}]}"#,
            r#"{"batchItemFailures":"2"}"#,
        ] {
            assert!(
                done(true, &Ok(Bytes::from(response))).is_empty(),
                "{response}"
            );
        }
    }
}
