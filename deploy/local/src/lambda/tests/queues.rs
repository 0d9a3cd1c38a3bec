//! Queues: feeding a function, dead letters, and the endpoint an SDK talks to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Fixture, Options, TEMPLATE, start};
use crate::lambda::sqs::message::body_digest;
use crate::lambda::template;

#[tokio::test]
async fn a_queue_feeds_the_function_and_failures_end_as_dead_letters() {
    let template = TEMPLATE.replace(
        "Environment:",
        "ReservedConcurrentExecutions: 1\n      Environment:",
    );
    let fixture = start(Options {
        template,
        ..Options::default()
    })
    .await;
    let (_, hello) = fixture.get("/hello").await;
    assert!(hello["pid"].is_u64());
    let sqs = Sqs::of(&fixture);
    for (group, body) in [("a", "good"), ("b", "fail-items"), ("c", "good")] {
        let sent = sqs
            .call(
                "SendMessage",
                json!({
                    "QueueUrl": sqs.url("queue.fifo"), "MessageBody": body,
                    "MessageGroupId": group, "MessageDeduplicationId": group,
                }),
            )
            .await;
        assert!(sent["MessageId"].is_string(), "{sent}");
    }
    let began = Instant::now();
    loop {
        let dead = sqs.depth("dead.fifo").await;
        if dead == "1" && sqs.depth("queue.fifo").await == "0" {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{dead} dead letters"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let buried = sqs
        .call("ReceiveMessage", json!({"QueueUrl": sqs.url("dead.fifo")}))
        .await;
    assert_eq!(buried["Messages"][0]["Body"], "fail-items");
    assert_eq!(
        buried["Messages"][0]["MD5OfBody"],
        body_digest("fail-items")
    );
}

/// The SQS endpoint as an SDK uses it.
pub(super) struct Sqs {
    client: reqwest::Client,
    endpoint: String,
}

impl Sqs {
    pub(super) fn of(fixture: &Fixture) -> Self {
        let endpoint = fixture.pool().settings.environment["AWS_ENDPOINT_URL_SQS"].clone();
        Self {
            client: reqwest::Client::new(),
            endpoint,
        }
    }

    fn url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.endpoint, template::ACCOUNT)
    }

    async fn call(&self, action: &str, input: Value) -> Value {
        let request = self
            .client
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .body(input.to_string());
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The bodies a queue holds, as JSON.
    pub(super) async fn messages(&self, queue: &str) -> Vec<Value> {
        let input = json!({"QueueUrl": self.url(queue), "MaxNumberOfMessages": 10});
        let received = self.call("ReceiveMessage", input).await;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
            .collect()
    }

    async fn depth(&self, queue: &str) -> String {
        let answer = self
            .call(
                "GetQueueAttributes",
                json!({"QueueUrl": self.url(queue), "AttributeNames": ["All"]}),
            )
            .await;
        let count = |name: &str| {
            answer["Attributes"][name]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap()
        };
        let waiting = count("ApproximateNumberOfMessages");
        (waiting + count("ApproximateNumberOfMessagesNotVisible")).to_string()
    }
}

#[tokio::test]
async fn the_queue_endpoint_speaks_the_protocol_of_the_sdk() {
    let fixture = start(Options::default()).await;
    let sqs = Sqs::of(&fixture);
    let found = sqs
        .call("GetQueueUrl", json!({"QueueName": "dead.fifo"}))
        .await;
    assert_eq!(found["QueueUrl"], sqs.url("dead.fifo"));
    let missing = sqs
        .call("GetQueueUrl", json!({"QueueName": "nowhere"}))
        .await;
    assert_eq!(missing["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
    let url = sqs.url("dead.fifo");
    let ungrouped = sqs
        .call("SendMessage", json!({"QueueUrl": url, "MessageBody": "x"}))
        .await;
    assert_eq!(ungrouped["__type"], "com.amazonaws.sqs#MissingParameter");
    let entry = |id: &str| json!({"Id": id, "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": id});
    let batch = sqs
        .call("SendMessageBatch", json!({"QueueUrl": url, "Entries": [entry("1"), entry("2"), {"Id": "3", "MessageBody": "x"}]}))
        .await;
    assert_eq!(batch["Successful"].as_array().unwrap().len(), 2);
    assert_eq!(batch["Failed"][0]["Id"], "3");
    let received = sqs
        .call("ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"]}))
        .await;
    let messages = received["Messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["Attributes"]["MessageGroupId"], "g");
    let receipt = &messages[0]["ReceiptHandle"];
    let deleted = sqs
        .call(
            "DeleteMessage",
            json!({"QueueUrl": url, "ReceiptHandle": receipt}),
        )
        .await;
    assert_eq!(deleted, json!({}));
    let hidden = json!({"QueueUrl": url, "ReceiptHandle": messages[1]["ReceiptHandle"], "VisibilityTimeout": 0});
    assert_eq!(sqs.call("ChangeMessageVisibility", hidden).await, json!({}));
    let again = sqs.call("ReceiveMessage", json!({"QueueUrl": url})).await;
    assert_eq!(again["Messages"][0]["MessageId"], messages[1]["MessageId"]);
    assert_eq!(
        sqs.call("PurgeQueue", json!({"QueueUrl": url})).await,
        json!({})
    );
    assert_eq!(sqs.depth("dead.fifo").await, "0");
    let unsupported = sqs.call("AddPermission", json!({"QueueUrl": url})).await;
    assert_eq!(
        unsupported["__type"],
        "com.amazonaws.sqs#UnsupportedOperation"
    );
}
