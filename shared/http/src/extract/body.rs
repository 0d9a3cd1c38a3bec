//! Reading a whole body.

use std::error::Error as StdError;

use axum::{
    body::{Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, header::CONTENT_TYPE},
};
use bothways_domain::Error;
use http_body_util::LengthLimitError;

/// The body, if it is declared to be `media_type`. The edge limits its size.
pub(crate) async fn read(request: Request, media_type: &str) -> Result<Bytes, Error> {
    read_any(request, &[media_type]).await
}

/// The body, if it is declared to be of one of these types.
pub(crate) async fn read_any(request: Request, media_types: &[&str]) -> Result<Bytes, Error> {
    let declared = request.headers();
    if !media_types
        .iter()
        .any(|media_type| is_of(declared, media_type))
    {
        return Err(Error::UnsupportedMediaType);
    }
    to_bytes(request.into_body(), usize::MAX)
        .await
        .map_err(|error| {
            if is_too_large(&error) {
                Error::PayloadTooLarge
            } else {
                Error::MalformedRequest("the body did not arrive whole".to_owned())
            }
        })
}

/// Whether the content type is `media_type`, with whatever parameters.
fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media_type)
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            return true;
        }
        source = cause.source();
    }
    false
}
