//! `/api/carts`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, State},
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Caller, Error, Result,
    cart::{CartApi, CartView, Quantity},
    id::{CartId, ProductId},
    identity::TokenVerifier,
};
use serde::{Deserialize, Serialize};

use crate::{
    Answer,
    etag::Conditions,
    extract::{Json as Body, PathIds, Who},
    header,
    problem::document,
    routes::routes,
};

type Api = Arc<dyn CartApi>;

#[derive(Clone, FromRef)]
pub(crate) struct Carts {
    api: Arc<dyn CartApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of carts.
pub fn router(api: Arc<dyn CartApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Carts { api, verifier })
}

routes!(routes, described -> Carts {
    [create]
    [get, delete]
    [put_item, delete_item]
    [claim]
    [mine]
    [merge]
});

/// How many of a product.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemQuantity {
    /// 1 to 99.
    #[schema(minimum = 1, maximum = 99)]
    pub(crate) quantity: i64,
}

/// The cart as an answer, with a tag that begins with its version.
fn answer(cart: &CartView, conditions: &Conditions) -> Answer<Response> {
    conditions.answer_versioned(cart.version, cart)
}

/// Makes a cart
#[utoipa::path(
    post,
    path = "/api/carts",
    tag = "carts",
    operation_id = "create_cart",
    security((), ("bearer" = [])),
    responses((status = 201, description = "An empty cart; the caller's own when signed in", body = CartView,
        headers(("Location" = String, description = "Its path"), ("ETag" = String, description = "Its version"))))
)]
async fn create(State(api): State<Api>, Who(caller): Who) -> Answer<Response> {
    let cart = api.create(&caller).await?;
    let mut response = answer(&cart, &Conditions::default())?;
    *response.status_mut() = StatusCode::CREATED;
    let location = header::value(&format!("/api/carts/{}", cart.id));
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// A cart, with today's prices
#[utoipa::path(
    get,
    path = "/api/carts/{id}",
    tag = "carts",
    operation_id = "get_cart",
    security((), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart")),
    responses(
        (status = 200, description = "The cart", body = CartView, headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "The client has it"),
        document::Missing,
    )
)]
async fn get(
    State(api): State<Api>,
    Who(caller): Who,
    ids: PathIds,
    conditions: Conditions,
) -> Answer<Response> {
    let found = api.view(&caller, &ids.cart()?).await?;
    answer(&found.ok_or_else(|| Error::not_found("cart"))?, &conditions)
}

/// The version the request requires, asking for the present one only where several would do.
async fn required(
    api: &Api,
    caller: &Caller,
    cart: &CartId,
    conditions: &Conditions,
) -> Result<Option<i64>> {
    let current = async {
        let cart = api.view(caller, cart).await?;
        Ok(cart.map(|cart| cart.version))
    };
    conditions.required_version(current).await
}

/// Sets how many of a product are in a cart
#[utoipa::path(
    put,
    path = "/api/carts/{id}/items/{product_id}",
    tag = "carts",
    operation_id = "put_cart_item",
    security((), ("bearer" = [])),
    params(
        ("id" = CartId, Path, description = "The cart"),
        ("product_id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header, description = "The tag the cart must still have"),
    ),
    request_body = ItemQuantity,
    responses(
        (status = 200, description = "The cart now", body = CartView, headers(("ETag" = String, description = "Its version"))),
        document::CartWrite,
    )
)]
async fn put_item(
    State(api): State<Api>,
    Who(caller): Who,
    ids: PathIds,
    conditions: Conditions,
    Body(ItemQuantity { quantity }): Body<ItemQuantity>,
) -> Answer<Response> {
    let (id, product) = (ids.cart()?, ids.product_to_write("product_id")?);
    let quantity = Quantity::parse(quantity)?;
    let version = required(&api, &caller, &id, &conditions).await?;
    let cart = api
        .put_item(&caller, &id, &product, quantity, version)
        .await?;
    answer(&cart, &Conditions::default())
}

/// Takes a product out of a cart, also when it was not in it
#[utoipa::path(
    delete,
    path = "/api/carts/{id}/items/{product_id}",
    tag = "carts",
    operation_id = "delete_cart_item",
    security((), ("bearer" = [])),
    params(
        ("id" = CartId, Path, description = "The cart"),
        ("product_id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header, description = "The tag the cart must still have"),
    ),
    responses(
        (status = 200, description = "The cart now", body = CartView, headers(("ETag" = String, description = "Its version"))),
        document::CartDelete,
    )
)]
async fn delete_item(
    State(api): State<Api>,
    Who(caller): Who,
    ids: PathIds,
    conditions: Conditions,
) -> Answer<Response> {
    let (id, product) = (ids.cart()?, ids.product_to_write("product_id")?);
    let version = required(&api, &caller, &id, &conditions).await?;
    let cart = api.remove_item(&caller, &id, &product, version).await?;
    answer(&cart, &Conditions::default())
}

/// Deletes a cart
#[utoipa::path(
    delete,
    path = "/api/carts/{id}",
    tag = "carts",
    operation_id = "delete_cart",
    security((), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart")),
    responses((status = 204, description = "Gone"), document::Missing)
)]
async fn delete(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<Response> {
    api.delete(&caller, &ids.cart()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a cart the signed-in user's
///
/// From then on it does not exist for anybody else.
#[utoipa::path(
    post,
    path = "/api/carts/{id}/claim",
    tag = "carts",
    operation_id = "claim_cart",
    security(("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart")),
    responses(
        (status = 200, description = "The cart, now the caller's", body = CartView, headers(("ETag" = String, description = "Its version"))),
        document::CartClaim,
    )
)]
async fn claim(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<Response> {
    caller.require_user()?;
    let cart = api.claim(&caller, &ids.cart()?).await?;
    answer(&cart, &Conditions::default())
}

/// The signed-in user's cart, on whatever device it was filled
///
/// The one they last changed; a filled one before an empty one.
#[utoipa::path(
    get,
    path = "/api/carts/mine",
    tag = "carts",
    operation_id = "get_my_cart",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The cart", body = CartView, headers(("ETag" = String, description = "Its version"))),
        document::CartClaim,
    )
)]
async fn mine(
    State(api): State<Api>,
    Who(caller): Who,
    conditions: Conditions,
) -> Answer<Response> {
    let found = api.mine(&caller).await?;
    answer(&found.ok_or_else(|| Error::not_found("cart"))?, &conditions)
}

/// Adds what is in a guest's cart to the signed-in user's own
///
/// Answers the user's cart; the guest's is gone then. A user without a cart gets the guest's. Quantities stop at 99; with
/// more than 100 different products in both together, both stay as they were.
#[utoipa::path(
    post,
    path = "/api/carts/{id}/merge",
    tag = "carts",
    operation_id = "merge_cart",
    security(("bearer" = [])),
    params(("id" = CartId, Path, description = "The guest's cart")),
    responses(
        (status = 200, description = "The user's cart", body = CartView, headers(("ETag" = String, description = "Its version"))),
        document::CartMerge,
    )
)]
async fn merge(State(api): State<Api>, Who(caller): Who, ids: PathIds) -> Answer<Response> {
    caller.require_user()?;
    let cart = api.merge(&caller, &ids.cart()?).await?;
    answer(&cart, &Conditions::default())
}
