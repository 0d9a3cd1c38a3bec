//! The gateway: takes a request to the service that answers its path, and the answer back.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use bothways_http::{Problem, ProblemType, request::RequestContext};
use bothways_upstream::Deadline;
use http::{Method, Uri, header, uri::PathAndQuery};

use crate::{
    client::{Connections, Patience},
    exchange::Question,
    headers,
    limits::{Limits, RateLimit},
    ready,
    routes::{Target, Upstreams},
};

/// The longest path and query that are forwarded, in bytes.
const MAX_URI: usize = 8 * 1024;

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    upstreams: Upstreams,
    connections: Connections,
    patience: Patience,
    limits: Limits,
    rate: RateLimit,
}

impl Gateway {
    /// A gateway to `upstreams`.
    pub fn new(upstreams: Upstreams, limits: Limits, patience: Patience) -> Self {
        Self {
            upstreams,
            connections: Connections::new(patience),
            patience,
            rate: RateLimit::new(&limits),
            limits,
        }
    }

    /// Every path: those of `own` answered here, all others forwarded. Needs `ConnectInfo<SocketAddr>`.
    pub fn router(self, own: Router) -> Router {
        // Every request has it several times.
        let gateway = Arc::new(self);
        let limited = from_fn_with_state(gateway.clone(), limit_rate);
        own.merge(Router::new().fallback(forward).with_state(gateway))
            .layer(limited)
    }

    /// `GET /healthz`, and `GET /readyz` that also says which services answer; neither is limited.
    pub fn health(&self) -> Router {
        ready::router(self.upstreams.clone(), self.connections.clone())
    }

    async fn forward(&self, peer: SocketAddr, mut request: Request) -> Result<Response, Problem> {
        if [Method::CONNECT, Method::TRACE].contains(request.method()) {
            let detail = "a gateway is no tunnel and no echo";
            return Err(Problem::new(ProblemType::MethodNotAllowed, detail));
        }
        let target = Target::of(request.uri().path());
        let upstream = self.upstreams.get(target);
        let upstream = upstream.ok_or_else(Problem::no_such_path)?;
        let path = path_and_query(request.uri())?;
        let deadline = Deadline::after(self.patience.answer);
        self.prepare(&mut request, peer);
        let question = Question::of(request, path, deadline).await?;
        let mut response = question.ask(&self.connections, upstream, deadline).await?;
        headers::remove_hop_by_hop(response.headers_mut());
        Ok(response)
    }

    /// Turns the client's headers into the service's.
    fn prepare(&self, request: &mut Request, peer: SocketAddr) {
        let peer = peer.ip().to_canonical();
        let headers = request.headers_mut();
        headers::remove_hop_by_hop(headers);
        headers::describe_client(headers, peer, self.limits.trusted_proxies.contains(&peer));
        if let Some(context) = RequestContext::current() {
            context.pass_on(headers);
        }
        // The client sets the service's own; the body is asked for at once, so nobody has to wait for a 100.
        headers.remove(header::HOST);
        headers.remove(header::EXPECT);
    }
}

async fn forward(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let answer = gateway.forward(peer, request).await;
    answer.unwrap_or_else(Problem::into_response)
}

async fn limit_rate(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let trusted = &gateway.limits.trusted_proxies;
    let client = headers::client_address(request.headers(), peer.ip().to_canonical(), trusted);
    match gateway.rate.check(client) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let detail = "too many requests from this address";
            let problem = Problem::new(ProblemType::RateLimited, detail);
            problem.retry_after(seconds).into_response()
        }
    }
}

/// What is asked for, whatever host the client thinks it speaks to.
fn path_and_query(uri: &Uri) -> Result<PathAndQuery, Problem> {
    let path = uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    if path.as_str().len() > MAX_URI {
        return Err(malformed(format!(
            "a path with its query has up to {MAX_URI} bytes"
        )));
    }
    Ok(path)
}

fn malformed(detail: String) -> Problem {
    Problem::new(ProblemType::MalformedRequest, detail)
}
