//! Orders, as checkout stores them.

use bothways_domain::{
    Currency, Money,
    checkout::{Order, OrderRecord, OrderStatus},
    id::{CartId, OrderId, UserId},
    paging::{Page, Paging},
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, Failure},
};

fn record(row: &SqliteRow) -> Attempt<OrderRecord> {
    let currency = column::parsed(row, "currency", Currency::parse)?;
    let money = |column| -> Attempt<Money> { Ok(Money::new(row.try_get(column)?, currency)) };
    let order = Order {
        id: column::parsed(row, "id", OrderId::parse)?,
        status: column::parsed(row, "status", OrderStatus::parse)?,
        items: column::json(row, "items")?,
        subtotal: money("subtotal")?,
        shipping: money("shipping")?,
        total: money("total")?,
        email: row.try_get("email")?,
        shipping_address: column::json(row, "shipping_address")?,
        created_at: column::time(row, "created_at")?,
        timeline: column::json(row, "timeline")?,
    };
    Ok(OrderRecord {
        order,
        owner: column::parsed_opt(row, "owner", UserId::parse)?,
        cart_id: column::parsed(row, "cart_id", CartId::parse)?,
        access_digest: row.try_get("access_digest")?,
    })
}

/// The order of that id.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: &OrderId,
) -> Attempt<Option<OrderRecord>> {
    let row = sqlx::query(
        "SELECT id, status, owner, cart_id, access_digest, email, currency, subtotal, shipping, total,
                items, shipping_address, timeline, created_at
         FROM orders
         WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(record).transpose()
}

/// Stores a new order.
pub(crate) async fn insert(connection: &mut SqliteConnection, record: &OrderRecord) -> Attempt<()> {
    let order = &record.order;
    sqlx::query(
        "INSERT INTO orders (id, status, owner, cart_id, access_digest, email, currency, subtotal,
                             shipping, total, items, shipping_address, timeline, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(order.id.as_str())
    .bind(order.status.as_str())
    .bind(record.owner.as_ref().map(UserId::as_str))
    .bind(record.cart_id.as_str())
    .bind(record.access_digest.as_str())
    .bind(order.email.as_str())
    .bind(order.total.currency().as_str().to_owned())
    .bind(order.subtotal.amount())
    .bind(order.shipping.amount())
    .bind(order.total.amount())
    .bind(serde_json::to_string(&order.items)?)
    .bind(serde_json::to_string(&order.shipping_address)?)
    .bind(serde_json::to_string(&order.timeline)?)
    .bind(order.created_at.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores where the order now stands. What was bought, for how much and for whom, never changes.
pub(crate) async fn update(connection: &mut SqliteConnection, order: &Order) -> Attempt<()> {
    let updated = sqlx::query("UPDATE orders SET status = $2, timeline = $3 WHERE id = $1")
        .bind(order.id.as_str())
        .bind(order.status.as_str())
        .bind(serde_json::to_string(&order.timeline)?)
        .execute(connection)
        .await?
        .rows_affected();
    if updated == 1 {
        Ok(())
    } else {
        Err(Failure::Database(sqlx::Error::RowNotFound))
    }
}

/// Moves the order on to `status`, if it was placed.
pub(crate) async fn become_(
    connection: &mut SqliteConnection,
    id: &OrderId,
    status: OrderStatus,
    now: Timestamp,
) -> Attempt<()> {
    let Some(mut record) = find(&mut *connection, id).await? else {
        return Ok(());
    };
    record.order.become_(status, now)?;
    update(connection, &record.order).await
}

/// A page of a user's orders, newest first.
pub(crate) async fn page_of(
    database: &Database,
    user: &UserId,
    paging: Paging,
) -> Attempt<Page<Order>> {
    let query =
        sqlx::query("SELECT COUNT(*) AS total FROM orders WHERE owner = $1").bind(user.as_str());
    let total: i64 = database.fetch_one(query).await?.try_get("total")?;
    let query = sqlx::query(
        "SELECT id, status, owner, cart_id, access_digest, email, currency, subtotal, shipping, total,
                items, shipping_address, timeline, created_at
         FROM orders
         WHERE owner = $1
         ORDER BY created_at DESC, id DESC
         LIMIT $2 + 0 OFFSET $3",
    )
    .bind(user.as_str())
    .bind(i64::from(paging.per_page()))
    .bind(i64::from(paging.offset()));
    let rows = database.fetch_all(query).await?;
    orders(&rows, total)
}

/// A page of everybody's orders, newest first.
pub(crate) async fn page(database: &Database, paging: Paging) -> Attempt<Page<Order>> {
    let query = sqlx::query("SELECT COUNT(*) AS total FROM orders");
    let total: i64 = database.fetch_one(query).await?.try_get("total")?;
    let query = sqlx::query(
        "SELECT id, status, owner, cart_id, access_digest, email, currency, subtotal, shipping, total,
                items, shipping_address, timeline, created_at
         FROM orders
         ORDER BY created_at DESC, id DESC
         LIMIT $1 + 0 OFFSET $2",
    )
    .bind(i64::from(paging.per_page()))
    .bind(i64::from(paging.offset()));
    let rows = database.fetch_all(query).await?;
    orders(&rows, total)
}

fn orders(rows: &[SqliteRow], total: i64) -> Attempt<Page<Order>> {
    let order = |row| record(row).map(|record| record.order);
    Ok(Page {
        entries: rows.iter().map(order).collect::<Attempt<_>>()?,
        total: u64::try_from(total).unwrap_or(0),
    })
}
