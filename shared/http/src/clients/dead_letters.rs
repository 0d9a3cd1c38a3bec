//! A context's dead letters over HTTP.

use async_trait::async_trait;
use axum::http::Method;
use bothways_domain::{
    Result,
    event::{DeadLetter, DeadLetterSource},
    id::EventId,
    paging::Page,
};

use super::Remote;
use crate::internal::{EventQuery, Parked, Replayed, Wanted};

/// The dead letters of a context that another process runs.
#[derive(Debug, Clone)]
pub struct DeadLetterClient(Remote);

impl DeadLetterClient {
    /// The dead letters of the context at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }
}

#[async_trait]
impl DeadLetterSource for DeadLetterClient {
    async fn parked(&self, limit: u32) -> Result<Page<DeadLetter>> {
        let call = self.0.internal(Method::POST, "dead-letters")?.reading();
        let parked: Parked = call.json(&Wanted { limit }).send().await?.json()?;
        Ok(Page {
            entries: parked.dead_letters,
            total: parked.total,
        })
    }

    async fn replay(&self, id: &EventId) -> Result<bool> {
        let call = self.0.internal(Method::POST, "dead-letters/replay")?;
        let answer: Replayed = call
            .json(&EventQuery { id: id.clone() })
            .send()
            .await?
            .json()?;
        Ok(answer.replayed)
    }
}
