//! The gateway: takes a request to the service that answers its path, and the answer back.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse as _,
};
use bothways_http::{
    Problem, ProblemType,
    connections::{self, Connector},
    header::DEADLINE,
    request::pass_on,
};
use bothways_runtime::Front;
use bothways_upstream::Deadline;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header, uri::PathAndQuery};

use crate::{
    answer::Reply,
    body::{Sent, Upload},
    exchange::Question,
    headers::{self, Client},
    limits::{Limits, RateLimit},
    patience::Patience,
    ready,
    routes::{Target, Upstreams},
};

/// The gateway's connections, and what comes over them.
pub(crate) type Connections = connections::Connections<Sent>;
pub(crate) type Answer = connections::Answer<Sent>;

/// The longest path and query that are forwarded, in bytes.
const MAX_URI: usize = 8 * 1024;

/// What the gateway answers itself, so that it is known how it is.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// How many headers a service is sent beside the client's.
const ADDED: usize = 7;

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    upstreams: Upstreams,
    patience: Patience,
    limits: Limits,
    rate: RateLimit,
    connector: Connector,
}

/// The gateway on one core, with connections of its own.
#[derive(Debug)]
pub struct Door {
    gateway: Arc<Gateway>,
    connections: Connections,
    /// The paths that it leaves to routes, beside those of its health.
    own: &'static [&'static str],
}

impl Gateway {
    /// A gateway to `upstreams`.
    pub fn new(upstreams: Upstreams, limits: Limits, patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            upstreams,
            patience,
            rate: RateLimit::new(&limits),
            limits,
            connector: Connector::new(patience.connect),
        })
    }

    /// A door that forwards what is asked at all paths but `own`.
    pub fn door(self: &Arc<Self>, own: &'static [&'static str]) -> Door {
        Door {
            gateway: self.clone(),
            connections: Connections::new(self.connector.clone()),
            own,
        }
    }

    /// Routes of the gateway's own, limited as what is forwarded is. Needs `ConnectInfo<SocketAddr>`.
    pub fn limited(self: &Arc<Self>, own: Router) -> Router {
        own.layer(from_fn_with_state(self.clone(), limit_rate))
    }

    /// `GET /healthz`, and `GET /readyz` that also says which services answer; neither is limited.
    pub fn health(&self) -> Router {
        let connections = Connections::new(self.connector.clone());
        ready::router(self.upstreams.clone(), connections)
    }

    /// Counts a request of a client at `peer`, and refuses it when there are too many.
    fn admit(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), Problem> {
        let client = headers::client_address(headers, peer, &self.limits.trusted_proxies);
        self.rate.check(client).map_err(|seconds| {
            let detail = "too many requests from this address";
            let problem = Problem::new(ProblemType::RateLimited, detail);
            problem.retry_after(seconds)
        })
    }

    /// Turns the client's headers into the service's.
    fn prepare(headers: &mut HeaderMap, client: &Client) {
        headers.reserve(ADDED);
        headers::remove_what_ends_here(headers);
        headers::describe_client(headers, client);
        pass_on(headers);
        // What differs from one attempt to the next has its place already, so that no copy has to grow.
        headers.insert(header::HOST, HeaderValue::from_static(""));
        headers.insert(DEADLINE, HeaderValue::from_static(""));
    }
}

impl Front for Door {
    type Body = Reply;
    type Client = Client;

    fn meet(&self, peer: SocketAddr) -> Client {
        Client::of(peer.ip(), &self.gateway.limits.trusted_proxies)
    }

    fn takes(&self, path: &str) -> bool {
        !HEALTH.contains(&path) && !self.own.contains(&path)
    }

    async fn answer(&self, request: Request<Upload>, client: &Client) -> Response<Reply> {
        match self.forward(request, client).await {
            Ok(response) => response.map(Reply::from),
            Err(problem) => problem.into_response().map(Reply::from),
        }
    }
}

impl Door {
    async fn forward(
        &self,
        mut request: Request<Upload>,
        client: &Client,
    ) -> Result<Response<Answer>, Problem> {
        let gateway = &self.gateway;
        gateway.admit(request.headers(), client.address)?;
        if [Method::CONNECT, Method::TRACE].contains(request.method()) {
            let detail = "a gateway is no tunnel and no echo";
            return Err(Problem::new(ProblemType::MethodNotAllowed, detail));
        }
        let target = Target::of(request.uri().path());
        let upstream = gateway.upstreams.get(target);
        let upstream = upstream.ok_or_else(Problem::no_such_path)?;
        let path = path_and_query(request.uri())?;
        let deadline = Deadline::after(gateway.patience.answer);
        Gateway::prepare(request.headers_mut(), client);
        let question = Question::of(request, path, deadline).await?;
        let mut response = question.ask(&self.connections, upstream, deadline).await?;
        headers::remove_what_ends_here(response.headers_mut());
        Ok(response)
    }
}

async fn limit_rate(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
    next: Next,
) -> axum::response::Response {
    match gateway.admit(request.headers(), peer.ip().to_canonical()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
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
