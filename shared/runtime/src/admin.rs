//! What a process tells those who run it, at an address of its own that no client of the shop reaches.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use bothways_upstream::{Registry, exposition};
use tokio::net::TcpListener;

use crate::{Result, Settings};

/// What Prometheus' text format is called.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a part of the process tells of itself, in that format.
pub(crate) type Metrics = Box<dyn Fn() -> String + Send + Sync>;

/// Where the process tells how it is; `None` unless `ADMIN_LISTEN` says where.
pub(crate) async fn listener(settings: Settings) -> Result<Option<TcpListener>> {
    let Some(address) = settings.parse::<SocketAddr>("ADMIN_LISTEN")? else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("ADMIN_LISTEN: can't listen on {address}: {error}"))?;
    tracing::info!(address = %listener.local_addr()?, "telling how it is");
    Ok(Some(listener))
}

/// `GET /internal/upstreams` for people and tests, `GET /metrics` for Prometheus: the upstreams and what else there is.
pub(crate) fn router(upstreams: Registry, others: Vec<Metrics>) -> Router {
    let (states, others) = (upstreams.clone(), Arc::new(others));
    Router::new()
        .route(
            "/internal/upstreams",
            get(async move || Json(states.states())),
        )
        .route("/metrics", get(async move || metrics(&upstreams, &others)))
}

fn metrics(upstreams: &Registry, others: &[Metrics]) -> Response {
    let others = others.iter().map(|metrics| metrics());
    let text = exposition(&upstreams.states()) + &others.collect::<String>();
    ([(CONTENT_TYPE, EXPOSITION)], text).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str) -> String {
        let upstreams = Registry::default();
        upstreams
            .upstream("cart", "http://a:1,http://b:1")
            .expect("addresses");
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let others: Vec<Metrics> = vec![Box::new(|| "version 7\n".to_owned())];
        let answer = router(upstreams, others)
            .oneshot(request)
            .await
            .expect("an answer");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        String::from_utf8(body.expect("a body").to_vec()).expect("text")
    }

    #[tokio::test]
    async fn upstreams_are_told_with_their_replicas() {
        let states: serde_json::Value =
            serde_json::from_str(&ask("/internal/upstreams").await).expect("JSON");
        assert_eq!(states[0]["name"], "cart");
        assert_eq!(states[0]["breaker"], "closed");
        assert_eq!(states[0]["endpoints"][1]["address"], "b:1");
        let metrics = ask("/metrics").await;
        let line = "upstream_endpoint_requests_total{upstream=\"cart\",endpoint=\"a:1\"} 0";
        assert!(metrics.lines().any(|one| one == line), "{metrics}");
        assert!(metrics.ends_with("\nversion 7\n"), "{metrics}");
    }
}
