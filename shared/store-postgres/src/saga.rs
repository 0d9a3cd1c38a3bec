//! Checkouts as rows: the idempotency record and the saga's state in one.

use bothways_domain::{
    checkout::{CheckoutRecord, Claim, IntentId, Order, OrderRecord, Outcome, Progress, Step},
    event::Event,
    id::{CartId, OrderId, Token, UserId},
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{column, error::Attempt};

/// A checkout with what only the store cares about.
pub(crate) struct Stored {
    pub(crate) record: CheckoutRecord,
    pub(crate) fingerprint: String,
    pub(crate) worker: String,
    pub(crate) lease_until: Timestamp,
    pub(crate) is_open: bool,
}

/// A checkout as its row says.
pub(crate) fn stored(row: &PgRow) -> Attempt<Stored> {
    let (token, intent): (String, Option<String>) =
        (row.try_get("access_token")?, row.try_get("intent")?);
    let record = CheckoutRecord {
        order_id: column::parsed(row, "order_id", OrderId::parse)?,
        cart_id: column::parsed(row, "cart_id", CartId::parse)?,
        access_token: Token::presented(token),
        payment_method: row.try_get("payment_method")?,
        request_id: row.try_get("request_id")?,
        step: column::parsed(row, "step", Step::parse)?,
        intent: intent.map(IntentId),
        outcome: column::json_opt(row, "outcome")?,
    };
    Ok(Stored {
        record,
        fingerprint: row.try_get("fingerprint")?,
        worker: row.try_get("worker")?,
        lease_until: column::time(row, "lease_until")?,
        is_open: row.try_get("is_open")?,
    })
}

/// Inserts the checkout unless its key is used or its cart is locked.
pub(crate) async fn insert(connection: &mut PgConnection, claim: &Claim) -> Attempt<bool> {
    let inserted = sqlx::query(
        "INSERT INTO checkouts (order_id, idempotency_key, fingerprint, cart_id, cart_lock, access_token,
                                payment_method, request_id, step, worker, lease_until, is_open)
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, TRUE)
         ON CONFLICT DO NOTHING",
    )
    .bind(claim.order_id.as_str())
    .bind(claim.key.as_str())
    .bind(claim.fingerprint.as_str())
    .bind(claim.cart_id.as_str())
    .bind(claim.access_token.reveal())
    .bind(claim.payment_method.as_str())
    .bind(claim.request_id.as_str())
    .bind(Step::Claimed.as_str())
    .bind(claim.worker.as_str())
    .bind(claim.lease_until.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(inserted == 1)
}

/// The checkout of that key, locked until the transaction ends.
pub(crate) async fn by_key(connection: &mut PgConnection, key: &str) -> Attempt<Option<Stored>> {
    let row = sqlx::query(
        "SELECT order_id, cart_id, access_token, payment_method, request_id, step, intent, outcome,
                fingerprint, worker, lease_until, is_open
         FROM checkouts
         WHERE idempotency_key = $1
         FOR UPDATE",
    )
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(stored).transpose()
}

/// The checkout of that order, locked until the transaction ends.
pub(crate) async fn by_order(
    connection: &mut PgConnection,
    order: &OrderId,
) -> Attempt<Option<Stored>> {
    let row = sqlx::query(
        "SELECT order_id, cart_id, access_token, payment_method, request_id, step, intent, outcome,
                fingerprint, worker, lease_until, is_open
         FROM checkouts
         WHERE order_id = $1
         FOR UPDATE",
    )
    .bind(order.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(stored).transpose()
}

/// Makes the checkout that worker's.
pub(crate) async fn take_lease(
    connection: &mut PgConnection,
    order: &OrderId,
    worker: &str,
    lease_until: Timestamp,
) -> Attempt<()> {
    sqlx::query("UPDATE checkouts SET worker = $2, lease_until = $3 WHERE order_id = $1")
        .bind(order.as_str())
        .bind(worker)
        .bind(lease_until.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Records a step forward, if the worker holds the lease.
pub(crate) async fn record(
    connection: &mut PgConnection,
    order: &OrderId,
    worker: &str,
    progress: &Progress,
) -> Attempt<bool> {
    let recorded = sqlx::query(
        "UPDATE checkouts
         SET step = $3, intent = COALESCE($4, intent), lease_until = $5
         WHERE order_id = $1 AND worker = $2 AND is_open",
    )
    .bind(order.as_str())
    .bind(worker)
    .bind(progress.step.as_str())
    .bind(progress.intent.as_ref().map(|intent| intent.0.as_str()))
    .bind(progress.lease_until.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(recorded == 1)
}

/// The same, with the new order, in one statement. Done twice, it is as if done once.
pub(crate) async fn place(
    connection: &mut PgConnection,
    placed: &OrderRecord,
    worker: &str,
    progress: &Progress,
) -> Attempt<bool> {
    let order = &placed.order;
    let recorded: i64 = sqlx::query_scalar(
        "WITH recorded AS (
             UPDATE checkouts SET step = $3, lease_until = $4
             WHERE order_id = $1 AND worker = $2 AND is_open
             RETURNING order_id
         ), placed AS (
             INSERT INTO orders (id, status, owner, cart_id, access_digest, email, currency, subtotal,
                                 shipping, total, items, shipping_address, timeline, created_at)
             SELECT order_id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 FROM recorded
             ON CONFLICT (id) DO NOTHING
         )
         SELECT COUNT(*) FROM recorded",
    )
    .bind(order.id.as_str())
    .bind(worker)
    .bind(progress.step.as_str())
    .bind(progress.lease_until.as_millis())
    .bind(order.status.as_str())
    .bind(placed.owner.as_ref().map(UserId::as_str))
    .bind(placed.cart_id.as_str())
    .bind(placed.access_digest.as_str())
    .bind(order.email.as_str())
    .bind(order.total.currency().as_str().to_owned())
    .bind(order.subtotal.amount())
    .bind(order.shipping.amount())
    .bind(order.total.amount())
    .bind(serde_json::to_string(&order.items)?)
    .bind(serde_json::to_string(&order.shipping_address)?)
    .bind(serde_json::to_string(&order.timeline)?)
    .bind(order.created_at.as_millis())
    .fetch_one(connection)
    .await?;
    Ok(recorded == 1)
}

/// The same, with the outcome, the order as it now stands and its event, in one statement. The event is numbered once the
/// checkout is locked. Done twice, it is as if done once, but that the event may be told again.
pub(crate) async fn confirm(
    connection: &mut PgConnection,
    order: &Order,
    event: &Event,
    worker: &str,
    progress: &Progress,
) -> Attempt<bool> {
    let outcome = Outcome::Confirmed(Box::new(order.clone()));
    let confirmed: i64 = sqlx::query_scalar(
        "WITH recorded AS (
             UPDATE checkouts SET step = $3, lease_until = $4, outcome = $5
             WHERE order_id = $1 AND worker = $2 AND is_open
               AND EXISTS (SELECT 1 FROM orders WHERE id = $1)
             RETURNING order_id
         ), confirmed AS (
             UPDATE orders SET status = $6, timeline = $7
             FROM recorded
             WHERE id = recorded.order_id
             RETURNING id
         ), told AS (
             INSERT INTO outbox (event_id, kind, subject, occurred_at)
             SELECT $8, $9, $10, $11 FROM confirmed
             ON CONFLICT (event_id) DO NOTHING
         )
         SELECT COUNT(*) FROM confirmed",
    )
    .bind(order.id.as_str())
    .bind(worker)
    .bind(progress.step.as_str())
    .bind(progress.lease_until.as_millis())
    .bind(serde_json::to_string(&outcome)?)
    .bind(order.status.as_str())
    .bind(serde_json::to_string(&order.timeline)?)
    .bind(event.id.as_str())
    .bind(event.kind.as_str())
    .bind(event.subject.as_str())
    .bind(event.time.as_millis())
    .fetch_one(connection)
    .await?;
    Ok(confirmed == 1)
}

/// Ends the checkout, if the worker holds the lease. What is `None` stays as it is, and nobody holds the lease.
pub(crate) async fn end(
    connection: &mut PgConnection,
    order: &OrderId,
    worker: &str,
    step: Option<Step>,
    outcome: Option<&Outcome>,
) -> Attempt<bool> {
    let ended = sqlx::query(
        "UPDATE checkouts
         SET step = COALESCE($3, step), outcome = COALESCE($4, outcome),
             cart_lock = NULL, worker = '', is_open = FALSE
         WHERE order_id = $1 AND worker = $2 AND is_open",
    )
    .bind(order.as_str())
    .bind(worker)
    .bind(step.map(Step::as_str))
    .bind(outcome.map(serde_json::to_string).transpose()?)
    .execute(connection)
    .await?
    .rows_affected();
    Ok(ended == 1)
}
