//! `POST /api/checkout` and `/api/orders`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error,
    checkout::{CheckoutApi, CheckoutRequest, Order},
    id::{OrderId, Token},
    identity::TokenVerifier,
};
use serde::{Deserialize, Serialize};

use crate::{
    Answer,
    extract::{Json as Body, Key, PathIds, Query, Who},
    header,
    problem::document,
    request,
    routes::routes,
};

type Api = Arc<dyn CheckoutApi>;

#[derive(Clone, FromRef)]
pub(crate) struct Checkouts {
    api: Arc<dyn CheckoutApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of checkout and orders.
pub fn router(api: Arc<dyn CheckoutApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Checkouts { api, verifier })
}

routes!(routes, described -> Checkouts {
    [checkout]
    [orders]
    [order]
    [cancel]
});

/// An order just placed, with a guest's key to it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PlacedOrder {
    /// The order.
    #[serde(flatten)]
    pub(crate) order: Order,
    /// Lets whoever presents it as a bearer token read and cancel the order.
    #[schema(value_type = String)]
    pub(crate) access_token: Token,
}

/// A page of orders.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct OrderList {
    /// Newest first.
    pub(crate) orders: Vec<Order>,
    /// Orders in all.
    pub(crate) total: u64,
    /// This page, from 1.
    pub(crate) page: u32,
    /// Orders on a page.
    pub(crate) per_page: u32,
}

/// Buys a cart
///
/// Once per `Idempotency-Key`: the same key and body again give the same answer, with `Idempotent-Replayed`, and
/// one charge in all.
#[utoipa::path(
    post,
    path = "/api/checkout",
    tag = "checkout",
    operation_id = "checkout",
    security((), ("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, fresh for each attempt to buy")),
    request_body = CheckoutRequest,
    responses(
        (status = 201, description = "Bought", body = PlacedOrder, headers(
            ("Location" = String, description = "The order's path"),
            ("Idempotent-Replayed" = String, description = "`true` when this is the answer to an earlier request"),
        )),
        document::Checkout,
    )
)]
async fn checkout(
    State(api): State<Api>,
    Who(caller): Who,
    Key(key): Key,
    Body(body): Body<CheckoutRequest>,
) -> Answer<Response> {
    let request_id = request::current_id();
    let placed = api.checkout(&caller, &key, &body, &request_id).await?;
    let location = header::value(&format!("/api/orders/{}", placed.order.id));
    let (order, access_token) = (placed.order, placed.access_token);
    let body = Json(PlacedOrder {
        order,
        access_token,
    });
    let mut response = (StatusCode::CREATED, [(LOCATION, location)], body).into_response();
    if placed.replayed {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert(header::IDEMPOTENT_REPLAYED, replayed);
    }
    Ok(response)
}

/// The signed-in user's orders, or everybody's for an administrator
#[utoipa::path(
    get,
    path = "/api/orders",
    tag = "checkout",
    operation_id = "list_orders",
    security(("bearer" = [])),
    params(
        ("page" = Option<u32>, Query, minimum = 1, description = "The page"),
        ("per_page" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Orders on a page; 24 unless given"),
        ("scope" = Option<String>, Query, description = "`mine`, or for administrators `all`; `mine` unless given"),
    ),
    responses((status = 200, description = "Newest first", body = OrderList), document::AdminList)
)]
async fn orders(State(api): State<Api>, Who(caller): Who, query: Query) -> Answer<Json<OrderList>> {
    caller.require_user()?;
    let paging = query.paging()?;
    let found = match query.text("scope").unwrap_or("mine") {
        "mine" => api.orders(&caller, paging).await?,
        "all" => api.all_orders(&caller, paging).await?,
        _ => return Err(Error::invalid("?scope", "a scope is `mine` or `all`").into()),
    };
    Ok(Json(OrderList {
        orders: found.entries,
        total: found.total,
        page: paging.page(),
        per_page: paging.per_page(),
    }))
}

/// An order
///
/// For its owner, an administrator, or whoever presents its access token; for anybody else it does not exist.
#[utoipa::path(
    get,
    path = "/api/orders/{id}",
    tag = "checkout",
    operation_id = "get_order",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order")),
    responses((status = 200, description = "The order", body = Order), document::Missing)
)]
async fn order(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<Json<Order>> {
    let found = api.order(&caller, &ids.order()?).await?;
    Ok(Json(found.ok_or_else(|| Error::not_found("order"))?))
}

/// Calls an order off before it ships
///
/// It is refunded and restocked, once; calling it off again changes nothing.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/cancel",
    tag = "checkout",
    operation_id = "cancel_order",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order")),
    responses((status = 200, description = "The order, cancelled", body = Order), document::Cancel)
)]
async fn cancel(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<Json<Order>> {
    Ok(Json(api.cancel(&caller, &ids.order()?).await?))
}
