//! Where the goods of an order stand, for the context that sends them out. The order itself stays checkout's.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{CheckoutStore, Order};
use crate::{Result, id::OrderId, time::Clock};

/// What came of moving an order on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// It is there now, or was there before.
    Done,
    /// Something has to happen first: the amount is not captured, or the order is not shipped.
    NotYet,
    /// It never will be: the order was cancelled or declined.
    Over,
    /// There is no such order.
    Missing,
}

/// What fulfilment can ask of orders. It speaks for the shop itself, so nobody's rights are checked.
#[async_trait]
pub trait OrderDesk: Send + Sync {
    /// The order of that id.
    async fn order(&self, id: &OrderId) -> Result<Option<Order>>;

    /// `confirmed` → `shipped`, once the amount is captured. Asking again changes nothing.
    async fn ship(&self, id: &OrderId) -> Result<Moved>;

    /// `shipped` → `delivered`. Asking again changes nothing.
    async fn deliver(&self, id: &OrderId) -> Result<Moved>;
}

/// The desk over checkout's own store.
pub struct DeskUseCases {
    /// Checkouts and orders.
    pub store: Arc<dyn CheckoutStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl OrderDesk for DeskUseCases {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        Ok(self.store.order(id).await?.map(|record| record.order))
    }

    async fn ship(&self, id: &OrderId) -> Result<Moved> {
        self.store.ship(id, self.clock.now()).await
    }

    async fn deliver(&self, id: &OrderId) -> Result<Moved> {
        self.store.deliver(id, self.clock.now()).await
    }
}
