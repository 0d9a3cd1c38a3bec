//! Orders for fulfilment: reading them, and moving them on.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use bothways_domain::checkout::{Moved, Order, OrderDesk};

use super::{OrderQuery, guarded};
use crate::{Answer, extract::Json as Body};

type Desk = Arc<dyn OrderDesk>;

/// The internal routes of orders.
pub fn router(desk: Desk, internal_token: &str) -> Router {
    let routes = Router::new()
        .route("/internal/orders/read", post(read))
        .route("/internal/orders/ship", post(ship))
        .route("/internal/orders/deliver", post(deliver));
    guarded(routes.with_state(desk), internal_token)
}

async fn read(
    State(desk): State<Desk>,
    Body(asked): Body<OrderQuery>,
) -> Answer<Json<Option<Order>>> {
    Ok(Json(desk.order(&asked.order).await?))
}

async fn ship(State(desk): State<Desk>, Body(asked): Body<OrderQuery>) -> Answer<Json<Moved>> {
    Ok(Json(desk.ship(&asked.order).await?))
}

async fn deliver(State(desk): State<Desk>, Body(asked): Body<OrderQuery>) -> Answer<Json<Moved>> {
    Ok(Json(desk.deliver(&asked.order).await?))
}
