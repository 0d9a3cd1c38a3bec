//! Stock and reservations.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use bothways_domain::{
    Result,
    event::{Event, EventKind},
    id::{OrderId, ProductId},
    import::Change,
    inventory::{
        Availability, InventoryStore, Popularity, Reserved, Settled, StockLevel, StockLine,
    },
    time::{Entropy, Timestamp},
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, read, write},
    outbox,
    reservation::{self, State},
};

/// The stock of the shop.
#[derive(Clone)]
pub struct Inventory {
    database: Database,
    /// Ids of the events about it.
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inventory").field(&self.database).finish()
    }
}

/// What becomes of each reserved unit.
#[derive(Debug, Clone, Copy)]
struct Move {
    on_hand: i64,
    reserved: i64,
    sold: i64,
}

const RESERVE: Move = Move {
    on_hand: 0,
    reserved: 1,
    sold: 0,
};
const RELEASE: Move = Move {
    on_hand: 0,
    reserved: -1,
    sold: 0,
};
const SETTLE: Move = Move {
    on_hand: -1,
    reserved: -1,
    sold: 1,
};
const RESTOCK: Move = Move {
    on_hand: 1,
    reserved: 0,
    sold: -1,
};

fn level(row: &SqliteRow) -> Attempt<StockLevel> {
    Ok(StockLevel::new(
        column::parsed(row, "product_id", ProductId::parse)?,
        column::count(row, "on_hand")?,
        column::count(row, "reserved")?,
    ))
}

async fn store_level(
    connection: &mut SqliteConnection,
    level: &StockLevel,
    now: Timestamp,
) -> Attempt<()> {
    sqlx::query(
        "INSERT INTO stock (product_id, on_hand, reserved, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (product_id) DO UPDATE
         SET on_hand = excluded.on_hand, updated_at = excluded.updated_at",
    )
    .bind(level.product_id.as_str())
    .bind(i64::from(level.on_hand))
    .bind(i64::from(level.reserved))
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// More than can be counted are as many as can be counted.
fn units_sold(sold: i64) -> u32 {
    u32::try_from(sold).unwrap_or(u32::MAX)
}

fn popularity(sold: i64) -> Popularity {
    Popularity::of(units_sold(sold))
}

/// The level after setting what is on hand, and what that changes; or why it can't be set.
fn set_level(
    old: Option<&StockLevel>,
    product: &ProductId,
    on_hand: u32,
) -> Result<(StockLevel, Change), String> {
    let reserved = old.map_or(0, |level| level.reserved);
    if on_hand < reserved {
        return Err(format!(
            "{reserved} are reserved for orders, so no fewer can be on hand"
        ));
    }
    let change = match old {
        None => Change::Created,
        Some(old) if old.on_hand == on_hand => Change::Unchanged,
        Some(_) => Change::Updated,
    };
    Ok((StockLevel::new(product.clone(), on_hand, reserved), change))
}

impl Inventory {
    /// The stock in `database`; `entropy` makes the ids of its events.
    pub fn new(database: Database, entropy: Arc<dyn Entropy>) -> Self {
        Self { database, entropy }
    }

    fn stock_changed(&self, product: &ProductId, now: Timestamp) -> Event {
        Event::of_product(EventKind::StockChanged, product, now, self.entropy.as_ref())
    }

    /// Moves units of a product, unless that would reserve more than is on hand: then nothing happens and it is `false`.
    async fn shift(
        &self,
        connection: &mut SqliteConnection,
        product: &ProductId,
        units: u32,
        per_unit: Move,
        now: Timestamp,
    ) -> Attempt<bool> {
        let [on_hand, reserved, sold] = [per_unit.on_hand, per_unit.reserved, per_unit.sold]
            .map(|of_one| i64::from(units) * of_one);
        let row = sqlx::query(
            "UPDATE stock
             SET on_hand = on_hand + $2, reserved = reserved + $3, sold = sold + $5, updated_at = $4
             WHERE product_id = $1 AND on_hand + $2 >= reserved + $3
             RETURNING product_id, on_hand, reserved, sold",
        )
        .bind(product.as_str())
        .bind(on_hand)
        .bind(reserved)
        .bind(now.as_millis())
        .bind(sold)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let after = level(&row)?;
        let before = i64::from(after.available) - on_hand + reserved;
        let before = Availability::of(u32::try_from(before).unwrap_or(0));
        let sold_now: i64 = row.try_get("sold")?;
        let [popular, popular_before] = [sold_now, sold_now - sold].map(popularity);
        if before != after.availability() || popular_before != popular {
            outbox::append(connection, [&self.stock_changed(product, now)]).await?;
        }
        Ok(true)
    }

    /// Moves everything the orders reserved.
    async fn shift_all(
        &self,
        connection: &mut SqliteConnection,
        orders: &[OrderId],
        per_unit: Move,
        now: Timestamp,
    ) -> Attempt<()> {
        for (product, units) in reservation::lines(connection, orders).await? {
            self.shift(connection, &product, units, per_unit, now)
                .await?;
        }
        Ok(())
    }

    async fn try_levels(&self, ids: &[ProductId]) -> Attempt<Vec<(StockLevel, u32)>> {
        let query = sqlx::query(
            "SELECT product_id, on_hand, reserved, sold FROM stock
             WHERE product_id IN (SELECT value FROM json_each($1))",
        )
        .bind(serde_json::to_string(ids)?);
        let rows = self.database.fetch_all(query).await?;
        let stocked = |row: &SqliteRow| Ok((level(row)?, units_sold(row.try_get("sold")?)));
        rows.iter().map(stocked).collect()
    }

    async fn try_set(
        &self,
        wanted: &[(ProductId, u32)],
        now: Timestamp,
    ) -> Attempt<Vec<Result<(StockLevel, Change), String>>> {
        let ids: Vec<&ProductId> = wanted.iter().map(|(product, _)| product).collect();
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "SELECT product_id, on_hand, reserved FROM stock
             WHERE product_id IN (SELECT value FROM json_each($1))",
        )
        .bind(serde_json::to_string(&ids)?)
        .fetch_all(&mut *transaction)
        .await?;
        let mut stored = HashMap::with_capacity(wanted.len());
        for row in &rows {
            let level = level(row)?;
            stored.insert(level.product_id.clone(), level);
        }
        let mut results = Vec::with_capacity(wanted.len());
        for (product, on_hand) in wanted {
            let old = stored.get(product);
            let result = set_level(old, product, *on_hand);
            if let Ok((level, Change::Created | Change::Updated)) = &result {
                let band = old.map_or(Availability::OutOfStock, StockLevel::availability);
                store_level(&mut transaction, level, now).await?;
                if band != level.availability() {
                    let event = self.stock_changed(product, now);
                    outbox::append(&mut transaction, [&event]).await?;
                }
                stored.insert(product.clone(), level.clone());
            }
            results.push(result);
        }
        transaction.commit().await?;
        Ok(results)
    }

    async fn try_reserve(
        &self,
        order: &OrderId,
        wanted: &[StockLine],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Attempt<Reserved> {
        let mut transaction = self.database.begin().await?;
        if !reservation::open(&mut transaction, order, State::Held, now, expires_at).await? {
            return match reservation::state(&mut transaction, order).await? {
                Some(State::Held | State::Settled) => Ok(Reserved::Kept),
                _ => Ok(Reserved::Gone),
            };
        }
        let mut units: BTreeMap<&ProductId, u32> = BTreeMap::new();
        for line in wanted {
            let units = units.entry(&line.product_id).or_default();
            *units = units.saturating_add(line.quantity);
        }
        let mut short = Vec::new();
        for (product, units) in units {
            if !self
                .shift(&mut transaction, product, units, RESERVE, now)
                .await?
            {
                short.push(product.clone());
                continue;
            }
            sqlx::query(
                "INSERT INTO reservation_lines (order_id, product_id, quantity) VALUES ($1, $2, $3)",
            )
            .bind(order.as_str())
            .bind(product.as_str())
            .bind(i64::from(units))
            .execute(&mut *transaction)
            .await?;
        }
        if !short.is_empty() {
            transaction.rollback().await?;
            return Ok(Reserved::Short(short));
        }
        transaction.commit().await?;
        Ok(Reserved::Kept)
    }

    /// Undoes what is held and, with `sold`, also what was settled.
    async fn try_undo(&self, order: &OrderId, sold: bool, now: Timestamp) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        if !reservation::open(&mut transaction, order, State::Released, now, now).await? {
            let (next, per_unit) = match reservation::state(&mut transaction, order).await? {
                Some(State::Held) => (State::Released, RELEASE),
                Some(State::Settled) if sold => (State::Restocked, RESTOCK),
                _ => return Ok(()),
            };
            reservation::enter(&mut transaction, order, next, now).await?;
            self.shift_all(&mut transaction, std::slice::from_ref(order), per_unit, now)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn try_settle(&self, order: &OrderId, now: Timestamp) -> Attempt<Settled> {
        let mut transaction = self.database.begin().await?;
        match reservation::state(&mut transaction, order).await? {
            Some(State::Held) => {}
            Some(State::Settled) => return Ok(Settled::Sold),
            _ => return Ok(Settled::Gone),
        }
        reservation::enter(&mut transaction, order, State::Settled, now).await?;
        self.shift_all(&mut transaction, std::slice::from_ref(order), SETTLE, now)
            .await?;
        transaction.commit().await?;
        Ok(Settled::Sold)
    }

    async fn try_expire(&self, now: Timestamp, limit: u32) -> Attempt<u32> {
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "UPDATE reservations SET state = 'released', updated_at = $1
             WHERE order_id IN (
                 SELECT order_id FROM reservations
                 WHERE state = 'held' AND expires_at <= $1
                 ORDER BY expires_at
                 LIMIT $2 + 0
             )
             RETURNING order_id",
        )
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        let order = |row| column::parsed(row, "order_id", OrderId::parse);
        let orders = rows.iter().map(order).collect::<Attempt<Vec<_>>>()?;
        self.shift_all(&mut transaction, &orders, RELEASE, now)
            .await?;
        transaction.commit().await?;
        Ok(u32::try_from(orders.len()).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl InventoryStore for Inventory {
    async fn levels(&self, ids: &[ProductId]) -> Result<Vec<StockLevel>> {
        let stocked = self.levels_and_sold(ids).await?;
        Ok(stocked.into_iter().map(|(level, _)| level).collect())
    }

    async fn levels_and_sold(&self, ids: &[ProductId]) -> Result<Vec<(StockLevel, u32)>> {
        read(move || self.try_levels(ids)).await
    }

    async fn set(
        &self,
        levels: &[(ProductId, u32)],
        now: Timestamp,
    ) -> Result<Vec<Result<(StockLevel, Change), String>>> {
        write(move || self.try_set(levels, now)).await
    }

    async fn reserve(
        &self,
        order: &OrderId,
        lines: &[StockLine],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Reserved> {
        write(move || self.try_reserve(order, lines, now, expires_at)).await
    }

    async fn release(&self, order: &OrderId, now: Timestamp) -> Result<()> {
        write(move || self.try_undo(order, false, now)).await
    }

    async fn settle(&self, order: &OrderId, now: Timestamp) -> Result<Settled> {
        write(move || self.try_settle(order, now)).await
    }

    async fn restock(&self, order: &OrderId, now: Timestamp) -> Result<()> {
        write(move || self.try_undo(order, true, now)).await
    }

    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32> {
        write(move || self.try_expire(now, limit)).await
    }
}
