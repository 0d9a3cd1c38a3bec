//! Sessions of browsers, for the storefront.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use bothways_domain::identity::{IdentityApi, Tokens};

use super::guarded;
use crate::{Answer, extract::Json as Body, identity::RefreshRequest};

/// The internal routes of identity.
pub fn router(api: Arc<dyn IdentityApi>, internal_token: &str) -> Router {
    let routes = Router::new().route("/internal/sessions/renew", post(renew));
    guarded(routes.with_state(api), internal_token)
}

async fn renew(
    State(api): State<Arc<dyn IdentityApi>>,
    Body(form): Body<RefreshRequest>,
) -> Answer<Json<Tokens>> {
    Ok(Json(api.renew(&form.refresh_token).await?))
}
