//! Checkouts as rows: the idempotency record and the saga's state in one.

use bothways_domain::{
    checkout::{CheckoutRecord, Claim, IntentId, Outcome, Progress, Step},
    id::{CartId, OrderId, Token},
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{column, error::Attempt};

/// A checkout with what only the store cares about.
pub(crate) struct Stored {
    pub(crate) record: CheckoutRecord,
    pub(crate) fingerprint: String,
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
                fingerprint, lease_until, is_open
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
                fingerprint, lease_until, is_open
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
    outcome: Option<&Outcome>,
) -> Attempt<bool> {
    let recorded = sqlx::query(
        "UPDATE checkouts
         SET step = $3, intent = COALESCE($4, intent), outcome = COALESCE($5, outcome), lease_until = $6
         WHERE order_id = $1 AND worker = $2 AND is_open",
    )
    .bind(order.as_str())
    .bind(worker)
    .bind(progress.step.as_str())
    .bind(progress.intent.as_ref().map(|intent| intent.0.as_str()))
    .bind(outcome.map(serde_json::to_string).transpose()?)
    .bind(progress.lease_until.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(recorded == 1)
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
