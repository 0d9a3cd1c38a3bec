//! Media's neighbours in memory: an object store, a product store, an outbox, and pictures that are words.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bothways_domain::{
    Currency, Error, Result,
    event::{Event, Teller},
    id::{PictureId, ProductId},
    import::Change,
    media::{Imaging, Inspector, MediaUseCases, PhotoStore, PictureMaker, Variant},
    product::{Images, Product, ProductStore, ProductUseCases, Saved},
};

use crate::{neighbours::record, store::Face, world::World};

/// Whatever survives a crash.
#[derive(Default)]
pub(crate) struct Studio {
    pub(crate) uploads: Mutex<BTreeMap<(ProductId, PictureId), Vec<u8>>>,
    pub(crate) pictures: Mutex<BTreeMap<(PictureId, &'static str), Vec<u8>>>,
    pub(crate) products: Mutex<BTreeMap<ProductId, (Product, Option<PictureId>)>>,
    pub(crate) told: Mutex<Vec<Event>>,
    /// Whether setting a product's picture can't be reached.
    pub(crate) products_down: AtomicBool,
}

impl Studio {
    /// A studio for a shop that sells these.
    pub(crate) fn of(products: &[&str]) -> Arc<Self> {
        let studio = Self::default();
        for product in products {
            let id = ProductId::parse(product).unwrap();
            let kept = (record(&id), None);
            studio.products.lock().unwrap().insert(id, kept);
        }
        Arc::new(studio)
    }

    fn product_api(self: &Arc<Self>, world: &Arc<World>) -> Arc<ProductUseCases> {
        Arc::new(ProductUseCases {
            store: self.clone(),
            inventory: Arc::new(Face(world.clone())),
            currency: Currency::USD,
            clock: world.clone(),
            entropy: world.clone(),
        })
    }

    /// The media context.
    pub(crate) fn media(self: &Arc<Self>, world: &Arc<World>) -> MediaUseCases {
        MediaUseCases {
            photos: self.clone(),
            inspector: self.clone(),
            products: self.product_api(world),
            teller: self.clone(),
            clock: world.clone(),
            entropy: world.clone(),
        }
    }

    /// The handler of its events.
    pub(crate) fn maker(self: &Arc<Self>, world: &Arc<World>) -> PictureMaker {
        PictureMaker {
            photos: self.clone(),
            imaging: self.clone(),
            products: self.product_api(world),
        }
    }

    /// What a product shows.
    pub(crate) fn images(&self, product: &str) -> Option<Images> {
        let id = ProductId::parse(product).unwrap();
        self.products.lock().unwrap()[&id].0.images.clone()
    }

    /// The photos that are kept, as words.
    pub(crate) fn kept(&self) -> Vec<String> {
        let uploads = self.uploads.lock().unwrap();
        let word = |photo: &Vec<u8>| String::from_utf8(photo.clone()).unwrap();
        uploads.values().map(word).collect()
    }
}

#[async_trait]
impl PhotoStore for Studio {
    async fn keep_upload(&self, product: &ProductId, id: &PictureId, photo: Vec<u8>) -> Result<()> {
        let key = (product.clone(), id.clone());
        self.uploads.lock().unwrap().insert(key, photo);
        Ok(())
    }

    async fn uploads(&self, product: &ProductId) -> Result<Vec<PictureId>> {
        let uploads = self.uploads.lock().unwrap();
        let of = uploads.keys().filter(|(of, _)| of == product);
        Ok(of.map(|(_, id)| id.clone()).collect())
    }

    async fn upload(&self, product: &ProductId, id: &PictureId) -> Result<Option<Vec<u8>>> {
        let key = (product.clone(), id.clone());
        Ok(self.uploads.lock().unwrap().get(&key).cloned())
    }

    async fn forget_uploads(&self, product: &ProductId, ids: &[PictureId]) -> Result<()> {
        let mut uploads = self.uploads.lock().unwrap();
        uploads.retain(|(of, id), _| of != product || !ids.contains(id));
        Ok(())
    }

    async fn keep_picture(&self, id: &PictureId, variant: Variant, content: Vec<u8>) -> Result<()> {
        let key = (id.clone(), variant.as_str());
        self.pictures.lock().unwrap().insert(key, content);
        Ok(())
    }

    async fn picture(&self, id: &PictureId, variant: Variant) -> Result<Option<Vec<u8>>> {
        let key = (id.clone(), variant.as_str());
        Ok(self.pictures.lock().unwrap().get(&key).cloned())
    }
}

impl Inspector for Studio {
    fn inspect(&self, photo: &[u8]) -> Result<()> {
        if photo.starts_with(b"photo") {
            Ok(())
        } else {
            Err(Error::NotAnImage("it is no photo".to_owned()))
        }
    }
}

#[async_trait]
impl Imaging for Studio {
    async fn scale(&self, photo: Vec<u8>) -> Result<Vec<(Variant, Vec<u8>)>> {
        let word = String::from_utf8(photo).unwrap();
        if word.contains("broken") {
            return Err(Error::NotAnImage(format!("{word} ends early")));
        }
        let make = |variant: Variant| (variant, format!("{} of {word}", variant.as_str()).into());
        Ok(Variant::ALL.map(make).into())
    }
}

#[async_trait]
impl Teller for Studio {
    async fn tell(&self, event: &Event) -> Result<()> {
        self.told.lock().unwrap().push(event.clone());
        Ok(())
    }
}

#[async_trait]
impl ProductStore for Studio {
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        let products = self.products.lock().unwrap();
        let found = ids.iter().filter_map(|id| products.get(id));
        Ok(found.map(|(product, _)| product.clone()).collect())
    }

    async fn related(&self, _: &Product, _: u32) -> Result<Vec<Product>> {
        Ok(Vec::new())
    }

    async fn with_related(
        &self,
        id: &ProductId,
        _: u32,
    ) -> Result<Option<(Product, Vec<Product>)>> {
        let found = self.find(std::slice::from_ref(id)).await?.pop();
        Ok(found.map(|product| (product, Vec::new())))
    }

    async fn page(&self, _: Option<&ProductId>, _: u32) -> Result<Vec<Product>> {
        Ok(Vec::new())
    }

    async fn save(&self, products: Vec<(Product, Event)>) -> Result<Vec<Saved>> {
        let saved = products.into_iter().map(|(product, _)| Saved {
            product,
            change: Change::Unchanged,
        });
        Ok(saved.collect())
    }

    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: &Images,
        _: Event,
    ) -> Result<bool> {
        if self.products_down.load(Ordering::Relaxed) {
            return Err(Error::unavailable("product"));
        }
        let mut products = self.products.lock().unwrap();
        let Some((product, present)) = products.get_mut(id) else {
            return Ok(false);
        };
        if present.as_ref().is_some_and(|present| present >= picture) {
            return Ok(false);
        }
        product.images = Some(images.clone());
        *present = Some(picture.clone());
        Ok(true)
    }

    async fn delete(&self, id: &ProductId, _: Event) -> Result<bool> {
        Ok(self.products.lock().unwrap().remove(id).is_some())
    }
}
