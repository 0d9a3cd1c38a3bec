//! Takes a request to its service and the answer back.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use bothways_http::{
    layers::{REQUEST_ID, RequestId},
    problem::Problem,
};
use http::{HeaderValue, Uri, header, uri::Scheme};

use crate::{
    client::Connections,
    headers,
    limits::{Limits, RateLimit},
    routes::{Target, Upstreams},
};

/// How long a service may take until it begins to answer; API Gateway, on the other side, gives 30 s.
const ANSWER: Duration = Duration::from_secs(29);
/// The longest path and query that are forwarded, in bytes.
const MAX_URI: usize = 8 * 1024;

/// The gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    upstreams: Upstreams,
    connections: Connections,
    limits: Limits,
    rate: RateLimit,
}

impl Gateway {
    /// A gateway to `upstreams`.
    pub fn new(upstreams: Upstreams, limits: Limits) -> Self {
        let rate = RateLimit::new(&limits);
        Self { upstreams, connections: Connections::new(), limits, rate }
    }

    /// Every path.
    pub fn router(self) -> Router {
        Router::new().fallback(forward).with_state(self)
    }
}

async fn forward(
    State(gateway): State<Gateway>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    gateway.forward(peer, request).await.unwrap_or_else(|problem| problem.into_response())
}

impl Gateway {
    async fn forward(&self, peer: SocketAddr, mut request: Request) -> Result<Response, Problem> {
        let (peer, trusted) = (peer.ip(), &self.limits.trusted_proxies);
        let client = headers::client_address(request.headers(), peer, trusted);
        self.rate.check(client).map_err(|retry_after| Problem::rate_limited(retry_after))?;
        let target = Target::of(request.uri().path());
        let authority = self.upstreams.authority(target).ok_or_else(Problem::route_not_found)?;
        let path = request.uri().path_and_query().cloned();
        if path.as_ref().is_some_and(|path| path.as_str().len() > MAX_URI) {
            return Err(Problem::malformed(format!("a path with its query has up to {MAX_URI} bytes")));
        }
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority.clone());
        *request.uri_mut() = uri
            .path_and_query(path.map_or_else(|| "/".to_owned(), |path| path.to_string()))
            .build()
            .map_err(|_| Problem::malformed("this is no path".to_owned()))?;
        self.prepare(&mut request, peer, trusted.contains(&peer));
        let mut response = self.exchange(target, request).await?;
        headers::remove_hop_by_hop(response.headers_mut());
        Ok(response)
    }

    /// Turns the client's headers into the service's.
    fn prepare(&self, request: &mut Request, peer: std::net::IpAddr, trusted: bool) {
        let id = request.extensions().get::<RequestId>().and_then(|id| HeaderValue::from_str(id.as_str()).ok());
        let headers = request.headers_mut();
        headers::remove_hop_by_hop(headers);
        headers::describe_client(headers, peer, trusted);
        headers::continue_trace(headers);
        if let Some(id) = id {
            headers.insert(REQUEST_ID, id);
        }
        // The client sets the service's own.
        headers.remove(header::HOST);
        *request.version_mut() = http::Version::HTTP_11;
    }

    async fn exchange(&self, target: Target, request: Request) -> Result<Response, Problem> {
        let again = repeatable(&request);
        let sent = tokio::time::timeout(ANSWER, self.connections.send(request)).await;
        let sent = match (sent, again) {
            // A kept connection may just have been closed by a service that restarts; nothing was begun twice
            // by asking once more for something that only reads.
            (Ok(Err(error)), Some(again)) => {
                tracing::debug!(%error, service = target.name(), "asking once more");
                tokio::time::timeout(ANSWER, self.connections.send(again)).await
            }
            (sent, _) => sent,
        };
        match sent {
            Ok(Ok(response)) => Ok(response.map(Body::new)),
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, service = target.name(), "a service can't be reached");
                Err(Problem::unavailable(target.name()))
            }
            Err(_) => {
                tracing::warn!(service = target.name(), "a service takes too long");
                Err(Problem::timeout())
            }
        }
    }
}

/// The same request once more, if sending it twice is harmless and it has no body.
fn repeatable(request: &Request) -> Option<Request> {
    let has_body = request.headers().contains_key(header::CONTENT_LENGTH)
        || request.headers().contains_key(header::TRANSFER_ENCODING)
        || !http_body_is_empty(request.body());
    if !request.method().is_safe() || has_body {
        return None;
    }
    let mut again = Request::new(Body::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

fn http_body_is_empty(body: &Body) -> bool {
    hyper::body::Body::is_end_stream(body)
}
