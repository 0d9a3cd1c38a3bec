//! A service that answers most requests without a router: the gateway, whose forwarding costs less than the layers of
//! one.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, Response},
    response::IntoResponse as _,
};
use bothways_http::{
    Problem, ProblemType,
    layers::{Edge, Routes},
};
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Incoming};

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

    /// What it knows of who asks over a connection.
    type Client: Send + Sync + 'static;

    /// Whom it meets at the other end of a connection.
    fn meet(&self, peer: SocketAddr) -> Self::Client;

    /// Whether it answers what is asked at `path`.
    fn takes(&self, path: &str) -> bool;

    /// Answers a client's request.
    fn answer(
        &self,
        request: Request<Limited<Incoming>>,
        client: &Self::Client,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// The front of a service that has none: its routes answer everything.
pub(crate) struct NoFront;

impl Front for NoFront {
    type Body = Body;
    type Client = ();

    fn meet(&self, _: SocketAddr) {}

    fn takes(&self, _: &str) -> bool {
        false
    }

    async fn answer(&self, _: Request<Limited<Incoming>>, (): &()) -> Response<Body> {
        Problem::new(ProblemType::NotFound, "there is no front").into_response()
    }
}

/// What every service has, around a front.
pub(crate) struct Fronted<F> {
    pub(crate) front: F,
    pub(crate) around: Around,
}

/// A connection's client and who answers it.
pub(crate) struct Meeting<F: Front> {
    fronted: Arc<Fronted<F>>,
    peer: SocketAddr,
    client: F::Client,
}

/// What every service has around what answers.
#[derive(Clone)]
pub(crate) struct Around {
    /// Answers what no front takes.
    pub(crate) routes: Routes,
    pub(crate) edge: Edge,
    pub(crate) admission: Admission,
    pub(crate) marks: Option<Arc<Marks>>,
}

impl<F: Front> Meeting<F> {
    pub(crate) fn of(fronted: Arc<Fronted<F>>, peer: SocketAddr) -> Self {
        let client = fronted.front.meet(peer);
        Self {
            fronted,
            peer,
            client,
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<F::Body>, Infallible> {
        let around = &self.fronted.around;
        let answer = around.edge.answer(request, async |request| {
            let asked = Asked::of(request.uri().path());
            let mut work = pin!(self.work(request));
            around.admission.answer(asked, work.as_mut()).await
        });
        Ok(answer.await)
    }

    async fn work(&self, request: Request<Limited<Incoming>>) -> Response<F::Body> {
        let Fronted { front, around } = &*self.fronted;
        if let Some(marks) = &around.marks
            && let Some(problem) = Box::pin(marks.meet(request.uri().path())).await
        {
            return problem.into_response().map(F::Body::from);
        }
        if front.takes(request.uri().path()) {
            front.answer(request, &self.client).await
        } else {
            Box::pin(self.route(request)).await
        }
    }

    async fn route(&self, mut request: Request<Limited<Incoming>>) -> Response<F::Body> {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = self.fronted.around.routes.answer(request).await;
        answer.map(F::Body::from)
    }
}
