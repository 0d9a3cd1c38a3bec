//! The ports of the media context.

use async_trait::async_trait;

use super::{Picture, Variant};
use crate::{
    Caller, Result,
    event::{Event, Teller},
    id::{PictureId, ProductId},
};

/// What the rest of the shop can ask of media.
#[async_trait]
pub trait MediaApi: Send + Sync {
    /// Takes a photo of a product (administrator); the id its pictures will have. `NotFound` without such a product,
    /// `NotAnImage` when the photo's first bytes show that no picture can be made of it.
    async fn upload(
        &self,
        caller: &Caller,
        product: &ProductId,
        photo: Vec<u8>,
    ) -> Result<PictureId>;

    /// A picture by its own id or, by a product's id, the product's present one.
    async fn picture(&self, id: &str, variant: Variant) -> Result<Option<Picture>>;
}

/// What the media context needs of an object store.
#[async_trait]
pub trait PhotoStore: Send + Sync {
    /// Keeps a photo until its pictures are made.
    async fn keep_upload(
        &self,
        product: &ProductId,
        upload: &PictureId,
        photo: Vec<u8>,
    ) -> Result<()>;

    /// The uploads of a product that are kept, oldest first.
    async fn uploads(&self, product: &ProductId) -> Result<Vec<PictureId>>;

    /// The photo of an upload, if it is still kept.
    async fn upload(&self, product: &ProductId, upload: &PictureId) -> Result<Option<Vec<u8>>>;

    /// Forgets uploads, also such as are gone already.
    async fn forget_uploads(&self, product: &ProductId, uploads: &[PictureId]) -> Result<()>;

    /// Keeps a variant of a picture for good.
    async fn keep_picture(&self, id: &PictureId, variant: Variant, content: Vec<u8>) -> Result<()>;

    /// A variant of a picture, if there is one.
    async fn picture(&self, id: &PictureId, variant: Variant) -> Result<Option<Vec<u8>>>;
}

/// Knows photos from other bytes.
pub trait Inspector: Send + Sync {
    /// Looks at a photo's headers, without decoding it: `NotAnImage` when it is no JPEG, PNG or WebP, or has no pixels
    /// or more than [`MAX_PIXELS`](super::MAX_PIXELS).
    fn inspect(&self, photo: &[u8]) -> Result<()>;
}

/// Makes pictures of photos.
#[async_trait]
pub trait Imaging: Send + Sync {
    /// Makes every variant of a photo: upright, as WebP, without what the camera noted. `NotAnImage` when the photo
    /// can't be decoded.
    async fn scale(&self, photo: Vec<u8>) -> Result<Vec<(Variant, Vec<u8>)>>;
}

/// Tells of uploads where the object store does so by itself: a bucket that notifies a queue.
#[derive(Debug, Clone, Copy)]
pub struct BucketTells;

#[async_trait]
impl Teller for BucketTells {
    async fn tell(&self, _: &Event) -> Result<()> {
        Ok(())
    }
}
