//! The rules of the product context.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::{Images, Product, ProductApi, ProductDraft, ProductStore, ProductView, Saved};
use crate::{
    Caller, Currency, Error, Result,
    event::{Event, EventKind},
    id::{PictureId, ProductId},
    import::{Change, ImportLine, ImportReport, RejectedLine},
    inventory::{Availability, InventoryApi},
    search::Hit,
    time::{Clock, Entropy},
};

/// How many related products a product page shows.
const RELATED: u32 = 6;

/// The product context over its store. Inventory is asked for availability and may fail.
pub struct ProductUseCases {
    /// The shop's products.
    pub store: Arc<dyn ProductStore>,
    /// Whether they can be had.
    pub inventory: Arc<dyn InventoryApi>,
    /// The one currency sold in.
    pub currency: Currency,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of events.
    pub entropy: Arc<dyn Entropy>,
}

impl ProductUseCases {
    /// The availability of each product; all unknown when inventory can't be asked.
    async fn availability(&self, ids: &[ProductId]) -> HashMap<ProductId, Availability> {
        match self.inventory.availability(ids).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "showing products without availability");
                HashMap::new()
            }
        }
    }

    /// The stored products with these ids, in the order asked.
    async fn in_order(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        let found = self.store.find(ids).await?;
        let mut by_id: HashMap<_, _> = found
            .into_iter()
            .map(|product| (product.id.clone(), product))
            .collect();
        Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }

    fn new_product(&self, id: ProductId, draft: ProductDraft) -> (Product, Event) {
        let now = self.clock.now();
        let event = Event::of_product(EventKind::ProductChanged, &id, now, self.entropy.as_ref());
        (
            Product {
                id,
                draft: draft.tidy(),
                images: None,
                created_at: now,
                updated_at: now,
            },
            event,
        )
    }

    async fn with_circumstances(
        &self,
        product: Product,
        related: Vec<Product>,
    ) -> Result<ProductView> {
        let ids: Vec<_> = related
            .iter()
            .chain([&product])
            .map(|product| product.id.clone())
            .collect();
        let known = self.availability(&ids).await;
        let related: Vec<Hit> = related
            .iter()
            .map(|other| other.to_hit(look_up(&known, &other.id)))
            .collect();
        let availability = look_up(&known, &product.id);
        Ok(ProductView::new(product, availability, related))
    }
}

fn look_up(known: &HashMap<ProductId, Availability>, id: &ProductId) -> Availability {
    known.get(id).copied().unwrap_or(Availability::Unknown)
}

#[async_trait]
impl ProductApi for ProductUseCases {
    async fn view(&self, id: &ProductId) -> Result<Option<ProductView>> {
        match self.store.with_related(id, RELATED).await? {
            Some((product, related)) => self.with_circumstances(product, related).await.map(Some),
            None => Ok(None),
        }
    }

    async fn views(&self, ids: &[ProductId]) -> Result<Vec<ProductView>> {
        let products = self.in_order(ids).await?;
        let known = self.availability(ids).await;
        let view = |product: Product| {
            let availability = look_up(&known, &product.id);
            ProductView::new(product, availability, Vec::new())
        };
        Ok(products.into_iter().map(view).collect())
    }

    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        self.in_order(ids).await
    }

    async fn catalogue(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>> {
        self.store.page(after, limit).await
    }

    async fn put(
        &self,
        caller: &Caller,
        id: &ProductId,
        draft: ProductDraft,
    ) -> Result<(Change, ProductView)> {
        caller.require_admin()?;
        draft.check(self.currency)?;
        let saved = self
            .store
            .save(vec![self.new_product(id.clone(), draft)])
            .await?;
        let Saved { product, change } = saved
            .into_iter()
            .next()
            .ok_or_else(|| Error::internal("the store saved nothing"))?;
        let related = self.store.related(&product, RELATED).await?;
        Ok((change, self.with_circumstances(product, related).await?))
    }

    async fn delete(&self, caller: &Caller, id: &ProductId) -> Result<()> {
        caller.require_admin()?;
        let now = self.clock.now();
        let event = Event::of_product(EventKind::ProductDeleted, id, now, self.entropy.as_ref());
        self.store.delete(id, event).await.map(|_| ())
    }

    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: Images,
    ) -> Result<bool> {
        let now = self.clock.now();
        let event = Event::of_product(EventKind::ProductChanged, id, now, self.entropy.as_ref());
        self.store.set_picture(id, picture, &images, event).await
    }

    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport> {
        caller.require_admin()?;
        let mut report = ImportReport::default();
        let mut good = Vec::with_capacity(lines.len());
        for ImportLine { line, value } in lines {
            let checked = value.and_then(|(id, draft)| match draft.check(self.currency) {
                Ok(()) => Ok(self.new_product(id, draft)),
                Err(error) => Err(describe(&error)),
            });
            match checked {
                Ok(product) => good.push(product),
                Err(detail) => report.rejected.push(RejectedLine { line, detail }),
            }
        }
        for saved in self.store.save(good).await? {
            report.count(saved.change);
        }
        Ok(report)
    }
}

/// The broken rules in one line, for an import's report.
fn describe(error: &Error) -> String {
    match error {
        Error::Validation(errors) => {
            let each: Vec<_> = errors
                .iter()
                .map(|e| format!("{}: {}", e.pointer, e.detail))
                .collect();
            each.join("; ")
        }
        other => other.to_string(),
    }
}
