//! Products as stored, for carts, checkout and the indexer.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post, put},
};
use bothways_domain::{
    Error,
    id::{PictureId, ProductId},
    product::{Images, Product, ProductApi},
};
use serde::{Deserialize, Serialize};

use super::guarded;
use crate::{
    Answer,
    extract::{Json as Body, Query},
};

type Api = Arc<dyn ProductApi>;

/// The most products of one page of the catalogue.
const MAX_PAGE: u32 = 1_000;

/// Which products.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdList {
    pub(crate) ids: Vec<ProductId>,
}

/// A product's new picture.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPicture {
    pub(crate) product_id: ProductId,
    pub(crate) picture_id: PictureId,
    pub(crate) images: Images,
}

/// Whether a picture became the product's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PictureSet {
    pub(crate) is_set: bool,
}

/// The internal routes of products.
pub fn router(api: Arc<dyn ProductApi>, internal_token: &str) -> Router {
    let routes = Router::new()
        .route("/internal/products/records", post(records))
        .route("/internal/products/catalogue", get(catalogue))
        .route("/internal/products/picture", put(set_picture));
    guarded(routes.with_state(api), internal_token)
}

async fn records(State(api): State<Api>, Body(list): Body<IdList>) -> Answer<Json<Vec<Product>>> {
    Ok(Json(api.records(&list.ids).await?))
}

async fn catalogue(State(api): State<Api>, query: Query) -> Answer<Json<Vec<Product>>> {
    let after = match query.text("after") {
        Some(id) => {
            Some(ProductId::parse(id).ok_or_else(|| Error::invalid("?after", "no product id"))?)
        }
        None => None,
    };
    let limit = query.parsed("limit", "a whole number")?.unwrap_or(MAX_PAGE);
    let page = api
        .catalogue(after.as_ref(), limit.clamp(1, MAX_PAGE))
        .await?;
    Ok(Json(page))
}

async fn set_picture(
    State(api): State<Api>,
    Body(new): Body<NewPicture>,
) -> Answer<Json<PictureSet>> {
    let set = api.set_picture(&new.product_id, &new.picture_id, new.images);
    Ok(Json(PictureSet { is_set: set.await? }))
}
