//! The three calls of Amazon SQS that the shop makes, in its JSON protocol (Amazon SQS Developer Guide, "Making requests
//! using the AWS JSON protocol"). AWS's own client brings an HTTP stack of its own, a sixth of a function's package.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use bothways_http::clients::{ClientError, LazyClient};
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ConfigError, Settings, aws::Signer};

const JSON: &str = "application/x-amz-json-1.0";

/// How often a call is made before it has failed: what AWS's clients do by default (AWS SDKs and Tools Reference Guide,
/// "Retry behavior").
const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt; before each further one it is twice as long.
const BACKOFF: Duration = Duration::from_millis(100);
/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// SQS refused it, or failed.
    #[error("SQS answered {status}, {code}: {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// There was no answer, or none that can be read.
    #[error("SQS can't be reached")]
    Http(#[from] reqwest::Error),
    /// The request could not be written down or signed.
    #[error("the request can't be made")]
    Request(#[source] bothways_domain::Error),
    /// There is nothing to send it with.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl CallError {
    /// Whether the same call may well succeed a moment later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => *status >= 500 || code.contains("Throttl"),
            Self::Http(_) | Self::Client(_) => true,
            Self::Request(_) => false,
        }
    }
}

/// Several messages of one queue at once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Batch<'a, T> {
    pub(crate) queue_url: &'a str,
    pub(crate) entries: Vec<T>,
}

/// A message to send; group and deduplication id for a FIFO queue only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendEntry {
    pub(crate) id: String,
    pub(crate) message_body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_deduplication_id: Option<String>,
}

/// A message to hide for so many seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VisibilityEntry {
    pub(crate) id: String,
    pub(crate) receipt_handle: String,
    pub(crate) visibility_timeout: u32,
}

/// An entry of a batch that was not taken.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Failure {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) code: String,
    pub(crate) message: Option<String>,
}

#[derive(Deserialize)]
struct BatchAnswer {
    #[serde(rename = "Failed", default)]
    failed: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    queue_url: &'a str,
    message_body: &'a str,
}

#[derive(Deserialize)]
struct Ignored {}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message")]
    message: String,
}

/// Calls SQS in the region where the function runs.
#[derive(Debug)]
pub(crate) struct Client {
    signer: Signer,
    endpoint: String,
    /// Most of what an instance does sends nothing.
    http: LazyClient,
}

impl Client {
    /// With the credentials and region of the environment; at `AWS_ENDPOINT_URL_SQS` if that is set.
    pub(crate) fn from_env(settings: Settings) -> Result<Self, ConfigError> {
        let signer = Signer::from_env(settings)?;
        let endpoint = settings.text("AWS_ENDPOINT_URL_SQS");
        let endpoint =
            endpoint.unwrap_or_else(|| format!("https://sqs.{}.amazonaws.com", signer.region));
        Ok(Self::new(signer, &endpoint))
    }

    fn new(signer: Signer, endpoint: &str) -> Self {
        Self {
            signer,
            endpoint: format!("{}/", endpoint.trim_end_matches('/')),
            http: LazyClient::new(TIMEOUT),
        }
    }

    /// Sends a message to a standard queue.
    pub(crate) async fn send_message(&self, queue_url: &str, body: &str) -> Result<(), CallError> {
        let message = Message {
            queue_url,
            message_body: body,
        };
        self.call::<Ignored>("SendMessage", &message).await?;
        Ok(())
    }

    /// Sends messages; those that were not taken.
    pub(crate) async fn send_message_batch(
        &self,
        batch: &Batch<'_, SendEntry>,
    ) -> Result<Vec<Failure>, CallError> {
        let answer: BatchAnswer = self.call("SendMessageBatch", batch).await?;
        Ok(answer.failed)
    }

    /// Hides messages; those of which that can't be said any more.
    pub(crate) async fn change_message_visibility_batch(
        &self,
        batch: &Batch<'_, VisibilityEntry>,
    ) -> Result<Vec<Failure>, CallError> {
        let answer: BatchAnswer = self.call("ChangeMessageVisibilityBatch", batch).await?;
        Ok(answer.failed)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        input: &impl Serialize,
    ) -> Result<T, CallError> {
        let body = serde_json::to_string(input).map_err(bothways_domain::Error::internal);
        let body = body.map_err(CallError::Request)?;
        let mut longest = BACKOFF;
        for _ in 1..ATTEMPTS {
            match self.attempt(action, &body).await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, action, "a call to SQS is made once more");
                    tokio::time::sleep(longest.mul_f64(rand::random())).await;
                    longest *= 2;
                }
                done => return done,
            }
        }
        self.attempt(action, &body).await
    }

    async fn attempt<T: DeserializeOwned>(&self, action: &str, body: &str) -> Result<T, CallError> {
        let headers = self.headers(action, body, SystemTime::now());
        let mut request = self.http.get()?.post(&self.endpoint).body(body.to_owned());
        for (name, value) in headers.map_err(CallError::Request)? {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.json().await?);
        }
        // Whoever answers in place of SQS (a proxy, a load balancer) need not speak its protocol.
        let refusal = response.bytes().await?;
        let refusal: Refusal = serde_json::from_slice(&refusal).unwrap_or_default();
        let code = refusal.kind.rsplit('#').next().unwrap_or_default();
        Err(CallError::Refused {
            status: status.as_u16(),
            code: code.to_owned(),
            message: refusal.message,
        })
    }

    /// The headers of a call, with the signature over them.
    fn headers(
        &self,
        action: &str,
        body: &str,
        at: SystemTime,
    ) -> bothways_domain::Result<Vec<(String, String)>> {
        let target = format!("AmazonSQS.{action}");
        let plain = [
            (CONTENT_TYPE.as_str(), JSON),
            ("x-amz-target", target.as_str()),
        ];
        let request = SignableRequest::new(
            "POST",
            &self.endpoint,
            plain.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let request = request.map_err(bothways_domain::Error::internal)?;
        let signed = self
            .signer
            .sign("sqs", request, SigningSettings::default(), at)?;
        let headers = plain.into_iter().chain(signed.headers());
        let owned = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(owned.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{
        Json, Router,
        http::{HeaderMap, StatusCode},
        routing::post,
    };
    use serde_json::{Value, json};

    use super::*;

    const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/wake";

    /// What botocore 1.43 puts into the same request at the same time.
    #[test]
    fn a_call_is_signed_as_the_aws_command_line_signs_it() {
        let client = Client::new(Signer::example(), "https://sqs.eu-central-1.amazonaws.com");
        let body = format!(r#"{{"QueueUrl":"{QUEUE}","MessageBody":"[]"}}"#);
        let at = SystemTime::UNIX_EPOCH + Duration::from_mins(29_921_250);
        let headers = client.headers("SendMessage", &body, at).unwrap();
        let value = |wanted: &str| {
            let mut found = headers.iter().filter(|(name, _)| name == wanted);
            found.next().unwrap().1.clone()
        };
        assert_eq!(value("x-amz-date"), "20261121T153000Z");
        assert_eq!(value("x-amz-security-token"), "a+b/c=");
        assert_eq!(value("content-type"), JSON);
        assert_eq!(
            value("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-central-1/sqs/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
             Signature=db59e82fdf7742ffc8c9fab0ba22268e82ddc1cee069bfed50fbf2837a35f6e1"
        );
    }

    /// A server that gives these answers one after the other, the last for ever, and counts.
    async fn answering(answers: Vec<(u16, Value)>) -> (Client, Arc<AtomicUsize>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answer = move |headers: HeaderMap, body: String| async move {
            let input: Value = serde_json::from_str(&body).unwrap();
            assert!(headers.contains_key("authorization"));
            assert_eq!(input["QueueUrl"], QUEUE);
            let place = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let (status, body) = answers[place].clone();
            (StatusCode::from_u16(status).unwrap(), Json(body))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (Client::new(Signer::example(), &endpoint), asked)
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_three_times_and_what_is_refused_once() {
        let down = (503, json!({}));
        let slow = json!({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slower"});
        let sent = (200, json!({"MessageId": "1"}));
        let (client, asked) = answering(vec![down.clone(), (400, slow), sent]).await;
        client.send_message(QUEUE, "[]").await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 3);

        let (client, asked) = answering(vec![down]).await;
        let error = client.send_message(QUEUE, "[]").await.unwrap_err();
        assert!(matches!(error, CallError::Refused { status: 503, .. }));
        assert_eq!(asked.load(Ordering::SeqCst), 3);

        let gone = json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no queue"});
        let (client, asked) = answering(vec![(400, gone)]).await;
        let error = client.send_message(QUEUE, "[]").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "SQS answered 400, QueueDoesNotExist: no queue"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_batch_tells_which_entries_were_not_taken() {
        let failed = json!({"Id": "1", "Code": "InternalError", "SenderFault": false});
        let answer = json!({"Successful": [{"Id": "0"}], "Failed": [failed]});
        let (client, _) = answering(vec![(200, answer)]).await;
        let entry = |id: &str| SendEntry {
            id: id.to_owned(),
            message_body: "[]".to_owned(),
            message_group_id: None,
            message_deduplication_id: None,
        };
        let batch = Batch {
            queue_url: QUEUE,
            entries: vec![entry("0"), entry("1")],
        };
        let failure = Failure {
            id: "1".to_owned(),
            code: "InternalError".to_owned(),
            message: None,
        };
        let failed = client.send_message_batch(&batch).await.unwrap();
        assert_eq!(failed, [failure]);
    }
}
