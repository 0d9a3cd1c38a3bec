//! Inventory over HTTP.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use axum::http::Method;
use bothways_domain::{
    Caller, Result,
    id::{OrderId, ProductId},
    import::{ImportLine, ImportReport},
    inventory::{Availability, InventoryApi, Reserved, Settled, Standing, StockLevel, StockLine},
};

use serde::de::DeserializeOwned;

use super::{
    Remote,
    import::{Import, merge},
    remote::{GLANCE, LONG_TIMEOUT, Reply},
};
use crate::{
    header,
    internal::{IdList, OrderQuery, Reservation},
    inventory::{OnHand, StockImportLine},
};

/// Inventory as another process runs it.
#[derive(Debug, Clone)]
pub struct InventoryClient {
    remote: Remote,
    /// How long it is waited for what is on hand.
    patience: Duration,
}

impl InventoryClient {
    /// Inventory at `remote`, for those who show what is on hand if they hear of it soon.
    pub fn new(remote: Remote) -> Self {
        Self {
            remote,
            patience: GLANCE,
        }
    }

    /// Inventory at `remote`, for those who can't do without what is on hand, and for whom nobody waits.
    pub fn patient(remote: Remote) -> Self {
        Self {
            remote,
            patience: LONG_TIMEOUT,
        }
    }

    /// Asks for something about each of these products.
    async fn of_products<T: DeserializeOwned>(
        &self,
        path: &str,
        ids: &[ProductId],
    ) -> Result<HashMap<ProductId, T>> {
        let call = self.remote.internal(Method::POST, path)?;
        let call = call.reading().timeout(self.patience);
        let list = IdList { ids: ids.to_vec() };
        call.json(&list).send().await?.json()
    }

    /// Does something to what is kept for an order.
    async fn of_order(&self, path: &str, order: &OrderId) -> Result<Reply> {
        let order = order.clone();
        let call = self.remote.internal(Method::POST, path)?;
        call.json(&OrderQuery { order }).send().await
    }
}

#[async_trait]
impl InventoryApi for InventoryClient {
    async fn level(&self, caller: &Caller, id: &ProductId) -> Result<StockLevel> {
        let call = self.remote.get(&["api", "inventory", id.as_str()])?;
        call.caller(caller).send().await?.json()
    }

    async fn set(&self, caller: &Caller, id: &ProductId, on_hand: u32) -> Result<StockLevel> {
        let call = self
            .remote
            .call(Method::PUT, &["api", "inventory", id.as_str()])?;
        let on_hand = i64::from(on_hand);
        let call = call.caller(caller).json(&OnHand { on_hand }).repeatable();
        call.send().await?.json()
    }

    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport> {
        let Import { body, rejected } = Import::of(lines, |(id, on_hand)| {
            let line = StockImportLine {
                product_id: id.to_string(),
                on_hand: i64::from(*on_hand),
            };
            serde_json::to_string(&line).map_err(bothways_domain::Error::internal)
        })?;
        let call = self.remote.post(&["api", "inventory", "import"])?;
        let call = call.caller(caller).body(header::NDJSON, body);
        let report = call.timeout(LONG_TIMEOUT).send().await?.json()?;
        Ok(merge(report, rejected))
    }

    async fn availability(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Availability>> {
        self.of_products("inventory/availability", ids).await
    }

    async fn standing(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Standing>> {
        self.of_products("inventory/standing", ids).await
    }

    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved> {
        let (order, lines) = (order.clone(), lines.to_vec());
        let call = self.remote.internal(Method::POST, "inventory/reserve")?;
        call.json(&Reservation { order, lines })
            .send()
            .await?
            .json()
    }

    async fn release(&self, order: &OrderId) -> Result<()> {
        self.of_order("inventory/release", order).await.map(|_| ())
    }

    async fn settle(&self, order: &OrderId) -> Result<Settled> {
        self.of_order("inventory/settle", order).await?.json()
    }

    async fn restock(&self, order: &OrderId) -> Result<()> {
        self.of_order("inventory/restock", order).await.map(|_| ())
    }
}
