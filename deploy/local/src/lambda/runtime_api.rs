//! The Lambda Runtime API ("Using the Lambda runtime API for custom runtimes"), served to each
//! instance on a listener of its own, so that the listener says which instance is asking.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::instance::Instance;
use super::invocation::PAYLOAD_LIMIT;

/// Serves one instance until aborted.
pub(super) async fn serve(listener: TcpListener, instance: Arc<Instance>) {
    let app = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(instance);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let _ = axum::serve(listener, app).await;
}

async fn next(State(instance): State<Arc<Instance>>) -> Response {
    let Some(dispatched) = instance.next().await else {
        return StatusCode::GONE.into_response();
    };
    (
        [
            (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", dispatched.request_id),
            (
                "lambda-runtime-deadline-ms",
                dispatched.deadline_ms.to_string(),
            ),
            ("lambda-runtime-invoked-function-arn", dispatched.arn),
            ("lambda-runtime-trace-id", dispatched.trace_id),
        ],
        dispatched.payload,
    )
        .into_response()
}

async fn response(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    if let Ok(payload) = axum::body::to_bytes(body, PAYLOAD_LIMIT).await {
        return accepted(instance.answered(&id, payload));
    }
    instance.failed(&id, "Function.ResponseSizeTooLarge: over 6 MB".to_owned());
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
}

async fn error(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    accepted(instance.failed(&id, describe(&body)))
}

async fn init_error(State(instance): State<Arc<Instance>>, body: Bytes) -> Response {
    instance.not_ready(describe(&body));
    accepted(true)
}

fn accepted(known: bool) -> Response {
    if known {
        (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
    } else {
        refusal(StatusCode::BAD_REQUEST, "InvalidRequestID")
    }
}

fn refusal(status: StatusCode, kind: &str) -> Response {
    (
        status,
        axum::Json(json!({"errorMessage": kind, "errorType": kind})),
    )
        .into_response()
}

/// `errorType: errorMessage` of a function's error report.
fn describe(body: &Bytes) -> String {
    let report: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| report[name].as_str().unwrap_or("unknown").to_owned();
    format!("{}: {}", field("errorType"), field("errorMessage"))
}
