//! Makes pictures of uploaded photos: the handler of `photo.uploaded`.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Imaging, PhotoStore};
use crate::{
    Error, Result,
    event::{Event, EventHandler, EventKind},
    id::{PictureId, ProductId},
    product::{Images, ProductApi},
};

/// Follows uploads. The event names the product only and the newest upload is taken, so that it does no harm when
/// events come again or in another order.
pub struct PictureMaker {
    /// Photos and pictures.
    pub photos: Arc<dyn PhotoStore>,
    /// What makes one of the other.
    pub imaging: Arc<dyn Imaging>,
    /// Whose pictures they become.
    pub products: Arc<dyn ProductApi>,
}

impl PictureMaker {
    /// Makes the newest usable upload of a product its picture, and forgets it with all before it. An upload that can't
    /// be used stays and is the answer, also when an older one could.
    async fn follow(&self, product: &ProductId) -> Result<()> {
        let uploads = self.photos.uploads(product).await?;
        if uploads.is_empty() {
            return Ok(());
        }
        let known = self.products.records(std::slice::from_ref(product)).await?;
        if known.is_empty() {
            return self.photos.forget_uploads(product, &uploads).await;
        }
        let mut refused = Ok(());
        for (index, upload) in uploads.iter().enumerate().rev() {
            match self.make(product, upload).await {
                Ok(()) => {
                    let handled = &uploads[..=index];
                    self.photos.forget_uploads(product, handled).await?;
                    return refused;
                }
                Err(error @ (Error::Unavailable { .. } | Error::Timeout)) => return Err(error),
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        refused
    }

    async fn make(&self, product: &ProductId, upload: &PictureId) -> Result<()> {
        let Some(photo) = self.photos.upload(product, upload).await? else {
            // Another handler was faster.
            return Ok(());
        };
        for (variant, content) in self.imaging.scale(photo).await? {
            self.photos.keep_picture(upload, variant, content).await?;
        }
        let images = Images::of(upload);
        let is_set = self.products.set_picture(product, upload, images).await?;
        tracing::info!(%product, picture = %upload, is_set, "made the pictures of a photo");
        Ok(())
    }
}

#[async_trait]
impl EventHandler for PictureMaker {
    /// What can't be reached fails the whole batch, which costs its events no try where they are pushed.
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        let mut failed = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if event.kind != EventKind::PhotoUploaded {
                continue;
            }
            let Some(product) = ProductId::parse(&event.subject) else {
                failed.push((index, "its subject is no product".to_owned()));
                continue;
            };
            match self.follow(&product).await {
                Ok(()) => {}
                Err(error @ (Error::Unavailable { .. } | Error::Timeout)) => return Err(error),
                Err(error) => failed.push((index, reason(&error))),
            }
        }
        Ok(failed)
    }
}

/// Why a photo was refused, for the dead letters.
fn reason(error: &Error) -> String {
    match error {
        Error::Internal(source) => format!("{error}: {source}"),
        other => other.to_string(),
    }
}
