//! The ports of the product context.

use async_trait::async_trait;

use super::{Images, Product, ProductDraft, ProductView};
use crate::{
    Caller, Result,
    event::Event,
    id::{PictureId, ProductId},
    import::{Change, ImportLine, ImportReport},
};

/// What the rest of the shop can ask of products.
#[async_trait]
pub trait ProductApi: Send + Sync {
    /// A product as shoppers see it, if there is one.
    async fn view(&self, id: &ProductId) -> Result<Option<ProductView>>;

    /// Several products as shoppers see them, in the order asked, unknown ones left out.
    async fn views(&self, ids: &[ProductId]) -> Result<Vec<ProductView>>;

    /// Products as stored, in the order asked, unknown ones left out. For other contexts, at most 100.
    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>>;

    /// Stored products in the order of their ids, after `after`, at most `limit` (1 to 1 000). For rebuilding an index.
    async fn catalogue(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>>;

    /// Creates or replaces a product (administrator).
    async fn put(
        &self,
        caller: &Caller,
        id: &ProductId,
        draft: ProductDraft,
    ) -> Result<(Change, ProductView)>;

    /// Deletes a product, also when already gone (administrator).
    async fn delete(&self, caller: &Caller, id: &ProductId) -> Result<()>;

    /// Makes a picture the product's, for media. `false`, and nothing is changed, when there is no such product or its
    /// present picture is this one or a newer one.
    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: Images,
    ) -> Result<bool>;

    /// Creates or replaces many (administrator).
    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport>;
}

/// A product as it is now stored, and what storing it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The stored product.
    pub product: Product,
    /// What changed.
    pub change: Change,
}

/// What the product context needs of a database. Each write is one atomic operation.
#[async_trait]
pub trait ProductStore: Send + Sync {
    /// The products with these ids, in any order.
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>>;

    /// Products of exactly the category of `product`, without itself, best rated first (unrated last), then by id.
    async fn related(&self, product: &Product, limit: u32) -> Result<Vec<Product>>;

    /// The product of that id with its [`related`](Self::related) ones, asked for at once: what a product's page shows.
    async fn with_related(
        &self,
        id: &ProductId,
        limit: u32,
    ) -> Result<Option<(Product, Vec<Product>)>>;

    /// Products in the order of their ids, after `after`.
    async fn page(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>>;

    /// Creates or replaces products in one transaction, in the order given, each with its event. A product whose draft
    /// is already as given is left alone, and its event is not written. On replacing, `created_at` and
    /// `images` stay as they were.
    async fn save(&self, products: Vec<(Product, Event)>) -> Result<Vec<Saved>>;

    /// Sets the product's picture and writes the event, unless there is no such product or its present picture's
    /// id is this one or a later one. The product became different at the event's time.
    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: &Images,
        event: Event,
    ) -> Result<bool>;

    /// Deletes the product and writes the event, if there is such a product.
    async fn delete(&self, id: &ProductId, event: Event) -> Result<bool>;
}
