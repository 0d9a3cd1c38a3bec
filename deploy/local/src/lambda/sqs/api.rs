//! The SQS API over its AWS JSON 1.0 protocol: what current SDKs speak.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

use super::actions::{attributes, batch, change_visibility, delete, receive, send, send_batch};
use super::queue::Queue;

/// Queues by name, and the base of their URLs.
#[derive(Debug)]
struct Endpoint {
    queues: BTreeMap<String, Arc<Queue>>,
    base: String,
}

/// Serves the queues. `base` is the URL this is reached at.
pub(crate) fn router(queues: impl IntoIterator<Item = Arc<Queue>>, base: String) -> Router {
    let queues = queues
        .into_iter()
        .map(|queue| (queue.spec.name.clone(), queue))
        .collect();
    Router::new()
        .route("/", post(call))
        .route("/{account}/{queue}", post(call))
        .layer(DefaultBodyLimit::max(4 * 1024 * 1024))
        .with_state(Arc::new(Endpoint { queues, base }))
}

/// An error as the protocol writes it.
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::new("InternalError", error.to_string())
    }
}

/// What an action gives.
pub(super) type Answer = Result<Value, Refusal>;

async fn call(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let action = target
        .and_then(|target| target.strip_prefix("AmazonSQS."))
        .unwrap_or_default();
    let answer = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(input)) => endpoint.act(action, input).await,
        _ => Err(Refusal::new(
            "SerializationException",
            "the body is not a JSON object",
        )),
    };
    let content_type = (
        header::CONTENT_TYPE.as_str(),
        "application/x-amz-json-1.0".to_owned(),
    );
    match answer {
        Ok(output) => ([content_type], output.to_string()).into_response(),
        Err(refusal) => {
            let status = match refusal.code {
                "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            let kind = format!("com.amazonaws.sqs#{}", refusal.code);
            let query_error = ("x-amzn-query-error", format!("{};Sender", refusal.code));
            let body = json!({"__type": kind, "message": refusal.message}).to_string();
            (status, [content_type, query_error], body).into_response()
        }
    }
}

impl Endpoint {
    async fn act(&self, action: &str, mut input: Map<String, Value>) -> Answer {
        if action == "GetQueueUrl" {
            let name = text(&mut input, "QueueName").unwrap_or_default();
            return self
                .named(&name)
                .map(|queue| json!({ "QueueUrl": self.url(queue) }));
        }
        if action == "ListQueues" {
            let urls: Vec<String> = self.queues.values().map(|queue| self.url(queue)).collect();
            return Ok(json!({ "QueueUrls": urls }));
        }
        let url = text(&mut input, "QueueUrl").unwrap_or_default();
        let queue = self.named(url.rsplit('/').next().unwrap_or_default())?;
        match action {
            "SendMessage" => send(queue, input),
            "SendMessageBatch" => send_batch(queue, input),
            "ReceiveMessage" => receive(queue, input).await,
            "DeleteMessage" => delete(queue, &input),
            "DeleteMessageBatch" => batch(input, |entry| delete(queue, entry)),
            "ChangeMessageVisibility" => change_visibility(queue, &input),
            "ChangeMessageVisibilityBatch" => batch(input, |entry| change_visibility(queue, entry)),
            "GetQueueAttributes" => Ok(attributes(queue, &input)),
            "PurgeQueue" => queue.purge().map(|()| json!({})).map_err(Refusal::from),
            other => Err(Refusal::new(
                "UnsupportedOperation",
                format!("the local host does not support {other}"),
            )),
        }
    }

    fn named(&self, name: &str) -> Result<&Arc<Queue>, Refusal> {
        self.queues
            .get(name)
            .ok_or_else(|| Refusal::new("QueueDoesNotExist", "The specified queue does not exist."))
    }

    fn url(&self, queue: &Queue) -> String {
        format!(
            "{}/{}/{}",
            self.base,
            crate::lambda::template::ACCOUNT,
            queue.spec.name
        )
    }
}

fn text(input: &mut Map<String, Value>, key: &str) -> Option<String> {
    match input.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
