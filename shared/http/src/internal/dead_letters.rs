//! A context's dead letters, for the service that lists those of all contexts.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use bothways_domain::{
    event::{DeadLetter, DeadLetterSource},
    id::EventId,
    paging::Page,
};
use serde::{Deserialize, Serialize};

use super::guarded;
use crate::{Answer, extract::Json as Body};

type Source = Arc<dyn DeadLetterSource>;

/// How many are wanted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) limit: u32,
}

/// The first dead letters, and how many there are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parked {
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) total: u64,
}

/// Which event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventQuery {
    pub(crate) id: EventId,
}

/// Whether it was a dead letter.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Replayed {
    pub(crate) replayed: bool,
}

/// The internal routes of a context's dead letters.
pub fn router(source: Source, internal_token: &str) -> Router {
    let routes = Router::new()
        .route("/internal/dead-letters", post(parked))
        .route("/internal/dead-letters/replay", post(replay));
    guarded(routes.with_state(source), internal_token)
}

async fn parked(State(source): State<Source>, Body(wanted): Body<Wanted>) -> Answer<Json<Parked>> {
    let Page { entries, total } = source.parked(wanted.limit).await?;
    let dead_letters = entries;
    Ok(Json(Parked {
        dead_letters,
        total,
    }))
}

async fn replay(
    State(source): State<Source>,
    Body(asked): Body<EventQuery>,
) -> Answer<Json<Replayed>> {
    let replayed = source.replay(&asked.id).await?;
    Ok(Json(Replayed { replayed }))
}
