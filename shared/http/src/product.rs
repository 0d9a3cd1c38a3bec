//! `/api/products`: reading, and writing by administrators.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error, Result,
    id::ProductId,
    identity::TokenVerifier,
    import::{Change, ImportReport},
    product::{ProductApi, ProductDraft, ProductView},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Answer,
    etag::Conditions,
    extract::{Json as Body, Lines, PathIds, Query, Who, parse_json, product_to_write},
    header,
    problem::document,
    routes::routes,
};

/// The most products that can be asked for at once.
const MAX_IDS: usize = 100;

#[derive(Clone, FromRef)]
pub(crate) struct Products {
    api: Arc<dyn ProductApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of products.
pub fn router(api: Arc<dyn ProductApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Products { api, verifier })
}

routes!(routes, described -> Products {
    [list]
    [get, put, delete]
    [import]
});

/// Several products.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct ProductList {
    /// In the order asked, unknown ones left out.
    pub(crate) products: Vec<ProductView>,
}

/// Several products
#[utoipa::path(
    get,
    path = "/api/products",
    tag = "products",
    operation_id = "list_products",
    params(("ids" = String, Query, description = "Up to 100 ids, separated by commas")),
    responses((status = 200, description = "Those that exist, in the order asked", body = ProductList), document::BadQuery)
)]
async fn list(State(api): State<Arc<dyn ProductApi>>, query: Query) -> Answer<Json<ProductList>> {
    let products = api.views(&asked(&query)?).await?;
    Ok(Json(ProductList { products }))
}

/// The ids asked for; impossible ones are as unknown as any other, and a repeated one counts once.
fn asked(query: &Query) -> Result<Vec<ProductId>> {
    let text = query
        .text("ids")
        .ok_or_else(|| Error::invalid("?ids", "say which products, separated by commas"))?;
    if text.split(',').count() > MAX_IDS {
        let detail = format!("at most {MAX_IDS} products at once");
        return Err(Error::invalid("?ids", detail));
    }
    let mut ids: Vec<ProductId> = Vec::new();
    for id in text.split(',').filter_map(|id| ProductId::parse(id.trim())) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A product
#[utoipa::path(
    get,
    path = "/api/products/{id}",
    tag = "products",
    operation_id = "get_product",
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("If-None-Match" = Option<String>, Header, description = "Tags the client has"),
    ),
    responses(
        (status = 200, description = "The product", body = ProductView, headers(
            ("ETag" = String, description = "Strong; changes with the answer"),
            ("Cache-Control" = String, description = "May be kept, but has to be asked about"),
        )),
        (status = 304, description = "The client has it"),
        document::Missing,
    )
)]
async fn get(
    State(api): State<Arc<dyn ProductApi>>,
    ids: PathIds,
    conditions: Conditions,
) -> Answer<Response> {
    let found = api.view(&ids.product("id")?).await?;
    let product = found.ok_or_else(|| Error::not_found("product"))?;
    let mut response = conditions.answer(&product)?;
    // Stock changes at any time, so a kept copy is asked about before it is shown.
    let caching = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, caching);
    Ok(response)
}

/// Creates or replaces a product
#[utoipa::path(
    put,
    path = "/api/products/{id}",
    tag = "products",
    operation_id = "put_product",
    security(("bearer" = [])),
    params(("id" = ProductId, Path, description = "The product")),
    request_body = ProductDraft,
    responses(
        (status = 200, description = "Replaced", body = ProductView),
        (status = 201, description = "Created", body = ProductView, headers(("Location" = String, description = "Its path"))),
        document::AdminWrite,
    )
)]
async fn put(
    State(api): State<Arc<dyn ProductApi>>,
    Who(caller): Who,
    ids: PathIds,
    Body(draft): Body<ProductDraft>,
) -> Answer<Response> {
    let id = ids.product_to_write("id")?;
    let (change, product) = api.put(&caller, &id, draft).await?;
    let mut response = Conditions::default().answer(&product)?;
    if change == Change::Created {
        *response.status_mut() = StatusCode::CREATED;
        let location = header::value(&format!("/api/products/{id}"));
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Deletes a product, also when it is already gone
#[utoipa::path(
    delete,
    path = "/api/products/{id}",
    tag = "products",
    operation_id = "delete_product",
    security(("bearer" = [])),
    params(("id" = ProductId, Path, description = "The product")),
    responses((status = 204, description = "There is no such product any more"), document::AdminDelete)
)]
async fn delete(
    State(api): State<Arc<dyn ProductApi>>,
    Who(caller): Who,
    ids: PathIds,
) -> Answer<Response> {
    api.delete(&caller, &ids.product_to_write("id")?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Creates or replaces many products
///
/// One product with its `id` a line, at most 1 000 lines. Good lines land and bad lines are named; sending the same
/// lines again changes nothing.
#[utoipa::path(
    post,
    path = "/api/products/import",
    tag = "products",
    operation_id = "import_products",
    security(("bearer" = [])),
    request_body(content = String, content_type = "application/x-ndjson", description = "A product with its `id` a line"),
    responses((status = 200, description = "What the lines did", body = ImportReport), document::AdminWrite)
)]
async fn import(
    State(api): State<Arc<dyn ProductApi>>,
    Who(caller): Who,
    lines: Lines,
) -> Answer<Json<ImportReport>> {
    caller.require_admin()?;
    let products = lines.parse(parse_line);
    Ok(Json(api.import(&caller, products).await?))
}

fn parse_line(line: &[u8]) -> Result<(ProductId, ProductDraft)> {
    let mut members: Map<String, Value> = parse_json(line)?;
    let id = match members.remove("id") {
        Some(Value::String(id)) => product_to_write(&id, "/id")?,
        Some(_) => return Err(Error::invalid("/id", "an id is a string")),
        None => return Err(Error::invalid("/id", "a product needs an id")),
    };
    let draft = parse_json(Value::Object(members).to_string().as_bytes())?;
    Ok((id, draft))
}

/// A line that [`parse_line`] reads.
pub(crate) fn import_line(id: &ProductId, draft: &ProductDraft) -> Result<String> {
    let mut line = serde_json::to_value(draft).map_err(Error::internal)?;
    if let Value::Object(members) = &mut line {
        members.insert("id".to_owned(), Value::String(id.to_string()));
    }
    Ok(line.to_string())
}
