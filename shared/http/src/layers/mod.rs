//! The edge every service and function has, so that whatever answers, answers alike: request id, trace,
//! body limits, security headers, and problems for what no handler answers.

mod body;
mod faults;
mod security;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use http_body_util::Limited;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, Level, Span};

use body::within_limit;
pub use body::{MAX_BODY, MAX_UPLOAD, body_limit};
pub use security::secure;

use crate::{header, request::RequestContext};

/// What differs between the edges of deployables.
#[derive(Debug, Clone, Copy)]
pub struct EdgeSettings {
    /// What the deployable is called in logs.
    pub service: &'static str,
    /// Whether a handler that panics is answered with a problem, and the process goes on. Where not (a function), the
    /// panic ends the invocation.
    pub catch_panics: bool,
}

/// Puts the edge around a deployable's routes. With `PANIC_HEADER=1` in the environment, for tests, a request that asks for
/// it makes its handler panic.
pub fn edge(router: Router, settings: EdgeSettings) -> Router {
    let mut router = router;
    if panics_when_asked() {
        router = router.layer(from_fn_with_state(settings, faults::panic_when_asked));
    }
    if settings.catch_panics {
        router = router.layer(CatchPanicLayer::custom(faults::panicked));
    }
    // All at once, outermost first: one by one, each would be put around every route.
    router.layer((
        from_fn_with_state(settings.service, observe),
        from_fn(body::limit),
        DefaultBodyLimit::disable(),
    ))
}

/// Gives the request its context and span, and the answer what every answer has.
async fn observe(State(service): State<&'static str>, request: Request, next: Next) -> Response {
    let observed = Observed::of(service, &request);
    let mut work = pin!(next.run(request));
    observed.answer(work.as_mut()).await
}

/// The edge around what answers without a router, which a layer for each concern would cost more than the answer itself.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    settings: EdgeSettings,
    /// Whether requests can ask for a panic.
    panics: bool,
}

impl Edge {
    /// The same as [`edge`] puts around a router.
    pub fn new(settings: EdgeSettings) -> Self {
        let panics = panics_when_asked();
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
        let observed = Observed::briefly(self.settings.service, &request);
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
            done.unwrap_or_else(|payload| faults::panicked(payload).map(B::from))
        });
        observed.answer(work.as_mut()).await
    }
}

fn panics_when_asked() -> bool {
    std::env::var("PANIC_HEADER").is_ok_and(|set| set == "1")
}

/// What is told of a request.
struct Observed {
    context: RequestContext,
    span: Span,
    about: About,
}

/// What a request is about.
struct About {
    service: &'static str,
    method: Method,
    is_api: bool,
}

impl Observed {
    /// A request to a router.
    fn of(service: &'static str, request: &Request) -> Self {
        // The pattern, not the path: an id in a log is noise, and a cart's id is a secret.
        let path = request.extensions().get::<MatchedPath>();
        let path = path.map_or("-", MatchedPath::as_str);
        let (context, about) = (
            RequestContext::of(request.headers()),
            About::of(service, request),
        );
        let span = about.span(&context, path);
        Self {
            context,
            span,
            about,
        }
    }

    /// A request whose span is there only for those who look closely, or once it fails: to write down what it is takes as
    /// long as to pass it on.
    fn briefly<A>(service: &'static str, request: &Request<A>) -> Self {
        let (context, about) = (
            RequestContext::of(request.headers()),
            About::of(service, request),
        );
        let span = if tracing::enabled!(Level::DEBUG) {
            about.span(&context, "-")
        } else {
            Span::none()
        };
        Self {
            context,
            span,
            about,
        }
    }

    async fn answer<B: From<Body>>(
        self,
        work: Pin<&mut impl Future<Output = Response<B>>>,
    ) -> Response<B> {
        let Self {
            context,
            span,
            about,
        } = self;
        let id = context.id_value();
        let work = async move {
            let began = Instant::now();
            let mut response = faults::explain(work.await);
            secure(&mut response, about.is_api);
            response.headers_mut().insert(header::REQUEST_ID, id);
            about.tell(response.status(), began.elapsed());
            response
        };
        context.scope(work.instrument(span)).await
    }
}

impl About {
    fn of<A>(service: &'static str, request: &Request<A>) -> Self {
        Self {
            service,
            method: request.method().clone(),
            is_api: security::is_api(request.uri().path()),
        }
    }

    fn span(&self, context: &RequestContext, path: &str) -> Span {
        let (service, method) = (self.service, &self.method);
        let (request_id, trace_id) = (context.id(), context.trace_id());
        tracing::info_span!("request", service, %method, path, request_id, trace_id)
    }

    /// Tells that the request at hand was answered. Ordinary answers are for those who look; a fault of the shop's own is for
    /// everybody.
    fn tell(&self, status: StatusCode, took: Duration) {
        let (code, micros) = (status.as_u16(), took.as_micros());
        if !status.is_server_error() {
            tracing::debug!(status = code, micros, "answered");
            return;
        }
        let span = match RequestContext::current() {
            Some(context) if Span::current().is_disabled() => self.span(&context, "-"),
            _ => Span::current(),
        };
        span.in_scope(|| tracing::info!(status = code, micros, "answered"));
    }
}
