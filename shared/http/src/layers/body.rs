//! How large a request's body may be.

use std::time::Duration;

use axum::{body::HttpBody, extract::Request};
use bothways_domain::Error;
use bytes::Buf;
use http_body_util::{BodyExt as _, Limited};

use crate::Problem;

/// The most bytes of a body, unless it is an upload.
pub const MAX_BODY: usize = 1 << 20;
/// The most bytes of an import or a photo: what fits base64-encoded into Lambda's 6 MB payload.
pub const MAX_UPLOAD: usize = 4 << 20;
/// How much of a body that is too large is still read: a client that is busy sending does not hear an answer
/// until it is done, and would see its connection reset instead.
const MAX_DISCARDED: usize = 16 << 20;

/// How long reading it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes a body sent to `path` may have.
pub fn body_limit(path: &str) -> usize {
    let is_upload =
        path.starts_with("/api/") && (path.ends_with("/import") || path.ends_with("/photo"));
    // Between services there are batches, and nobody untrusted.
    if is_upload || path.starts_with("/internal/") {
        MAX_UPLOAD
    } else {
        MAX_BODY
    }
}

/// A request whose body is cut off at its limit; a problem if it says that it is longer.
pub(super) async fn within_limit<B>(request: Request<B>) -> Result<Request<Limited<B>>, Problem>
where
    B: HttpBody + Unpin,
{
    let limit = body_limit(request.uri().path());
    let declared = request.body().size_hint().lower();
    if usize::try_from(declared).is_ok_and(|bytes| bytes <= limit) {
        return Ok(request.map(|body| Limited::new(body, limit)));
    }
    // A client that can't be waited for is answered all the same.
    let _ = tokio::time::timeout(PATIENCE, Box::pin(discard(request.into_body()))).await;
    Err(Problem::from(Error::PayloadTooLarge))
}

async fn discard(mut body: impl HttpBody + Unpin) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(read) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}
