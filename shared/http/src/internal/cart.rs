//! Carts as stored, for checkout.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use bothways_domain::{
    cart::{Cart, CartApi},
    id::{CartId, OrderId},
    identity::TokenVerifier,
    inventory::StockLine,
};
use serde::{Deserialize, Serialize};

use super::guarded;
use crate::{
    Answer,
    extract::{Json as Body, identify},
    header,
};

#[derive(Clone, FromRef)]
struct Carts {
    api: Arc<dyn CartApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// Which cart.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CartQuery {
    pub(crate) cart: CartId,
}

/// What an order took out of a cart.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consumption {
    pub(crate) cart: CartId,
    pub(crate) order: OrderId,
    pub(crate) lines: Vec<StockLine>,
}

/// The internal routes of carts. Whose cart it may be, the shopper's own token says, in a header beside the services'.
pub fn router(
    api: Arc<dyn CartApi>,
    verifier: Arc<dyn TokenVerifier>,
    internal_token: &str,
) -> Router {
    let routes = Router::new()
        .route("/internal/carts/contents", post(contents))
        .route("/internal/carts/consume", post(consume));
    guarded(routes.with_state(Carts { api, verifier }), internal_token)
}

async fn contents(
    State(api): State<Arc<dyn CartApi>>,
    State(verifier): State<Arc<dyn TokenVerifier>>,
    headers: HeaderMap,
    Body(asked): Body<CartQuery>,
) -> Answer<Json<Option<Cart>>> {
    let caller = identify(verifier.as_ref(), &headers, &header::CALLER_AUTHORIZATION).await;
    Ok(Json(api.contents(&caller, &asked.cart).await?))
}

async fn consume(
    State(api): State<Arc<dyn CartApi>>,
    Body(taken): Body<Consumption>,
) -> Answer<StatusCode> {
    api.consume(&taken.cart, &taken.order, &taken.lines).await?;
    Ok(StatusCode::NO_CONTENT)
}
