//! Whether the gateway serves, and which services answer it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use bothways_upstream::{Deadline, Upstream};
use futures::future::join_all;
use serde::Serialize;

use crate::{
    exchange::probe,
    forward::Connections,
    routes::{Target, Upstreams},
};

/// How long a service has to show that it is there.
const PROBE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Probes {
    upstreams: Upstreams,
    connections: Arc<Connections>,
}

/// `GET /readyz`: the gateway is ready whenever it can say so. A service that is down is told, but no reason to take
/// the door away from the others.
#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    upstreams: BTreeMap<&'static str, &'static str>,
}

pub(crate) fn router(upstreams: Upstreams, connections: Connections) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(async || Json(serde_json::json!({ "status": "ok" }))),
        )
        .route("/readyz", get(readyz))
        .with_state(Probes {
            upstreams,
            connections: Arc::new(connections),
        })
}

async fn readyz(State(probes): State<Probes>) -> Json<Readiness> {
    let each = Target::SERVICES.map(async |target| {
        let up = match probes.upstreams.get(target) {
            Some(upstream) => answers(&probes.connections, upstream).await,
            None => false,
        };
        (target.name(), if up { "up" } else { "down" })
    });
    let upstreams = join_all(each).await.into_iter().collect();
    Json(Readiness {
        status: "ready",
        upstreams,
    })
}

/// Whether a service says it is healthy.
async fn answers(connections: &Connections, upstream: &Arc<Upstream>) -> bool {
    let question = probe("/healthz");
    let answer = question.ask(connections, upstream, Deadline::after(PROBE));
    answer
        .await
        .is_ok_and(|response| response.status() == StatusCode::OK)
}
