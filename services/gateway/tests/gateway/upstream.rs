//! Services to put behind the gateway.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Request},
    http::{HeaderValue, StatusCode},
    middleware::map_request,
    response::IntoResponse,
    routing::get,
};
use futures::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

/// A service that says what it was asked.
pub(crate) fn echo(name: &'static str) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .fallback(async move |request: Request| say(name, request).await)
}

async fn say(name: &'static str, request: Request) -> Json<Value> {
    let (parts, body) = request.into_parts();
    let mut headers = Map::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.to_string(), Value::String(value));
    }
    let read = body.collect().await.map(|body| body.to_bytes().len());
    Json(json!({
        "service": name,
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "headers": headers,
        "bytes": read.ok(),
    }))
}

/// A service that gives back each piece of a body when it comes.
pub(crate) fn mirror() -> Router {
    Router::new().fallback(async |request: Request| Body::new(request.into_body()))
}

/// A service that sends `piece` whenever it is told to.
pub(crate) fn drip(told: mpsc::UnboundedReceiver<&'static str>) -> Router {
    let pieces = stream::unfold(told, async |mut told| {
        let piece = told.recv().await?;
        Some((Ok::<_, Infallible>(piece), told))
    });
    let body = std::sync::Mutex::new(Some(Body::from_stream(pieces)));
    let body = std::sync::Arc::new(body);
    Router::new().fallback(async move || {
        let body = body.lock().expect("unpoisoned").take();
        body.expect("asked once")
    })
}

/// A service that counts what it is asked.
pub(crate) fn counting(router: Router) -> (Router, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::default());
    let counter = count.clone();
    let layer = map_request(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(request)
    });
    (router.layer(layer), count)
}

/// A service that always answers so.
pub(crate) fn always(
    status: StatusCode,
    headers: &'static [(&'static str, &'static str)],
) -> Router {
    Router::new().fallback(async move || {
        let mut answer = (status, "always").into_response();
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            answer.headers_mut().insert(*name, value);
        }
        answer
    })
}

/// A service that answers after a while.
pub(crate) fn slow(after: Duration) -> Router {
    Router::new().fallback(async move || {
        tokio::time::sleep(after).await;
        "at last"
    })
}

/// A service that answers any status in words of its own.
pub(crate) fn statuses() -> Router {
    let answer = async |Path(status): Path<u16>| {
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = [
            ("x-own", "kept"),
            ("content-security-policy", "default-src 'self'"),
        ];
        (status, headers, "in its own words".to_owned()).into_response()
    };
    Router::new().route("/api/carts/{status}", get(answer))
}

/// A service that answers before it has read what it is sent.
pub(crate) fn hasty() -> Router {
    Router::new().fallback(async |request: Request| {
        tokio::spawn(request.into_body().collect());
        (StatusCode::UNAUTHORIZED, "no")
    })
}

/// Answers each connection's first request with bytes of one's own and closes it. Says how many requests came.
pub(crate) async fn raw(
    answers: Vec<&'static [u8]>,
) -> (SocketAddr, mpsc::UnboundedReceiver<Bytes>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = stream::iter(answers);
        while let Some(answer) = answers.next().await {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 16 * 1024];
            let read = connection.read(&mut request).await.unwrap_or_default();
            request.truncate(read);
            let _ = seen.send(request.into());
            let _ = connection.write_all(answer).await;
        }
    });
    (address, requests)
}
