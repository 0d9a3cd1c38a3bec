//! The edge every service and function has, so that whatever answers, answers alike: request id, trace,
//! body limits, security headers, and problems for what no handler answers.

mod body;
mod faults;
mod security;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use http_body_util::Limited;
use tower::{Service, ServiceExt as _, layer::layer_fn, service_fn};

use body::within_limit;
pub use body::{MAX_BODY, MAX_UPLOAD, body_limit};
pub use security::secure;

use crate::{
    header,
    request::{self, Asked, RequestContext},
};

/// What differs between the edges of deployables.
#[derive(Debug, Clone, Copy)]
pub struct EdgeSettings {
    /// What the deployable is called in logs.
    pub service: &'static str,
    /// Whether a handler that panics is answered with a problem, and the process goes on. Where not (a function), the
    /// panic ends the invocation.
    pub catch_panics: bool,
}

/// The edge, put around what answers: a router, or what does without one.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    settings: EdgeSettings,
    /// Whether requests can ask for a panic.
    panics: bool,
}

/// Routes that answer within an [`Edge`].
#[derive(Debug, Clone)]
pub struct Routes(Router);

impl Routes {
    /// These routes.
    pub fn new(router: Router) -> Self {
        Self(router.layer(layer_fn(TellPath)))
    }

    /// Answers `request`, whose body the edge has limited.
    pub async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut request = request.map(Body::new);
        DefaultBodyLimit::disable().apply(&mut request);
        let Ok(response) = self.0.clone().oneshot(request).await;
        response
    }
}

/// Tells logs which route was found. It has no future of its own, as a middleware would.
#[derive(Debug, Clone)]
struct TellPath<S>(S);

impl<S: Service<Request>> Service<Request> for TellPath<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> S::Future {
        if let Some(path) = request.extensions().get() {
            request::matched(path);
        }
        self.0.call(request)
    }
}

/// A router within the edge: what a function is.
pub fn edge(router: Router, settings: EdgeSettings) -> Router {
    let (edge, inner) = (Edge::new(settings), Routes::new(router));
    Router::new().fallback_service(service_fn(move |request: Request| {
        let inner = inner.clone();
        async move {
            let answer = edge.answer(request, async |request| inner.answer(request).await);
            Ok(answer.await)
        }
    }))
}

impl Edge {
    /// The edge. With `PANIC_HEADER=1` in the environment, for tests, a request that asks for it makes its handler panic.
    pub fn new(settings: EdgeSettings) -> Self {
        let panics = std::env::var("PANIC_HEADER").is_ok_and(|set| set == "1");
        Self { settings, panics }
    }

    /// Answers `request` by `work`.
    pub async fn answer<A, B, W>(
        &self,
        request: Request<A>,
        work: impl FnOnce(Request<Limited<A>>) -> W,
    ) -> Response<B>
    where
        A: HttpBody + Unpin,
        B: From<Body>,
        W: Future<Output = Response<B>>,
    {
        let observed = Observed::of(self.settings.service, &request);
        // Pinned here, all below only point to it: futures are large, and each that holds another would copy it.
        let mut work = pin!(async move {
            match within_limit(request).await {
                Ok(request) => {
                    if self.panics {
                        faults::panic_if_asked(request.headers(), self.settings);
                    }
                    work(request).await
                }
                Err(problem) => problem.into_response().map(B::from),
            }
        });
        if !self.settings.catch_panics {
            return observed.answer(work.as_mut()).await;
        }
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        let mut work = pin!(async move {
            let done = work.as_mut().await;
            done.unwrap_or_else(|payload| faults::panicked(&*payload).map(B::from))
        });
        observed.answer(work.as_mut()).await
    }
}

/// A request, and what is to be said of it.
struct Observed {
    context: RequestContext,
    asked: Asked,
    is_api: bool,
}

impl Observed {
    fn of<A>(service: &'static str, request: &Request<A>) -> Self {
        Self {
            context: RequestContext::of(request.headers()),
            asked: Asked::of(service, request),
            is_api: security::is_api(request.uri().path()),
        }
    }

    async fn answer<B: From<Body>>(
        self,
        work: Pin<&mut impl Future<Output = Response<B>>>,
    ) -> Response<B> {
        let Self {
            context,
            asked,
            is_api,
        } = self;
        let id = context.id_value();
        let work = async move {
            let began = Instant::now();
            let mut response = faults::explain(work.await);
            secure(&mut response, is_api);
            response.headers_mut().insert(header::REQUEST_ID, id);
            tell(response.status(), began.elapsed());
            response
        };
        context.scope_of(asked, work).await
    }
}

/// Tells that the request at hand was answered. Ordinary answers are for those who look; a fault of the shop's own is for
/// everybody.
fn tell(status: StatusCode, took: Duration) {
    let (code, micros) = (status.as_u16(), took.as_micros());
    if status.is_server_error() {
        tracing::info!(status = code, micros, "answered");
    } else {
        tracing::debug!(status = code, micros, "answered");
    }
}
