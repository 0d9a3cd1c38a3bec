//! A service that answers most requests without a router: the gateway, whose forwarding costs less than the layers of
//! one.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, Response},
    response::IntoResponse as _,
};
use bothways_http::layers::Edge;
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Incoming};
use tower::ServiceExt as _;

use crate::{
    admission::{Admission, Asked},
    failpoint::Marks,
};

/// What answers requests itself, except those that it leaves to the service's routes. There is one for each core, so that
/// what it holds (connections to others) is used by one thread only.
pub trait Front: Send + Sync + 'static {
    /// The body of its answers, which can be that of a router's.
    type Body: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + From<Body>
        + Send
        + 'static;

    /// Whether it answers what is asked at `path`.
    fn takes(&self, path: &str) -> bool;

    /// Answers a request of a client at `peer`.
    fn answer(
        &self,
        request: Request<Limited<Incoming>>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// What every service has, around a front.
pub(crate) struct Fronted<F> {
    pub(crate) front: F,
    pub(crate) around: Around,
}

/// What every service has, for those requests that no router answers.
#[derive(Clone)]
pub(crate) struct Around {
    /// Answers the others, and has all of this itself.
    pub(crate) router: Router,
    pub(crate) edge: Edge,
    pub(crate) admission: Admission,
    pub(crate) marks: Option<Arc<Marks>>,
}

impl<F: Front> Fronted<F> {
    /// Answers a request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<F::Body>, Infallible> {
        if !self.front.takes(request.uri().path()) {
            return Box::pin(self.route(request, peer)).await;
        }
        let around = &self.around;
        let answer = around.edge.answer(request, async |request| {
            let asked = Asked::of(request.uri().path());
            let mut work = pin!(self.work(request, peer));
            around.admission.answer(asked, work.as_mut()).await
        });
        Ok(answer.await)
    }

    async fn work(
        &self,
        request: Request<Limited<Incoming>>,
        peer: SocketAddr,
    ) -> Response<F::Body> {
        if let Some(marks) = &self.around.marks
            && let Some(problem) = Box::pin(marks.meet(request.uri().path())).await
        {
            return problem.into_response().map(F::Body::from);
        }
        self.front.answer(request, peer).await
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<F::Body>, Infallible> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = self.around.router.clone().oneshot(request).await;
        answer.map(|response| response.map(F::Body::from))
    }
}
