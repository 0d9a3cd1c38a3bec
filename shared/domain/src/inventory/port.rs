//! The ports of the inventory context.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Availability, Standing, StockLevel, StockLine};
use crate::{
    Caller, Result,
    id::{OrderId, ProductId},
    import::{Change, ImportLine, ImportReport},
    time::Timestamp,
};

/// What came of asking for a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserved {
    /// All lines are kept for the order.
    Kept,
    /// Nothing is kept; these products don't suffice.
    Short(Vec<ProductId>),
    /// The order's reservation was already released or expired; it can't come back.
    Gone,
}

/// What came of turning a reservation into a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The units have left the stock (now or by an earlier call).
    Sold,
    /// There is no such reservation, or it was released or expired.
    Gone,
}

/// What the rest of the shop can ask of inventory.
#[async_trait]
pub trait InventoryApi: Send + Sync {
    /// The level of a product (administrator); of one nobody has stocked, zeros.
    async fn level(&self, caller: &Caller, id: &ProductId) -> Result<StockLevel>;

    /// Sets what is on hand (administrator); `Conflict` below what is reserved.
    async fn set(&self, caller: &Caller, id: &ProductId, on_hand: u32) -> Result<StockLevel>;

    /// Sets many (administrator).
    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport>;

    /// The availability of each product asked for; what nobody stocked is out of stock.
    async fn availability(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Availability>>;

    /// The availability of each product asked for, and how well it sells.
    async fn standing(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Standing>>;

    /// Keeps all lines for the order, or none. Idempotent by order.
    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved>;

    /// Lets go of what is kept for the order, and of what a late `reserve` might still ask for. Idempotent.
    async fn release(&self, order: &OrderId) -> Result<()>;

    /// Takes what is kept for the order out of the stock. Idempotent.
    async fn settle(&self, order: &OrderId) -> Result<Settled>;

    /// Undoes whatever the order did to the stock: releases a reservation or puts sold units back. Idempotent.
    async fn restock(&self, order: &OrderId) -> Result<()>;
}

/// What the inventory context needs of a database. Each write is one atomic operation and writes a
/// `stock.changed` event to the outbox for every product whose availability changed band or whose popularity
/// changed by a step.
///
/// A reservation is `held`, then one of `released`, `settled`, `restocked`; a release without a reservation leaves a
/// `released` one behind, so that a reserve which arrives late finds it and keeps nothing.
#[async_trait]
pub trait InventoryStore: Send + Sync {
    /// The levels of those of the products that anybody stocked.
    async fn levels(&self, ids: &[ProductId]) -> Result<Vec<StockLevel>>;

    /// The same, each with how many units were sold and not put back.
    async fn levels_and_sold(&self, ids: &[ProductId]) -> Result<Vec<(StockLevel, u32)>>;

    /// Sets what is on hand, each on its own: `Err` holds why one was refused (below what is reserved).
    async fn set(
        &self,
        levels: &[(ProductId, u32)],
        now: Timestamp,
    ) -> Result<Vec<Result<(StockLevel, Change), String>>>;

    /// Keeps all lines until `expires_at`, or none.
    async fn reserve(
        &self,
        order: &OrderId,
        lines: &[StockLine],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Reserved>;

    /// `held` → `released`; nothing there → `released`; others stay.
    async fn release(&self, order: &OrderId, now: Timestamp) -> Result<()>;

    /// `held` → `settled`.
    async fn settle(&self, order: &OrderId, now: Timestamp) -> Result<Settled>;

    /// `held` → `released`, `settled` → `restocked`; nothing there → `released`.
    async fn restock(&self, order: &OrderId, now: Timestamp) -> Result<()>;

    /// Releases up to `limit` held reservations that expired by `now`; how many.
    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32>;
}
