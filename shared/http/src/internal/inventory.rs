//! Stock for other contexts: availability, and the reservations of orders.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use bothways_domain::{
    id::{OrderId, ProductId},
    inventory::{Availability, InventoryApi, Reserved, Settled, Standing, StockLine},
};
use serde::{Deserialize, Serialize};

use super::{IdList, guarded};
use crate::{Answer, extract::Json as Body};

type Api = Arc<dyn InventoryApi>;

/// What to keep for an order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reservation {
    pub(crate) order: OrderId,
    pub(crate) lines: Vec<StockLine>,
}

/// Which order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderQuery {
    pub(crate) order: OrderId,
}

/// The internal routes of inventory.
pub fn router(api: Arc<dyn InventoryApi>, internal_token: &str) -> Router {
    let routes = Router::new()
        .route("/internal/inventory/availability", post(availability))
        .route("/internal/inventory/standing", post(standing))
        .route("/internal/inventory/reserve", post(reserve))
        .route("/internal/inventory/release", post(release))
        .route("/internal/inventory/settle", post(settle))
        .route("/internal/inventory/restock", post(restock));
    guarded(routes.with_state(api), internal_token)
}

async fn availability(
    State(api): State<Api>,
    Body(list): Body<IdList>,
) -> Answer<Json<HashMap<ProductId, Availability>>> {
    Ok(Json(api.availability(&list.ids).await?))
}

async fn standing(
    State(api): State<Api>,
    Body(list): Body<IdList>,
) -> Answer<Json<HashMap<ProductId, Standing>>> {
    Ok(Json(api.standing(&list.ids).await?))
}

async fn reserve(State(api): State<Api>, Body(asked): Body<Reservation>) -> Answer<Json<Reserved>> {
    Ok(Json(api.reserve(&asked.order, &asked.lines).await?))
}

async fn release(State(api): State<Api>, Body(asked): Body<OrderQuery>) -> Answer<StatusCode> {
    api.release(&asked.order).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settle(State(api): State<Api>, Body(asked): Body<OrderQuery>) -> Answer<Json<Settled>> {
    Ok(Json(api.settle(&asked.order).await?))
}

async fn restock(State(api): State<Api>, Body(asked): Body<OrderQuery>) -> Answer<StatusCode> {
    api.restock(&asked.order).await?;
    Ok(StatusCode::NO_CONTENT)
}
