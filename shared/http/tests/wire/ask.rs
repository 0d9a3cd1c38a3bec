//! One request to a router, and its answer.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use bothways_http::{
    cart, checkout, dead_letters, identity, inventory,
    layers::{EdgeSettings, edge},
    media, product, search,
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::fake::Fake;

/// All public routers over `fake`, within the edge.
pub(crate) fn shop(fake: &Arc<Fake>) -> Router {
    let routes = search::router(fake.clone())
        .merge(product::router(fake.clone(), fake.clone()))
        .merge(inventory::router(fake.clone(), fake.clone()))
        .merge(media::router(fake.clone(), fake.clone()))
        .merge(cart::router(fake.clone(), fake.clone()))
        .merge(checkout::router(fake.clone(), fake.clone()))
        .merge(identity::router(fake.clone(), fake.clone()))
        .merge(dead_letters::router(fake.clone(), fake.clone()));
    with_edge(routes)
}

pub(crate) fn with_edge(routes: Router) -> Router {
    let settings = EdgeSettings {
        service: "test",
        catch_panics: true,
    };
    edge(routes, settings)
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{:?}", self.body))
    }

    /// A problem of this type, in full; its body.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, name: &str) -> Value {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["type"], format!("/problems/{name}"), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status);
        for member in ["title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()));
        }
        body
    }

    /// A validation problem that names this place.
    #[track_caller]
    pub(crate) fn invalid(&self, pointer: &str) {
        let body = self.problem(422, "validation");
        let errors = body["errors"].as_array().unwrap();
        let named = errors.iter().any(|error| error["pointer"] == pointer);
        assert!(named, "{pointer}: {body}");
    }
}

/// Sends a request with these headers.
pub(crate) async fn send(
    router: &Router,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Reply {
        status,
        headers,
        body,
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Reply {
    send(router, (Method::GET, path), &[], Body::empty()).await
}

/// Sends JSON as the administrator.
pub(crate) async fn send_json(router: &Router, method: Method, path: &str, body: &str) -> Reply {
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer admin"),
        ("idempotency-key", "a-key"),
    ];
    send(router, (method, path), &headers, body.to_owned()).await
}
