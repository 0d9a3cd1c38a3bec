//! Checkouts: the idempotency record and the saga's state in one row, and what happens to it.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    checkout::{
        Cancelling, CheckoutRecord, CheckoutStore, Claim, Claimed, IntentId, Order, OrderRecord,
        OrderStatus, Outcome, Progress, Refusal, Saga, Step,
    },
    event::Event,
    id::{CartId, OrderId, Token, UserId},
    paging::{Page, Paging},
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, read, write},
    order, outbox,
};

/// The checkouts and orders of the shop.
#[derive(Debug, Clone)]
pub struct Checkouts {
    database: Database,
}

/// A checkout with what only the store cares about.
struct Stored {
    record: CheckoutRecord,
    fingerprint: String,
    lease_until: Timestamp,
    is_open: bool,
}

fn stored(row: &SqliteRow) -> Attempt<Stored> {
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
async fn insert(connection: &mut SqliteConnection, claim: &Claim) -> Attempt<bool> {
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

async fn by_key(connection: &mut SqliteConnection, key: &str) -> Attempt<Option<Stored>> {
    let row = sqlx::query(
        "SELECT order_id, cart_id, access_token, payment_method, request_id, step, intent, outcome,
                fingerprint, lease_until, is_open
         FROM checkouts
         WHERE idempotency_key = $1",
    )
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(stored).transpose()
}

async fn by_order(connection: &mut SqliteConnection, order: &OrderId) -> Attempt<Option<Stored>> {
    let row = sqlx::query(
        "SELECT order_id, cart_id, access_token, payment_method, request_id, step, intent, outcome,
                fingerprint, lease_until, is_open
         FROM checkouts
         WHERE order_id = $1",
    )
    .bind(order.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(stored).transpose()
}

async fn take_lease(
    connection: &mut SqliteConnection,
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
async fn record(
    connection: &mut SqliteConnection,
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
async fn end(
    connection: &mut SqliteConnection,
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

impl Checkouts {
    /// The checkouts in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_claim(&self, claim: &Claim, now: Timestamp) -> Attempt<Claimed> {
        let mut transaction = self.database.begin().await?;
        if insert(&mut transaction, claim).await? {
            transaction.commit().await?;
            return Ok(Claimed::Fresh(Box::new(CheckoutRecord {
                order_id: claim.order_id.clone(),
                cart_id: claim.cart_id.clone(),
                access_token: claim.access_token.clone(),
                payment_method: claim.payment_method.clone(),
                request_id: claim.request_id.clone(),
                step: Step::Claimed,
                intent: None,
                outcome: None,
            })));
        }
        let Some(stored) = by_key(&mut transaction, claim.key.as_str()).await? else {
            return Ok(Claimed::CartBusy);
        };
        if stored.fingerprint != claim.fingerprint {
            return Ok(Claimed::KeyReused);
        }
        if stored.record.outcome.is_some() {
            return Ok(Claimed::Answered(Box::new(stored.record)));
        }
        if stored.lease_until > now {
            return Ok(Claimed::Running);
        }
        let checkout = stored.record;
        take_lease(
            &mut transaction,
            &checkout.order_id,
            &claim.worker,
            claim.lease_until,
        )
        .await?;
        let order = order::find(&mut *transaction, &checkout.order_id).await?;
        transaction.commit().await?;
        Ok(Claimed::Resumed(Box::new(Saga { checkout, order })))
    }

    async fn try_place(
        &self,
        placed: &OrderRecord,
        worker: &str,
        progress: &Progress,
    ) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        if !record(&mut transaction, &placed.order.id, worker, progress, None).await? {
            return Ok(false);
        }
        order::insert(&mut transaction, placed).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn try_advance(
        &self,
        order: &OrderId,
        worker: &str,
        progress: &Progress,
    ) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let advanced = record(&mut transaction, order, worker, progress, None).await?;
        transaction.commit().await?;
        Ok(advanced)
    }

    async fn try_confirm(
        &self,
        order: &Order,
        event: &Event,
        worker: &str,
        progress: &Progress,
    ) -> Attempt<bool> {
        let outcome = Outcome::Confirmed(Box::new(order.clone()));
        let mut transaction = self.database.begin().await?;
        if !record(
            &mut transaction,
            &order.id,
            worker,
            progress,
            Some(&outcome),
        )
        .await?
        {
            return Ok(false);
        }
        order::update(&mut transaction, order).await?;
        outbox::append(&mut transaction, [event]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn try_close(&self, order: &OrderId, worker: &str, step: Step) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let closed = end(&mut transaction, order, worker, Some(step), None).await?;
        transaction.commit().await?;
        Ok(closed)
    }

    async fn try_refuse(
        &self,
        order: &OrderId,
        worker: &str,
        refusal: &Refusal,
        status: OrderStatus,
        now: Timestamp,
    ) -> Attempt<bool> {
        let outcome = Outcome::Refused(refusal.clone());
        let mut transaction = self.database.begin().await?;
        if !end(&mut transaction, order, worker, None, Some(&outcome)).await? {
            return Ok(false);
        }
        order::become_(&mut transaction, order, status, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn try_forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        if !end(&mut transaction, order, worker, None, None).await? {
            return Ok(false);
        }
        sqlx::query("UPDATE checkouts SET idempotency_key = NULL WHERE order_id = $1")
            .bind(order.as_str())
            .execute(&mut *transaction)
            .await?;
        order::become_(&mut transaction, order, OrderStatus::Cancelled, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn try_suspend(&self, order: &OrderId, worker: &str, now: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let suspended = sqlx::query(
            "UPDATE checkouts SET worker = '', lease_until = $3
             WHERE order_id = $1 AND worker = $2 AND is_open",
        )
        .bind(order.as_str())
        .bind(worker)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(suspended == 1)
    }

    async fn try_take_abandoned(
        &self,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Attempt<Vec<Saga>> {
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "UPDATE checkouts SET worker = $1, lease_until = $2
             WHERE order_id IN (
                 SELECT order_id FROM checkouts
                 WHERE is_open AND lease_until <= $3
                 ORDER BY lease_until
                 LIMIT $4
             )
             RETURNING order_id, cart_id, access_token, payment_method, request_id, step, intent, outcome,
                       fingerprint, lease_until, is_open",
        )
        .bind(worker)
        .bind(lease_until.as_millis())
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        let mut sagas = Vec::with_capacity(rows.len());
        for row in &rows {
            let checkout = stored(row)?.record;
            let order = order::find(&mut *transaction, &checkout.order_id).await?;
            sagas.push(Saga { checkout, order });
        }
        transaction.commit().await?;
        Ok(sagas)
    }

    async fn try_begin_cancel(
        &self,
        id: &OrderId,
        event: &Event,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Attempt<Cancelling> {
        let mut transaction = self.database.begin().await?;
        let Some(stored) = by_order(&mut transaction, id).await? else {
            return Ok(Cancelling::Missing);
        };
        let Some(mut order) = order::find(&mut *transaction, id).await? else {
            return Ok(Cancelling::Missing);
        };
        let mut checkout = stored.record;
        match order.order.status {
            // As opposed to one that was cancelled before it ever was confirmed.
            OrderStatus::Cancelled if checkout.step >= Step::Cancelling => {
                return Ok(Cancelling::Already(Box::new(order.order)));
            }
            OrderStatus::Confirmed => {}
            _ => return Ok(Cancelling::TooLate),
        }
        if stored.is_open && stored.lease_until > now {
            return Ok(Cancelling::Busy);
        }
        order.order.become_(OrderStatus::Cancelled, now)?;
        order::update(&mut transaction, &order.order).await?;
        outbox::append(&mut transaction, [event]).await?;
        checkout.step = Step::Cancelling;
        sqlx::query(
            "UPDATE checkouts
             SET step = $2, worker = $3, lease_until = $4, cart_lock = NULL, is_open = TRUE
             WHERE order_id = $1",
        )
        .bind(id.as_str())
        .bind(checkout.step.as_str())
        .bind(worker)
        .bind(lease_until.as_millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let order = Some(order);
        Ok(Cancelling::Begun(Box::new(Saga { checkout, order })))
    }
}

#[async_trait]
impl CheckoutStore for Checkouts {
    async fn claim(&self, claim: &Claim, now: Timestamp) -> Result<Claimed> {
        write(move || self.try_claim(claim, now)).await
    }

    async fn place(&self, order: &OrderRecord, worker: &str, progress: &Progress) -> Result<bool> {
        write(move || self.try_place(order, worker, progress)).await
    }

    async fn advance(&self, order: &OrderId, worker: &str, progress: &Progress) -> Result<bool> {
        write(move || self.try_advance(order, worker, progress)).await
    }

    async fn confirm(
        &self,
        order: &Order,
        event: &Event,
        worker: &str,
        progress: &Progress,
    ) -> Result<bool> {
        write(move || self.try_confirm(order, event, worker, progress)).await
    }

    async fn close(&self, order: &OrderId, worker: &str, step: Step) -> Result<bool> {
        write(move || self.try_close(order, worker, step)).await
    }

    async fn refuse(
        &self,
        order: &OrderId,
        worker: &str,
        refusal: &Refusal,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<bool> {
        write(move || self.try_refuse(order, worker, refusal, status, now)).await
    }

    async fn forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        write(move || self.try_forget(order, worker, now)).await
    }

    async fn suspend(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        write(move || self.try_suspend(order, worker, now)).await
    }

    async fn take_abandoned(
        &self,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Saga>> {
        write(move || self.try_take_abandoned(worker, now, lease_until, limit)).await
    }

    async fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>> {
        read(move || order::find(self.database.readers(), id)).await
    }

    async fn orders_of(&self, user: &UserId, paging: Paging) -> Result<Page<Order>> {
        read(move || order::page_of(&self.database, user, paging)).await
    }

    async fn begin_cancel(
        &self,
        id: &OrderId,
        event: &Event,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Cancelling> {
        write(move || self.try_begin_cancel(id, event, worker, now, lease_until)).await
    }
}
