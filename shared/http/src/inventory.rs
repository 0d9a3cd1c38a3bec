//! `/api/inventory`: stock levels, for administrators.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
};
use bothways_domain::{
    Result,
    id::ProductId,
    identity::TokenVerifier,
    import::ImportReport,
    inventory::{InventoryApi, StockLevel, parse_on_hand},
};
use serde::{Deserialize, Serialize};

use crate::{
    Answer,
    extract::{Json as Body, Lines, PathIds, Who, parse_json, product_to_write},
    problem::document,
    routes::routes,
};

#[derive(Clone, FromRef)]
pub(crate) struct Inventory {
    api: Arc<dyn InventoryApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of inventory.
pub fn router(api: Arc<dyn InventoryApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Inventory { api, verifier })
}

routes!(routes, described -> Inventory {
    [get, put]
    [import]
});

/// How many there are now.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnHand {
    /// Units in the warehouse.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub(crate) on_hand: i64,
}

/// A line of an import.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StockImportLine {
    /// The product, of whatever form.
    pub(crate) product_id: String,
    /// Units in the warehouse.
    pub(crate) on_hand: i64,
}

/// A product's stock level
#[utoipa::path(
    get,
    path = "/api/inventory/{product_id}",
    tag = "inventory",
    operation_id = "get_stock",
    security(("bearer" = [])),
    params(("product_id" = ProductId, Path, description = "The product")),
    responses((status = 200, description = "The level; zeros when nobody has stocked it", body = StockLevel), document::MissingToAdmins)
)]
async fn get(
    State(api): State<Arc<dyn InventoryApi>>,
    Who(caller): Who,
    ids: PathIds,
) -> Answer<Json<StockLevel>> {
    // Who may not look does not learn which ids are possible.
    caller.require_admin()?;
    let id = ids.product("product_id")?;
    Ok(Json(api.level(&caller, &id).await?))
}

/// Sets how many of a product are on hand
#[utoipa::path(
    put,
    path = "/api/inventory/{product_id}",
    tag = "inventory",
    operation_id = "set_stock",
    security(("bearer" = [])),
    params(("product_id" = ProductId, Path, description = "The product")),
    request_body = OnHand,
    responses((status = 200, description = "The level now", body = StockLevel), document::AdminSet)
)]
async fn put(
    State(api): State<Arc<dyn InventoryApi>>,
    Who(caller): Who,
    ids: PathIds,
    Body(OnHand { on_hand }): Body<OnHand>,
) -> Answer<Json<StockLevel>> {
    let id = ids.product_to_write("product_id")?;
    let on_hand = parse_on_hand(on_hand, "/on_hand")?;
    Ok(Json(api.set(&caller, &id, on_hand).await?))
}

/// Sets how many of many products are on hand
///
/// One `{"product_id", "on_hand"}` a line, at most 1 000 lines. Good lines land and bad lines are named; sending the
/// same lines again changes nothing.
#[utoipa::path(
    post,
    path = "/api/inventory/import",
    tag = "inventory",
    operation_id = "import_stock",
    security(("bearer" = [])),
    request_body(content = String, content_type = "application/x-ndjson", description = "A product's `product_id` and `on_hand` a line"),
    responses((status = 200, description = "What the lines did", body = ImportReport), document::AdminWrite)
)]
async fn import(
    State(api): State<Arc<dyn InventoryApi>>,
    Who(caller): Who,
    lines: Lines,
) -> Answer<Json<ImportReport>> {
    caller.require_admin()?;
    let levels = lines.parse(parse_line);
    Ok(Json(api.import(&caller, levels).await?))
}

fn parse_line(line: &[u8]) -> Result<(ProductId, u32)> {
    let line: StockImportLine = parse_json(line)?;
    let id = product_to_write(&line.product_id, "/product_id")?;
    Ok((id, parse_on_hand(line.on_hand, "/on_hand")?))
}
