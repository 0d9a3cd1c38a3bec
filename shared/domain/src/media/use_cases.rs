//! The rules of the media context.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Inspector, MAX_BYTES, MediaApi, PhotoStore, Picture, Variant};
use crate::{
    Caller, Error, Result,
    event::{Event, EventKind, Teller},
    id::{PictureId, ProductId},
    product::ProductApi,
    time::{Clock, Entropy},
};

/// The media context over its object store.
pub struct MediaUseCases {
    /// Photos and pictures.
    pub photos: Arc<dyn PhotoStore>,
    /// What knows photos from other bytes.
    pub inspector: Arc<dyn Inspector>,
    /// Whose photos they are.
    pub products: Arc<dyn ProductApi>,
    /// Who hears of an upload.
    pub teller: Arc<dyn Teller>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
}

impl MediaUseCases {
    /// The picture the product shows at present.
    async fn present(&self, product: &ProductId) -> Result<Option<PictureId>> {
        let found = self.products.records(std::slice::from_ref(product)).await?;
        let images = found.into_iter().next().and_then(|found| found.images);
        Ok(images.and_then(|images| images.picture()))
    }

    async fn find(
        &self,
        id: PictureId,
        variant: Variant,
        is_fixed: bool,
    ) -> Result<Option<Picture>> {
        let content = self.photos.picture(&id, variant).await?;
        Ok(content.map(|content| Picture {
            id,
            content,
            is_fixed,
        }))
    }
}

#[async_trait]
impl MediaApi for MediaUseCases {
    async fn upload(
        &self,
        caller: &Caller,
        product: &ProductId,
        photo: Vec<u8>,
    ) -> Result<PictureId> {
        caller.require_admin()?;
        if photo.len() > MAX_BYTES {
            return Err(Error::PayloadTooLarge);
        }
        let known = self.products.records(std::slice::from_ref(product)).await?;
        if known.is_empty() {
            return Err(Error::not_found("product"));
        }
        self.inspector.inspect(&photo)?;
        let now = self.clock.now();
        let id = PictureId::at(now, self.entropy.as_ref());
        self.photos.keep_upload(product, &id, photo).await?;
        let kind = EventKind::PhotoUploaded;
        let event = Event::of_product(kind, product, now, self.entropy.as_ref());
        self.teller.tell(&event).await?;
        Ok(id)
    }

    async fn picture(&self, id: &str, variant: Variant) -> Result<Option<Picture>> {
        if let Some(id) = PictureId::parse(id)
            && let Some(found) = self.find(id, variant, true).await?
        {
            return Ok(Some(found));
        }
        let Some(product) = ProductId::parse(id) else {
            return Ok(None);
        };
        match self.present(&product).await? {
            Some(picture) => self.find(picture, variant, false).await,
            None => Ok(None),
        }
    }
}
