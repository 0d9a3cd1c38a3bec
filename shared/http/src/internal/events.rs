//! Where events are pushed to: batches of `CloudEvents`, answered with those that have to come again.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequest, Request, State},
    routing::post,
};
use bothways_domain::{
    Error,
    event::{Event, EventHandler},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guarded;
use crate::{Answer, Problem, extract::read_body, header};

/// An event that was not handled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventFailure {
    /// Its place in the batch, from 0.
    pub(crate) index: usize,
    /// Why.
    pub(crate) reason: String,
}

/// The events of a batch that have to come again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventFailures {
    pub(crate) failed: Vec<EventFailure>,
}

/// The route that takes events.
pub fn router(handler: Arc<dyn EventHandler>, internal_token: &str) -> Router {
    let routes = Router::new().route("/internal/events", post(events));
    guarded(routes.with_state(handler), internal_token)
}

/// A batch: each element an event or, if it is none, what is wrong with it.
struct Batch(Vec<Result<Event, String>>);

impl<S: Send + Sync> FromRequest<S> for Batch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read_body(request, header::CLOUD_EVENTS_BATCH).await?;
        let elements: Vec<Value> = serde_json::from_slice(&body)
            .map_err(|error| Error::MalformedRequest(format!("no batch of events: {error}")))?;
        let parse = |element| serde_json::from_value(element).map_err(|error| error.to_string());
        Ok(Self(elements.into_iter().map(parse).collect()))
    }
}

async fn events(
    State(handler): State<Arc<dyn EventHandler>>,
    Batch(batch): Batch,
) -> Answer<Json<EventFailures>> {
    let (mut failed, mut places, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (index, element) in batch.into_iter().enumerate() {
        match element {
            Ok(event) => {
                places.push(index);
                events.push(event);
            }
            Err(reason) => failed.push(EventFailure { index, reason }),
        }
    }
    for (handled, reason) in handler.handle(&events).await? {
        if let Some(&index) = places.get(handled) {
            failed.push(EventFailure { index, reason });
        }
    }
    Ok(Json(EventFailures { failed }))
}
