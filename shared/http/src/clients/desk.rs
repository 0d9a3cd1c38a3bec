//! Orders over HTTP, for fulfilment.

use async_trait::async_trait;
use axum::http::Method;
use bothways_domain::{
    Result,
    checkout::{Moved, Order, OrderDesk},
    id::OrderId,
};
use serde::de::DeserializeOwned;

use super::Remote;
use crate::internal::OrderQuery;

/// The desk of checkout in another process.
#[derive(Debug, Clone)]
pub struct DeskClient(Remote);

impl DeskClient {
    /// The desk of checkout at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, order: &OrderId) -> Result<T> {
        let order = order.clone();
        let call = self.0.internal(Method::POST, path)?;
        call.json(&OrderQuery { order }).send().await?.json()
    }
}

#[async_trait]
impl OrderDesk for DeskClient {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        self.ask("orders/read", id).await
    }

    async fn ship(&self, id: &OrderId) -> Result<Moved> {
        self.ask("orders/ship", id).await
    }

    async fn deliver(&self, id: &OrderId) -> Result<Moved> {
        self.ask("orders/deliver", id).await
    }
}
