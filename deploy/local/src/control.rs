//! The control API: what runs, and stopping, killing and starting parts of it. On this machine only,
//! and only for whoever can read `state.json`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::lambda::Host;
use crate::supervisor::{Order, Process};

/// Everything that runs.
pub(crate) struct Running {
    pub(crate) processes: Vec<Arc<Process>>,
    pub(crate) host: Option<Host>,
}

/// State of the API.
struct Control {
    running: Arc<Running>,
    token: String,
}

/// The API as an axum app.
pub(crate) fn router(running: Arc<Running>, token: String) -> Router {
    let control = Arc::new(Control { running, token });
    Router::new()
        .route("/status", get(status))
        .route("/processes/{architecture}/{name}/{order}", post(order))
        .route("/functions/{name}/kill-instances", post(kill_instances))
        .route("/functions/{name}/invocations", post(invoke))
        .layer(from_fn_with_state(Arc::clone(&control), authorised))
        .with_state(control)
}

async fn authorised(State(control): State<Arc<Control>>, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {}", control.token);
    match request.headers().get(header::AUTHORIZATION) {
        Some(sent) if sent.as_bytes() == expected.as_bytes() => next.run(request).await,
        _ => refusal(StatusCode::UNAUTHORIZED, "the token is in state.json"),
    }
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

async fn status(State(control): State<Arc<Control>>) -> Json<Value> {
    let processes: Vec<_> = control
        .running
        .processes
        .iter()
        .map(|process| process.status())
        .collect();
    let functions = control
        .running
        .host
        .as_ref()
        .map(Host::status)
        .unwrap_or_default();
    Json(json!({ "processes": processes, "functions": functions }))
}

async fn order(
    State(control): State<Arc<Control>>,
    Path((architecture, name, order)): Path<(String, String, String)>,
) -> Response {
    let order = match order.as_str() {
        "stop" => Order::Stop,
        "kill" => Order::Kill,
        "crash" => Order::Crash,
        "start" => Order::Start,
        _ => return refusal(StatusCode::NOT_FOUND, "stop, kill, crash or start"),
    };
    let found = control
        .running
        .processes
        .iter()
        .find(|process| process.architecture() == architecture && process.name() == name);
    let Some(process) = found else {
        return refusal(
            StatusCode::NOT_FOUND,
            &format!("{architecture} has no process {name}"),
        );
    };
    match process.order(order).await {
        Ok(()) => Json(json!(process.status())).into_response(),
        Err(reason) => refusal(StatusCode::GATEWAY_TIMEOUT, &reason),
    }
}

async fn invoke(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
    event: Bytes,
) -> Response {
    let outcome = match &control.running.host {
        Some(host) => host.invoke(&name, event).await,
        None => None,
    };
    match outcome {
        Some(Ok(result)) => ([(header::CONTENT_TYPE, "application/json")], result).into_response(),
        Some(Err(failure)) => refusal(StatusCode::BAD_GATEWAY, &failure.to_string()),
        None => refusal(
            StatusCode::NOT_FOUND,
            &format!("there is no function {name}"),
        ),
    }
}

async fn kill_instances(State(control): State<Arc<Control>>, Path(name): Path<String>) -> Response {
    let killed = match &control.running.host {
        Some(host) => host.kill_instances(&name).await,
        None => None,
    };
    match killed {
        Some(killed) => Json(json!({ "killed": killed })).into_response(),
        None => refusal(
            StatusCode::NOT_FOUND,
            &format!("there is no function {name}"),
        ),
    }
}
