//! Media over HTTP.

use async_trait::async_trait;
use axum::http::{
    Method,
    header::{CACHE_CONTROL, ETAG, LOCATION},
};
use bothways_domain::{
    Caller, Error, Result,
    id::{PictureId, ProductId},
    media::{MediaApi, Picture, Variant},
};

use super::{
    Remote,
    remote::{LONG_TIMEOUT, Reply, optional},
};

/// Media as another process runs it.
#[derive(Debug, Clone)]
pub struct MediaClient(Remote);

impl MediaClient {
    /// Media at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }
}

/// The id in a header of an answer, between what surrounds it there.
fn id_in(
    reply: &Reply,
    name: &axum::http::HeaderName,
    before: &str,
    after: &str,
) -> Result<PictureId> {
    let value = reply
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    let id = value.and_then(|value| value.strip_prefix(before)?.strip_suffix(after));
    id.and_then(PictureId::parse)
        .ok_or_else(|| Error::unavailable("media"))
}

#[async_trait]
impl MediaApi for MediaClient {
    async fn upload(
        &self,
        caller: &Caller,
        product: &ProductId,
        photo: Vec<u8>,
    ) -> Result<PictureId> {
        let path = ["api", "products", product.as_str(), "photo"];
        let call = self.0.call(Method::PUT, &path)?.caller(caller);
        // Any of the types: the content decides.
        let call = call.body("image/jpeg", photo).timeout(LONG_TIMEOUT);
        id_in(&call.send().await?, &LOCATION, "/media/", "/full")
    }

    async fn picture(&self, id: &str, variant: Variant) -> Result<Option<Picture>> {
        if ProductId::parse(id).is_none() {
            return Ok(None);
        }
        let read = async { self.0.get(&["media", id, variant.as_str()])?.send().await };
        let Some(reply) = optional(read.await)? else {
            return Ok(None);
        };
        let caching = reply.headers().get(CACHE_CONTROL);
        let is_fixed = caching.is_some_and(|value| value.as_bytes().ends_with(b"immutable"));
        Ok(Some(Picture {
            id: id_in(&reply, &ETAG, "\"", &format!("-{}\"", variant.as_str()))?,
            is_fixed,
            content: reply.into_bytes(),
        }))
    }
}
