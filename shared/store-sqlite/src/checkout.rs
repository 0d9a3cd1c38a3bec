//! Checkouts: how they are claimed, go forward, end and are taken over.

use crate::{
    Database,
    error::{Attempt, read, write},
    order, outbox, saga,
};
use async_trait::async_trait;
use bothways_domain::{
    Result,
    checkout::{
        Cancelling, CheckoutRecord, CheckoutStore, Claim, Claimed, Moved, Order, OrderRecord,
        OrderStatus, Outcome, Progress, Refusal, Saga, Step,
    },
    event::Event,
    id::{OrderId, UserId},
    paging::{Page, Paging},
    time::Timestamp,
};

/// The checkouts and orders of the shop.
#[derive(Debug, Clone)]
pub struct Checkouts {
    database: Database,
}

impl Checkouts {
    /// The checkouts in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_claim(&self, claim: &Claim, now: Timestamp) -> Attempt<Claimed> {
        let mut transaction = self.database.begin().await?;
        if saga::insert(&mut transaction, claim).await? {
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
        let Some(stored) = saga::by_key(&mut transaction, claim.key.as_str()).await? else {
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
        saga::take_lease(
            &mut transaction,
            &checkout.order_id,
            &claim.worker,
            claim.lease_until,
        )
        .await?;
        let order = order::find(&mut transaction, &checkout.order_id).await?;
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
        if !saga::record(&mut transaction, &placed.order.id, worker, progress, None).await? {
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
        let advanced = saga::record(&mut transaction, order, worker, progress, None).await?;
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
        if !saga::record(
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
        let closed = saga::end(&mut transaction, order, worker, Some(step), None).await?;
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
        if !saga::end(&mut transaction, order, worker, None, Some(&outcome)).await? {
            return Ok(false);
        }
        order::become_(&mut transaction, order, status, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn try_forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        if !saga::end(&mut transaction, order, worker, None, None).await? {
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
                 LIMIT $4 + 0
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
            let checkout = saga::stored(row)?.record;
            let order = order::find(&mut transaction, &checkout.order_id).await?;
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
        let Some(stored) = saga::by_order(&mut transaction, id).await? else {
            return Ok(Cancelling::Missing);
        };
        let Some(mut order) = order::find(&mut transaction, id).await? else {
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

    async fn try_order(&self, id: &OrderId) -> Attempt<Option<OrderRecord>> {
        let mut lease = self.database.lease().await?;
        let order = order::find(&mut lease, id).await?;
        lease.keep();
        Ok(order)
    }

    async fn try_move(&self, id: &OrderId, next: OrderStatus, now: Timestamp) -> Attempt<Moved> {
        let mut transaction = self.database.begin().await?;
        let Some(stored) = saga::by_order(&mut transaction, id).await? else {
            return Ok(Moved::Missing);
        };
        let Some(order) = order::find(&mut transaction, id).await? else {
            return Ok(Moved::Missing);
        };
        if let Some(obstacle) = order.obstacle(next, stored.record.step) {
            return Ok(obstacle);
        }
        order::become_(&mut transaction, id, next, now).await?;
        transaction.commit().await?;
        Ok(Moved::Done)
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
        read(move || self.try_order(id)).await
    }

    async fn all_orders(&self, paging: Paging) -> Result<Page<Order>> {
        read(move || order::page(&self.database, paging)).await
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

    async fn ship(&self, id: &OrderId, now: Timestamp) -> Result<Moved> {
        write(move || self.try_move(id, OrderStatus::Shipped, now)).await
    }

    async fn deliver(&self, id: &OrderId, now: Timestamp) -> Result<Moved> {
        write(move || self.try_move(id, OrderStatus::Delivered, now)).await
    }
}
