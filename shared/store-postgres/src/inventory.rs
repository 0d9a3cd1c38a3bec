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
use sqlx::{
    PgConnection, Postgres, Row as _, ValueRef as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{
    Database, column,
    error::{Attempt, Failure, read, write},
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

/// What becomes of each unit of a reservation.
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

/// Where reservations go from one state, and what becomes of what they hold.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: State,
    to: State,
    per_unit: Move,
}

const RELEASE: Step = Step {
    from: State::Held,
    to: State::Released,
    per_unit: Move {
        on_hand: 0,
        reserved: -1,
        sold: 0,
    },
};
const SETTLE: Step = Step {
    from: State::Held,
    to: State::Settled,
    per_unit: Move {
        on_hand: -1,
        reserved: -1,
        sold: 1,
    },
};
const RESTOCK: Step = Step {
    from: State::Settled,
    to: State::Restocked,
    per_unit: Move {
        on_hand: 1,
        reserved: 0,
        sold: -1,
    },
};

/// A statement that moves what the reservations hold that `$entered`, an UPDATE, moves on. $1 is now, $2 to $5 the [`Step`]
/// (units on hand, reserved, sold, the next state). It answers with how many reservations, and what was moved; with no row when
/// there were none.
macro_rules! shift {
    ($entered:literal) => {
        concat!(
            "WITH entered AS (",
            $entered,
            "), held AS MATERIALIZED (
                 SELECT product_id, CAST(SUM(quantity) AS BIGINT) AS units
                 FROM entered JOIN reservation_lines ON reservation_lines.order_id = entered.order_id
                 GROUP BY product_id
             ), locked AS MATERIALIZED (
                 SELECT stock.product_id FROM stock JOIN held ON stock.product_id = held.product_id
                 ORDER BY stock.product_id
                 FOR UPDATE OF stock
             ), moved AS (
                 UPDATE stock
                 SET on_hand = stock.on_hand + held.units * $2, reserved = stock.reserved + held.units * $3,
                     sold = stock.sold + held.units * $4, updated_at = $1
                 FROM locked JOIN held ON locked.product_id = held.product_id
                 WHERE stock.product_id = locked.product_id
                   AND stock.on_hand + held.units * $2 >= stock.reserved + held.units * $3
                 RETURNING stock.product_id, stock.on_hand, stock.reserved, stock.sold, held.units
             )
             SELECT orders, product_id, on_hand, reserved, sold, units
             FROM (SELECT COUNT(*) AS orders FROM entered HAVING COUNT(*) > 0) AS entered LEFT JOIN moved ON TRUE"
        )
    };
}

const ENTER: &str = shift!(
    "UPDATE reservations SET state = $5, updated_at = $1 WHERE order_id = $6 AND state = $7 RETURNING order_id"
);

/// The index of what may expire holds those in this state. The array is made once, so no more are locked than are released.
const EXPIRE: &str = shift!(
    "UPDATE reservations SET state = $5, updated_at = $1
     WHERE order_id = ANY(ARRAY(
         SELECT order_id FROM reservations
         WHERE state = 'held' AND expires_at <= $1
         ORDER BY expires_at
         LIMIT $6
         FOR UPDATE SKIP LOCKED
     ))
     RETURNING order_id"
);

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl Step {
    /// Gives a statement made by [`shift`] what all of them take.
    fn bind<'q>(&self, statement: Statement<'q>, now: Timestamp) -> Statement<'q> {
        let Move {
            on_hand,
            reserved,
            sold,
        } = self.per_unit;
        let statement = statement.bind(now.as_millis()).bind(on_hand);
        let statement = statement.bind(reserved).bind(sold);
        statement.bind(self.to.as_str())
    }
}

fn level(row: &PgRow) -> Attempt<StockLevel> {
    Ok(StockLevel::new(
        column::parsed(row, "product_id", ProductId::parse)?,
        column::count(row, "on_hand")?,
        column::count(row, "reserved")?,
    ))
}

/// Stores what is on hand of these products, of which those in `known` have a row that is locked.
async fn store_levels(
    connection: &mut PgConnection,
    levels: &BTreeMap<&ProductId, &StockLevel>,
    known: &[&str],
    now: Timestamp,
) -> Attempt<()> {
    let on_hand: Vec<i64> = levels
        .values()
        .map(|level| i64::from(level.on_hand))
        .collect();
    let stored = sqlx::query(
        "INSERT INTO stock (product_id, on_hand, updated_at)
         SELECT product_id, on_hand, $3 FROM UNNEST($1::TEXT[], $2::BIGINT[]) AS new (product_id, on_hand)
         ON CONFLICT (product_id) DO UPDATE
         SET on_hand = excluded.on_hand, updated_at = excluded.updated_at
         WHERE stock.product_id = ANY($4)",
    )
    .bind(column::texts(levels.keys(), |product| product.as_str()))
    .bind(on_hand)
    .bind(now.as_millis())
    .bind(known)
    .execute(connection)
    .await?
    .rows_affected();
    // A product that had no row was stocked by another at this moment: its row is not locked, and not written.
    if usize::try_from(stored) == Ok(levels.len()) {
        Ok(())
    } else {
        Err(Failure::Raced)
    }
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

    /// Makes the order's reservation and keeps units of products for it, of those that suffice; which these are. `None`
    /// when there is a reservation already, which stays as it is. The rows are locked in the order of the products' ids, so that no
    /// two orders wait for each other.
    async fn keep(
        &self,
        connection: &mut PgConnection,
        order: &OrderId,
        wanted: &BTreeMap<&ProductId, u32>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Attempt<Option<Vec<ProductId>>> {
        let units: Vec<i64> = wanted.values().copied().map(i64::from).collect();
        let rows = sqlx::query(
            "WITH opened AS (
                 INSERT INTO reservations (order_id, state, expires_at, updated_at) VALUES ($3, $6, $5, $4)
                 ON CONFLICT (order_id) DO NOTHING
                 RETURNING order_id
             ), wanted AS MATERIALIZED (
                 SELECT product_id, units FROM UNNEST($1::TEXT[], $2::BIGINT[]) AS new (product_id, units)
             ), locked AS MATERIALIZED (
                 SELECT opened.order_id, stock.product_id
                 FROM opened CROSS JOIN stock JOIN wanted ON stock.product_id = wanted.product_id
                 ORDER BY stock.product_id
                 FOR UPDATE OF stock
             ), kept AS (
                 UPDATE stock SET reserved = stock.reserved + wanted.units, updated_at = $4
                 FROM locked JOIN wanted ON locked.product_id = wanted.product_id
                 WHERE stock.product_id = locked.product_id AND stock.on_hand >= stock.reserved + wanted.units
                 RETURNING locked.order_id, stock.product_id, stock.on_hand, stock.reserved, stock.sold, wanted.units
             ), noted AS (
                 INSERT INTO reservation_lines (order_id, product_id, quantity)
                 SELECT order_id, product_id, units FROM kept
             )
             SELECT product_id, on_hand, reserved, sold, units FROM opened LEFT JOIN kept ON TRUE",
        )
        .bind(column::texts(wanted.keys().copied(), ProductId::as_str))
        .bind(units)
        .bind(order.as_str())
        .bind(now.as_millis())
        .bind(expires_at.as_millis())
        .bind(State::Held.as_str())
        .fetch_all(&mut *connection)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        self.tell(connection, &rows, RESERVE, now).await.map(Some)
    }

    /// Moves the order's reservation on, and everything it holds; `false` when it is not there, or not where `step` is from.
    async fn enter(
        &self,
        connection: &mut PgConnection,
        order: &OrderId,
        step: &Step,
        now: Timestamp,
    ) -> Attempt<bool> {
        let query = step.bind(sqlx::query(ENTER), now).bind(order.as_str());
        let query = query.bind(step.from.as_str());
        let rows = query.fetch_all(&mut *connection).await?;
        self.tell(connection, &rows, step.per_unit, now).await?;
        Ok(!rows.is_empty())
    }

    /// Tells of the products whose availability or popularity is another after their units were moved; which products were
    /// moved. A row without a product says that none was.
    async fn tell(
        &self,
        connection: &mut PgConnection,
        moved: &[PgRow],
        per_unit: Move,
        now: Timestamp,
    ) -> Attempt<Vec<ProductId>> {
        let (mut products, mut told) = (Vec::with_capacity(moved.len()), Vec::new());
        for row in moved {
            if row.try_get_raw("product_id")?.is_null() {
                continue;
            }
            let after = level(row)?;
            let units = i64::from(column::count(row, "units")?);
            let before =
                i64::from(after.available) + units * (per_unit.reserved - per_unit.on_hand);
            let before = Availability::of(u32::try_from(before).unwrap_or(0));
            let sold: i64 = row.try_get("sold")?;
            let [popular, popular_before] = [sold, sold - units * per_unit.sold].map(popularity);
            if before != after.availability() || popular != popular_before {
                told.push(self.stock_changed(&after.product_id, now));
            }
            products.push(after.product_id);
        }
        outbox::append(connection, &told).await?;
        Ok(products)
    }

    async fn try_levels(&self, ids: &[ProductId]) -> Attempt<Vec<(StockLevel, u32)>> {
        let query = sqlx::query(
            "SELECT product_id, on_hand, reserved, sold FROM stock
             WHERE product_id = ANY($1)",
        )
        .bind(column::texts(ids, ProductId::as_str));
        let rows = self.database.fetch_all(query).await?;
        let stocked = |row: &PgRow| Ok((level(row)?, units_sold(row.try_get("sold")?)));
        rows.iter().map(stocked).collect()
    }

    async fn try_set(
        &self,
        wanted: &[(ProductId, u32)],
        now: Timestamp,
    ) -> Attempt<Vec<Result<(StockLevel, Change), String>>> {
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "SELECT product_id, on_hand, reserved FROM stock
             WHERE product_id = ANY($1)
             ORDER BY product_id
             FOR UPDATE",
        )
        .bind(column::texts(wanted, |(product, _)| product.as_str()))
        .fetch_all(&mut *transaction)
        .await?;
        let before = rows.iter().map(level).collect::<Attempt<Vec<_>>>()?;
        let mut after: HashMap<ProductId, StockLevel> = before
            .iter()
            .map(|level| (level.product_id.clone(), level.clone()))
            .collect();
        let (mut results, mut events) = (Vec::with_capacity(wanted.len()), Vec::new());
        for (product, on_hand) in wanted {
            let old = after.get(product);
            let result = set_level(old, product, *on_hand);
            if let Ok((level, Change::Created | Change::Updated)) = &result {
                let band = old.map_or(Availability::OutOfStock, StockLevel::availability);
                if band != level.availability() {
                    events.push(self.stock_changed(product, now));
                }
                after.insert(product.clone(), level.clone());
            }
            results.push(result);
        }
        let changed = results.iter().filter_map(|result| match result {
            Ok((level, Change::Created | Change::Updated)) => Some(&level.product_id),
            _ => None,
        });
        let changed = changed.filter_map(|product| Some((product, after.get(product)?)));
        let known = column::texts(&before, |level| level.product_id.as_str());
        store_levels(&mut transaction, &changed.collect(), &known, now).await?;
        outbox::append(&mut transaction, &events).await?;
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
        let mut units: BTreeMap<&ProductId, u32> = BTreeMap::new();
        for line in wanted {
            let units = units.entry(&line.product_id).or_default();
            *units = units.saturating_add(line.quantity);
        }
        let mut transaction = self.database.begin().await?;
        let kept = self.keep(&mut transaction, order, &units, now, expires_at);
        let Some(kept) = kept.await? else {
            return match reservation::state(&mut transaction, order).await? {
                Some(State::Held | State::Settled) => Ok(Reserved::Kept),
                _ => Ok(Reserved::Gone),
            };
        };
        let missing = units.into_keys().filter(|product| !kept.contains(product));
        let short: Vec<ProductId> = missing.cloned().collect();
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
        if !reservation::release_ahead(&mut transaction, order, now).await? {
            let step = match reservation::state(&mut transaction, order).await? {
                Some(State::Held) => &RELEASE,
                Some(State::Settled) if sold => &RESTOCK,
                _ => return Ok(()),
            };
            self.enter(&mut transaction, order, step, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn try_settle(&self, order: &OrderId, now: Timestamp) -> Attempt<Settled> {
        let mut transaction = self.database.begin().await?;
        if !self.enter(&mut transaction, order, &SETTLE, now).await? {
            return match reservation::state(&mut transaction, order).await? {
                Some(State::Settled) => Ok(Settled::Sold),
                _ => Ok(Settled::Gone),
            };
        }
        transaction.commit().await?;
        Ok(Settled::Sold)
    }

    async fn try_expire(&self, now: Timestamp, limit: u32) -> Attempt<u32> {
        let mut transaction = self.database.begin().await?;
        let query = RELEASE
            .bind(sqlx::query(EXPIRE), now)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&mut *transaction).await?;
        self.tell(&mut transaction, &rows, RELEASE.per_unit, now)
            .await?;
        transaction.commit().await?;
        let expired = rows.first().map(|row| column::count(row, "orders"));
        expired.unwrap_or(Ok(0))
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
