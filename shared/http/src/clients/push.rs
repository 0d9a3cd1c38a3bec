//! Pushes events to their subscribers over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    event::{Event, EventSink, PendingEvent},
    id::Token,
};
use reqwest::Client;

use super::outside::{ClientError, base_url, chain, http_client};
use crate::{header, internal::EventFailures};

/// How long a subscriber may take with a batch.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Delivers batches of events to each of its subscribers. An event is delivered when all of them have accepted it; who
/// accepted it already gets it again with the others' second chance, and recognises it.
#[derive(Debug, Clone)]
pub struct PushSink {
    subscribers: Vec<String>,
    http: Client,
    internal_token: Token,
}

impl PushSink {
    /// A sink that pushes to these URLs.
    pub fn new(subscribers: Vec<String>, internal_token: &str) -> Result<Self, ClientError> {
        for url in &subscribers {
            base_url(url)?;
        }
        Ok(Self {
            subscribers,
            http: http_client(TIMEOUT)?,
            internal_token: Token::presented(internal_token),
        })
    }

    async fn push(&self, url: &str, batch: Vec<u8>) -> Result<EventFailures> {
        let outage = |reason: String| {
            tracing::debug!(reason, "a subscriber can't be reached");
            Error::unavailable("a subscriber to events")
        };
        let request = self
            .http
            .post(url)
            .bearer_auth(self.internal_token.reveal())
            .header(reqwest::header::CONTENT_TYPE, header::CLOUD_EVENTS_BATCH)
            .body(batch);
        let response = request
            .send()
            .await
            .map_err(|error| outage(chain(&error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(outage(status.to_string()));
        }
        response.json().await.map_err(|error| outage(chain(&error)))
    }
}

#[async_trait]
impl EventSink for PushSink {
    async fn deliver(&self, batch: &[PendingEvent]) -> Result<Vec<(usize, String)>> {
        let mut failures: Vec<(usize, String)> = Vec::new();
        let events: Vec<&Event> = batch.iter().map(|pending| &pending.event).collect();
        let batch = serde_json::to_vec(&events).map_err(Error::internal)?;
        for url in &self.subscribers {
            for failure in self.push(url, batch.clone()).await?.failed {
                let known = failures.iter().any(|(index, _)| *index == failure.index);
                if !known {
                    failures.push((failure.index, failure.reason));
                }
            }
        }
        Ok(failures)
    }
}
