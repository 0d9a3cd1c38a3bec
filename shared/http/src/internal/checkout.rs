//! Recovery on demand: what the checkout service otherwise does in the background.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use bothways_domain::checkout::{CheckoutApi, RecoveryReport};
use serde::{Deserialize, Serialize};

use super::guarded;
use crate::Answer;

/// A recovery report on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recovered {
    finished: u32,
    undone: u32,
    postponed: u32,
}

impl From<RecoveryReport> for Recovered {
    fn from(report: RecoveryReport) -> Self {
        let RecoveryReport {
            finished,
            undone,
            postponed,
        } = report;
        Self {
            finished,
            undone,
            postponed,
        }
    }
}

impl From<Recovered> for RecoveryReport {
    fn from(wire: Recovered) -> Self {
        Self {
            finished: wire.finished,
            undone: wire.undone,
            postponed: wire.postponed,
        }
    }
}

/// The internal routes of checkout.
pub fn router(api: Arc<dyn CheckoutApi>, internal_token: &str) -> Router {
    let routes = Router::new().route("/internal/checkout/recover", post(recover));
    guarded(routes.with_state(api), internal_token)
}

async fn recover(State(api): State<Arc<dyn CheckoutApi>>) -> Answer<Json<Recovered>> {
    Ok(Json(api.recover().await?.into()))
}
