//! Follows the catalogue: after product and stock events, brings the index to the products' present state.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use super::{IndexedProduct, SearchIndex};
use crate::{
    Result,
    event::{Event, EventHandler},
    id::ProductId,
    inventory::{InventoryApi, Standing},
    product::{Product, ProductApi},
};

/// How many products are asked for at once.
const ASK: usize = 100;
/// How many products one step of a rebuild takes.
const REBUILD_STEP: u32 = 1_000;

/// The indexer. Events only tell it where to look, so repeated, late or reordered ones do no harm.
pub struct Indexer {
    products: Arc<dyn ProductApi>,
    inventory: Arc<dyn InventoryApi>,
    index: Arc<dyn SearchIndex>,
    /// Whether the index is known to have a beginning.
    begun: AtomicBool,
}

impl Indexer {
    /// An indexer that asks `products` and `inventory` what is, and makes `index` match.
    pub fn new(
        products: Arc<dyn ProductApi>,
        inventory: Arc<dyn InventoryApi>,
        index: Arc<dyn SearchIndex>,
    ) -> Self {
        Self {
            products,
            inventory,
            index,
            begun: AtomicBool::new(false),
        }
    }

    /// Indexes the whole catalogue if nothing is published: at the very beginning, or after the snapshots were lost.
    /// Whether it had to.
    pub async fn begin(&self) -> Result<bool> {
        if self.begun.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let empty = self.index.is_empty().await?;
        if empty {
            let products = self.rebuild().await?;
            tracing::info!(products, "indexed the whole catalogue");
        }
        self.begun.store(true, Ordering::Relaxed);
        Ok(empty)
    }

    /// Indexes the whole catalogue, for an index that starts from nothing, and publishes it when it is whole; how many
    /// products there are.
    pub async fn rebuild(&self) -> Result<usize> {
        let (mut total, mut after) = (0, None);
        loop {
            let products = self
                .products
                .catalogue(after.as_ref(), REBUILD_STEP)
                .await?;
            let Some(last) = products.last() else {
                self.index.apply(Vec::new(), Vec::new()).await?;
                return Ok(total);
            };
            after = Some(last.id.clone());
            total += products.len();
            let present = self.with_stock(products).await?;
            self.index.stage(present).await?;
        }
    }

    async fn follow(&self, ids: Vec<ProductId>) -> Result<()> {
        let mut present = Vec::with_capacity(ids.len());
        for asked in ids.chunks(ASK) {
            let products = self.products.records(asked).await?;
            present.extend(self.with_stock(products).await?);
        }
        let found: HashSet<_> = present
            .iter()
            .map(|indexed| indexed.product.id.clone())
            .collect();
        let absent = ids.into_iter().filter(|id| !found.contains(id)).collect();
        self.index.apply(present, absent).await
    }

    async fn with_stock(&self, products: Vec<Product>) -> Result<Vec<IndexedProduct>> {
        let mut indexed = Vec::with_capacity(products.len());
        for products in products.chunks(ASK) {
            let ids: Vec<_> = products.iter().map(|product| product.id.clone()).collect();
            let known = self.inventory.standing(&ids).await?;
            indexed.extend(products.iter().map(|product| {
                let standing = known.get(&product.id).copied();
                let standing = standing.unwrap_or(Standing::UNKNOWN);
                IndexedProduct {
                    availability: standing.availability,
                    popularity: standing.popularity,
                    product: product.clone(),
                }
            }));
        }
        Ok(indexed)
    }
}

#[async_trait]
impl EventHandler for Indexer {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        self.begin().await?;
        let mut seen = HashSet::new();
        let ids: Vec<_> = events
            .iter()
            .filter(|event| event.kind.concerns_catalogue())
            .filter_map(|event| ProductId::parse(&event.subject))
            .filter(|id| seen.insert(id.clone()))
            .collect();
        if !ids.is_empty() {
            self.follow(ids).await?;
        }
        Ok(Vec::new())
    }
}
