//! The rules of the inventory context.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::{
    Availability, InventoryApi, InventoryStore, Popularity, Reserved, Settled, Standing,
    StockLevel, StockLine,
};
use crate::{
    Caller, Error, Result,
    id::{OrderId, ProductId},
    import::{ImportLine, ImportReport, RejectedLine},
    time::Clock,
};

/// The inventory context over its store.
pub struct InventoryUseCases {
    /// The shop's stock.
    pub store: Arc<dyn InventoryStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How long a reservation is kept before it is let go, in milliseconds. Recovery ends far sooner what is
    /// interrupted; this is for a checkout that never comes back.
    pub reservation_ttl_millis: i64,
}

impl InventoryUseCases {
    /// Releases reservations whose time is over; how many. For the background.
    pub async fn expire(&self) -> Result<u32> {
        self.store.expire(self.clock.now(), 1_000).await
    }
}

#[async_trait]
impl InventoryApi for InventoryUseCases {
    async fn level(&self, caller: &Caller, id: &ProductId) -> Result<StockLevel> {
        caller.require_admin()?;
        let known = self.store.levels(std::slice::from_ref(id)).await?.pop();
        Ok(known.unwrap_or_else(|| StockLevel::new(id.clone(), 0, 0)))
    }

    async fn set(&self, caller: &Caller, id: &ProductId, on_hand: u32) -> Result<StockLevel> {
        caller.require_admin()?;
        let set = self
            .store
            .set(&[(id.clone(), on_hand)], self.clock.now())
            .await?;
        match set.into_iter().next() {
            Some(Ok((level, _))) => Ok(level),
            Some(Err(reason)) => Err(Error::Conflict(reason)),
            None => Err(Error::internal("the store set nothing")),
        }
    }

    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport> {
        caller.require_admin()?;
        let mut report = ImportReport::default();
        let (mut numbers, mut levels) = (Vec::new(), Vec::new());
        for ImportLine { line, value } in lines {
            match value {
                Ok(level) => {
                    numbers.push(line);
                    levels.push(level);
                }
                Err(detail) => report.rejected.push(RejectedLine { line, detail }),
            }
        }
        let set = self.store.set(&levels, self.clock.now()).await?;
        for (line, result) in numbers.into_iter().zip(set) {
            match result {
                Ok((_, change)) => report.count(change),
                Err(detail) => report.rejected.push(RejectedLine { line, detail }),
            }
        }
        report.rejected.sort_by_key(|rejected| rejected.line);
        Ok(report)
    }

    async fn availability(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Availability>> {
        let levels = self.store.levels(ids).await?;
        let mut known: HashMap<_, _> = ids
            .iter()
            .map(|id| (id.clone(), Availability::OutOfStock))
            .collect();
        known.extend(
            levels
                .into_iter()
                .map(|level| (level.product_id.clone(), level.availability())),
        );
        Ok(known)
    }

    async fn standing(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Standing>> {
        let stocked = self.store.levels_and_sold(ids).await?;
        let mut known: HashMap<_, _> = ids
            .iter()
            .map(|id| (id.clone(), Standing::UNKNOWN))
            .collect();
        known.extend(stocked.into_iter().map(|(level, sold)| {
            let standing = Standing {
                availability: level.availability(),
                popularity: Popularity::of(sold),
            };
            (level.product_id, standing)
        }));
        Ok(known)
    }

    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved> {
        let now = self.clock.now();
        self.store
            .reserve(
                order,
                lines,
                now,
                now.plus_millis(self.reservation_ttl_millis),
            )
            .await
    }

    async fn release(&self, order: &OrderId) -> Result<()> {
        self.store.release(order, self.clock.now()).await
    }

    async fn settle(&self, order: &OrderId) -> Result<Settled> {
        self.store.settle(order, self.clock.now()).await
    }

    async fn restock(&self, order: &OrderId) -> Result<()> {
        self.store.restock(order, self.clock.now()).await
    }
}
