//! What every deployable answers about itself, and the documents about the API.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_SECURITY_POLICY},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};

use crate::{Problem, ProblemType, docs, openapi, problem::document, routes::routes};

/// What has to work before a deployable says it is ready.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// What does not work, in words for a person; empty when ready.
    async fn missing(&self) -> Vec<String>;
}

/// The routes that say how a deployable is.
pub fn health(readiness: Arc<dyn Readiness>) -> Router {
    health_routes().with_state(readiness)
}

routes!(health_routes, health_described -> Arc<dyn Readiness> {
    [healthz]
    [readyz]
});

/// How a deployable is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the process serves
#[utoipa::path(get, path = "/healthz", tag = "system",
    responses((status = 200, description = "It does", body = Health)))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the process can do its work
#[utoipa::path(get, path = "/readyz", tag = "system",
    responses((status = 200, description = "It can", body = Health), document::NotReady))]
async fn readyz(State(readiness): State<Arc<dyn Readiness>>) -> Result<Json<Health>, Problem> {
    let missing = readiness.missing().await;
    if missing.is_empty() {
        return Ok(Json(Health { status: "ok" }));
    }
    let detail = format!("missing: {}", missing.join(", "));
    Err(Problem::new(ProblemType::Unavailable, detail))
}

/// Which architecture answers.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct About {
    /// `microservices`, `serverless` or `hybrid`.
    #[schema(example = "microservices")]
    architecture: &'static str,
    /// The version of the shop.
    version: &'static str,
}

/// The route that says which architecture this is.
pub fn about(architecture: &'static str) -> Router {
    let version = env!("CARGO_PKG_VERSION");
    let about = About {
        architecture,
        version,
    };
    about_routes().with_state(about)
}

routes!(about_routes, about_described -> About {
    [get_about]
});

/// Which architecture answers
#[utoipa::path(get, path = "/api/about", tag = "system",
    responses((status = 200, description = "The one permitted difference", body = About)))]
async fn get_about(State(about): State<About>) -> Json<About> {
    Json(about)
}

/// Where [`about`] and [`docs_router`] answer.
pub const PATHS: [&str; 3] = ["/api/about", "/api/openapi.json", "/api/docs"];

/// The `OpenAPI` document and the readable page of it.
pub fn docs_router() -> Router {
    Router::new()
        .route("/api/openapi.json", get(openapi_json))
        .route("/api/docs", get(docs_page))
}

async fn openapi_json() -> Response {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(openapi::document);
    (StatusCode::OK, Json(&*DOCUMENT)).into_response()
}

async fn docs_page() -> Response {
    static PAGE: LazyLock<docs::Page> = LazyLock::new(|| docs::Page::of(&openapi::document()));
    let policy = HeaderValue::from_str(&PAGE.policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    (
        [(CONTENT_SECURITY_POLICY, policy)],
        Html(PAGE.html.as_str()),
    )
        .into_response()
}
