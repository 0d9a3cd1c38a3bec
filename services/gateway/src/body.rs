//! A request's body on its way to a service.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};

/// How long a client may go on sending what nobody reads any more.
const DISCARD: Duration = Duration::from_secs(10);
/// The longest body that is read whole before it is sent, so that it can be sent again, in bytes. The shop's own requests
/// are shorter; what is longer (photos, imports) goes through piece by piece.
const KEPT: u64 = 64 * 1024;

/// What a client sends, cut off at its limit.
pub(crate) type Upload = Limited<Incoming>;
/// Why it broke off.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// A body, as often as it can be sent.
pub(crate) enum Payload {
    /// As often as need be.
    Kept(Bytes),
    /// Once, or again as long as nobody took a piece of it.
    Streamed(Arc<Store>),
}

impl Payload {
    /// Takes a body in: whole if it says that it is short.
    pub(crate) async fn of(body: Upload) -> Result<Self, Error> {
        if body.size_hint().exact().is_some_and(|bytes| bytes <= KEPT) {
            return Ok(Self::Kept(body.collect().await?.to_bytes()));
        }
        Ok(Self::Streamed(Arc::new(Store(Mutex::new(Some(body))))))
    }

    /// Whether it can be sent again whatever became of it.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// Whether it can be sent now.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Kept(_) => true,
            Self::Streamed(store) => store.slot().is_some(),
        }
    }

    /// The body to send; `None` when it can't be sent any more.
    pub(crate) fn send(&self) -> Option<Sent> {
        match self {
            Self::Kept(bytes) => Some(Sent::Whole(bytes.clone())),
            Self::Streamed(store) => {
                let body = store.slot().take()?;
                let store = store.clone();
                Some(Sent::Pieces(Outgoing {
                    body: Some(body),
                    untouched: Some(store),
                }))
            }
        }
    }
}

/// A body on its way.
#[derive(Debug)]
pub(crate) enum Sent {
    /// What is left of it, at once.
    Whole(Bytes),
    /// As it comes.
    Pieces(Outgoing),
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces) => Pin::new(pieces).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(pieces) => pieces.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(pieces) => pieces.size_hint(),
        }
    }
}

/// Where a body is while it is not being sent.
#[derive(Debug)]
pub(crate) struct Store(Mutex<Option<Upload>>);

impl Store {
    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        discard(self.slot().take());
    }
}

/// A body that is read to its end even when the service no longer wants it, or goes back whole when the service never
/// began with it.
///
/// A client that is busy sending does not hear an answer until it is done; closing the connection on it would reset
/// it, and the answer (413, say) would be lost.
#[derive(Debug)]
pub(crate) struct Outgoing {
    body: Option<Upload>,
    untouched: Option<Arc<Store>>,
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
        self.untouched = None;
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
        match self.untouched.take() {
            Some(store) => *store.slot() = self.body.take(),
            None => discard(self.body.take()),
        }
    }
}

/// Reads, apart from the request, what is left of a body that nobody wants.
fn discard(body: Option<Upload>) {
    let unread = body.filter(|body| !body.is_end_stream());
    if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
        runtime.spawn(tokio::time::timeout(DISCARD, read_out(body)));
    }
}

/// Reads what is left, up to its end or until the connection fails. A body over its limit gives an error for each
/// further piece, which here is as good as the piece.
async fn read_out(mut body: Upload) {
    while let Some(frame) = body.frame().await {
        if frame.is_err_and(|error| !is_over_limit(error.as_ref())) {
            break;
        }
    }
}

/// Whether an error comes from a body that is longer than the edge allows.
pub(crate) fn is_over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<LengthLimitError>)
}
