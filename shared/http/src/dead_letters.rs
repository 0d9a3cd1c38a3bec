//! `/api/dead-letters`: events that were given up on, for administrators.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::StatusCode,
};
use bothways_domain::{
    event::{DeadLetterApi, DeadLetters},
    id::EventId,
    identity::TokenVerifier,
};

use crate::{
    Answer,
    extract::{PathIds, Query, Who},
    problem::document,
    routes::routes,
};

type Api = Arc<dyn DeadLetterApi>;

#[derive(Clone, FromRef)]
pub(crate) struct Letters {
    api: Api,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of dead letters.
pub fn router(api: Api, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Letters { api, verifier })
}

routes!(routes, described -> Letters {
    [list]
    [replay]
});

/// Events that were given up on
///
/// Those whose delivery was refused five times. A part of the shop that can't be asked is named in `unavailable`; its
/// dead letters are missing then.
#[utoipa::path(
    get,
    path = "/api/dead-letters",
    tag = "events",
    operation_id = "list_dead_letters",
    security(("bearer" = [])),
    params(
        ("page" = Option<u32>, Query, minimum = 1, description = "The page"),
        ("per_page" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Dead letters on a page; 24 unless given"),
    ),
    responses((status = 200, description = "Oldest first", body = DeadLetters), document::AdminList)
)]
async fn list(State(api): State<Api>, Who(caller): Who, query: Query) -> Answer<Json<DeadLetters>> {
    // Who may not look does not learn how to ask.
    caller.require_admin()?;
    Ok(Json(api.list(&caller, query.paging()?).await?))
}

/// Sends an event on its way again
///
/// With all its tries. Its consumers recognise what they have handled already.
#[utoipa::path(
    post,
    path = "/api/dead-letters/{id}/replay",
    tag = "events",
    operation_id = "replay_dead_letter",
    security(("bearer" = [])),
    params(("id" = EventId, Path, description = "The event")),
    responses((status = 202, description = "It will be delivered"), document::MissingToAdmins)
)]
async fn replay(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<StatusCode> {
    caller.require_admin()?;
    api.replay(&caller, &ids.event()?).await?;
    Ok(StatusCode::ACCEPTED)
}
