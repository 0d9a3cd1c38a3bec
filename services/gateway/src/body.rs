//! A request's body on its way to a service.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Error, body::Body};
use http_body_util::{BodyExt as _, LengthLimitError};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};

/// How long a client may go on sending what nobody reads any more.
const DISCARD: Duration = Duration::from_secs(10);

/// A body that is read to its end even when the service no longer wants it.
///
/// A client that is busy sending does not hear an answer until it is done; closing the connection on it would reset
/// it, and the answer (413, say) would be lost.
struct Outgoing {
    body: Option<Body>,
}

/// Wraps a body, unless there is none.
pub(crate) fn outgoing(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Outgoing { body: Some(body) })
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(context));
        if frame.is_none() {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DISCARD, discard(body)));
        }
    }
}

/// Reads what is left, up to its end or until the connection fails. A body over its limit gives an error for each
/// further piece, which here is as good as the piece.
async fn discard(mut body: Body) {
    while let Some(frame) = body.frame().await {
        if frame.is_err_and(|error| !is_over_limit(&error)) {
            break;
        }
    }
}

/// Whether an error comes from a body that is longer than the edge allows.
pub(crate) fn is_over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<LengthLimitError>)
}
