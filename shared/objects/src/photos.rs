//! Photos and pictures: `uploads/{product}/{upload}` until it is handled, `pictures/{picture}/{variant}.webp` for good.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    id::{PictureId, ProductId},
    media::{PhotoStore, Variant},
};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path as Key};

/// How long a picture is waited for: somebody looks at a page without it. The store's client goes on trying for minutes, which is
/// right for what is written.
const PATIENCE: Duration = Duration::from_secs(3);

/// An object store with photos in it.
#[derive(Debug, Clone)]
pub struct Photos {
    store: Arc<dyn ObjectStore>,
    root: Key,
}

/// The store can't be asked.
fn outage(error: impl std::fmt::Display) -> Error {
    tracing::warn!(%error, "the photo store can't be used");
    Error::unavailable("the photo store")
}

impl Photos {
    /// The photos at `file:///directory` or `s3://bucket/prefix`.
    pub fn open(url: &str) -> Result<Self> {
        let (store, root) = crate::open(url)?;
        Ok(Self { store, root })
    }

    fn uploads_of(&self, product: &ProductId) -> Key {
        self.root.clone().join("uploads").join(product.as_str())
    }

    fn picture_key(&self, id: &PictureId, variant: Variant) -> Key {
        let pictures = self.root.clone().join("pictures").join(id.as_str());
        pictures.join(format!("{}.webp", variant.as_str()))
    }

    async fn put(&self, key: &Key, content: Vec<u8>) -> Result<()> {
        let put = self.store.put(key, content.into()).await;
        put.map(|_| ()).map_err(outage)
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        match self.store.get(key).await {
            Ok(found) => {
                let content = found.bytes().await.map_err(outage)?;
                Ok(Some(content.into()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(outage(error)),
        }
    }
}

#[async_trait]
impl PhotoStore for Photos {
    async fn keep_upload(
        &self,
        product: &ProductId,
        upload: &PictureId,
        photo: Vec<u8>,
    ) -> Result<()> {
        let key = self.uploads_of(product).join(upload.as_str());
        self.put(&key, photo).await
    }

    async fn uploads(&self, product: &ProductId) -> Result<Vec<PictureId>> {
        let prefix = self.uploads_of(product);
        let listed = self.store.list(Some(&prefix));
        let listed: Vec<_> = listed.try_collect().await.map_err(outage)?;
        let ids = listed
            .iter()
            .filter_map(|meta| PictureId::parse(meta.location.filename()?));
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        Ok(ids)
    }

    async fn upload(&self, product: &ProductId, upload: &PictureId) -> Result<Option<Vec<u8>>> {
        let key = self.uploads_of(product).join(upload.as_str());
        self.get(&key).await
    }

    async fn forget_uploads(&self, product: &ProductId, uploads: &[PictureId]) -> Result<()> {
        let keys: Vec<_> = uploads
            .iter()
            .map(|upload| Ok(self.uploads_of(product).join(upload.as_str())))
            .collect();
        let mut deleted = self
            .store
            .delete_stream(futures::stream::iter(keys).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(outage(error)),
            }
        }
        Ok(())
    }

    async fn keep_picture(&self, id: &PictureId, variant: Variant, content: Vec<u8>) -> Result<()> {
        self.put(&self.picture_key(id, variant), content).await
    }

    async fn picture(&self, id: &PictureId, variant: Variant) -> Result<Option<Vec<u8>>> {
        let key = self.picture_key(id, variant);
        let read = tokio::time::timeout(PATIENCE, self.get(&key)).await;
        read.unwrap_or_else(|_| Err(outage("no answer in time")))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn id<T>(parse: impl Fn(&str) -> Option<T>, text: &str) -> T {
        parse(text).unwrap()
    }

    fn open(folder: &TempDir) -> Photos {
        Photos::open(&format!("file://{}/photos", folder.path().display())).unwrap()
    }

    #[tokio::test]
    async fn uploads_are_kept_by_product_oldest_first_until_they_are_forgotten() {
        let folder = TempDir::new().unwrap();
        let (photos, peer) = (open(&folder), open(&folder));
        let (kettle, mug) = (id(ProductId::parse, "kettle"), id(ProductId::parse, "mug"));
        let uploads = ["03", "01", "02"].map(|text| id(PictureId::parse, text));
        for upload in &uploads {
            let photo = upload.as_str().into();
            photos.keep_upload(&kettle, upload, photo).await.unwrap();
        }
        assert!(photos.uploads(&mug).await.unwrap().is_empty());
        let kept = peer.uploads(&kettle).await.unwrap();
        assert_eq!(
            kept.iter().map(PictureId::as_str).collect::<Vec<_>>(),
            ["01", "02", "03"]
        );
        let read = peer.upload(&kettle, &uploads[2]).await.unwrap();
        assert_eq!(read.as_deref(), Some(&b"02"[..]));
        for _ in 0..2 {
            photos.forget_uploads(&kettle, &kept[..2]).await.unwrap();
            assert_eq!(peer.uploads(&kettle).await.unwrap(), kept[2..]);
        }
        assert_eq!(peer.upload(&kettle, &uploads[2]).await.unwrap(), None);
        assert_eq!(peer.upload(&mug, &uploads[0]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn ids_that_are_special_in_paths_are_products_like_any_other() {
        let folder = TempDir::new().unwrap();
        let photos = open(&folder);
        let upload = id(PictureId::parse, "01");
        for name in [".", "..", "a.b", "-", "..."] {
            let product = id(ProductId::parse, name);
            photos
                .keep_upload(&product, &upload, name.into())
                .await
                .unwrap();
            assert_eq!(
                photos.uploads(&product).await.unwrap(),
                std::slice::from_ref(&upload)
            );
            let read = photos.upload(&product, &upload).await.unwrap();
            assert_eq!(read.as_deref(), Some(name.as_bytes()));
        }
    }

    #[tokio::test]
    async fn a_picture_is_kept_by_variant() {
        let folder = TempDir::new().unwrap();
        let photos = open(&folder);
        let (picture, other) = (id(PictureId::parse, "01"), id(PictureId::parse, "02"));
        photos
            .keep_picture(&picture, Variant::Card, b"card".into())
            .await
            .unwrap();
        let read = open(&folder)
            .picture(&picture, Variant::Card)
            .await
            .unwrap();
        assert_eq!(read.as_deref(), Some(&b"card"[..]));
        assert_eq!(photos.picture(&picture, Variant::Full).await.unwrap(), None);
        assert_eq!(photos.picture(&other, Variant::Card).await.unwrap(), None);
    }
}
