//! What checkout keeps in its database, in memory: the world's checkout store.

use std::sync::Arc;

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

use crate::world::{State, World};

/// A checkout as a database would keep it.
pub(crate) struct Row {
    key: Option<String>,
    fingerprint: String,
    pub(crate) saga: Saga,
    worker: String,
    lease_until: Timestamp,
    pub(crate) open: bool,
    pub(crate) locks_cart: bool,
    pub(crate) events: Vec<Event>,
}

/// The world's face towards checkout: each port is the world itself.
pub(crate) struct Face(pub(crate) Arc<World>);

impl Face {
    /// Does `write` to the row if the worker holds its lease.
    async fn fenced(
        &self,
        order: &OrderId,
        worker: &str,
        write: impl FnOnce(&mut Row),
    ) -> Result<bool> {
        let held = |state: &mut State| match state.checkouts.get_mut(order) {
            Some(row) if row.worker == worker && row.open => {
                write(row);
                true
            }
            _ => false,
        };
        self.0.call(held).await
    }
}

impl Face {
    async fn move_on(&self, id: &OrderId, next: OrderStatus, now: Timestamp) -> Result<Moved> {
        self.0
            .call(|state| {
                let Some(row) = state.checkouts.get_mut(id) else {
                    return Moved::Missing;
                };
                let Some(record) = &mut row.saga.order else {
                    return Moved::Missing;
                };
                if let Some(obstacle) = record.obstacle(next, row.saga.checkout.step) {
                    return obstacle;
                }
                record.order.become_(next, now).unwrap();
                Moved::Done
            })
            .await
    }
}

fn settle_order(row: &mut Row, status: OrderStatus, at: Timestamp) {
    if let Some(record) = &mut row.saga.order {
        record.order.become_(status, at).unwrap();
    }
}

#[async_trait]
impl CheckoutStore for Face {
    async fn claim(&self, claim: &Claim, now: Timestamp) -> Result<Claimed> {
        self.0
            .call(|state| {
                if let Some(row) = state
                    .checkouts
                    .values_mut()
                    .find(|row| row.key.as_deref() == Some(claim.key.as_str()))
                {
                    if row.fingerprint != claim.fingerprint {
                        return Claimed::KeyReused;
                    }
                    if row.saga.checkout.outcome.is_some() {
                        return Claimed::Answered(Box::new(row.saga.checkout.clone()));
                    }
                    if row.lease_until > now {
                        return Claimed::Running;
                    }
                    row.worker.clone_from(&claim.worker);
                    row.lease_until = claim.lease_until;
                    return Claimed::Resumed(Box::new(row.saga.clone()));
                }
                if state.checkouts.values().any(|row| row.locks_cart) {
                    return Claimed::CartBusy;
                }
                let checkout = CheckoutRecord {
                    order_id: claim.order_id.clone(),
                    cart_id: claim.cart_id.clone(),
                    access_token: claim.access_token.clone(),
                    payment_method: claim.payment_method.clone(),
                    request_id: claim.request_id.clone(),
                    step: Step::Claimed,
                    intent: None,
                    outcome: None,
                };
                let row = Row {
                    key: Some(claim.key.as_str().to_owned()),
                    fingerprint: claim.fingerprint.clone(),
                    saga: Saga {
                        checkout: checkout.clone(),
                        order: None,
                    },
                    worker: claim.worker.clone(),
                    lease_until: claim.lease_until,
                    open: true,
                    locks_cart: true,
                    events: Vec::new(),
                };
                state.checkouts.insert(claim.order_id.clone(), row);
                Claimed::Fresh(Box::new(checkout))
            })
            .await
    }

    async fn place(&self, order: &OrderRecord, worker: &str, progress: &Progress) -> Result<bool> {
        self.fenced(&order.order.id, worker, |row| {
            row.saga.order = Some(order.clone());
            row.saga.checkout.step = progress.step;
            row.lease_until = progress.lease_until;
        })
        .await
    }

    async fn advance(&self, order: &OrderId, worker: &str, progress: &Progress) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.saga.checkout.step = progress.step;
            row.saga.checkout.intent = progress.intent.clone().or(row.saga.checkout.intent.take());
            row.lease_until = progress.lease_until;
        })
        .await
    }

    async fn confirm(
        &self,
        order: &Order,
        event: &Event,
        worker: &str,
        progress: &Progress,
    ) -> Result<bool> {
        self.fenced(&order.id, worker, |row| {
            row.saga.order.as_mut().unwrap().order = order.clone();
            row.saga.checkout.step = progress.step;
            row.saga.checkout.outcome = Some(Outcome::Confirmed(Box::new(order.clone())));
            row.lease_until = progress.lease_until;
            row.events.push(event.clone());
        })
        .await
    }

    async fn close(&self, order: &OrderId, worker: &str, step: Step) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.saga.checkout.step = step;
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn refuse(
        &self,
        order: &OrderId,
        worker: &str,
        refusal: &Refusal,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<bool> {
        self.fenced(order, worker, |row| {
            settle_order(row, status, now);
            row.saga.checkout.outcome = Some(Outcome::Refused(refusal.clone()));
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn forget(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        self.fenced(order, worker, |row| {
            settle_order(row, OrderStatus::Cancelled, now);
            row.key = None;
            row.open = false;
            row.locks_cart = false;
        })
        .await
    }

    async fn suspend(&self, order: &OrderId, worker: &str, now: Timestamp) -> Result<bool> {
        self.fenced(order, worker, |row| {
            row.worker.clear();
            row.lease_until = now;
        })
        .await
    }

    async fn take_abandoned(
        &self,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Saga>> {
        self.0
            .call(|state| {
                let abandoned = state
                    .checkouts
                    .values_mut()
                    .filter(|row| row.open && row.lease_until <= now);
                let take = |row: &mut Row| {
                    worker.clone_into(&mut row.worker);
                    row.lease_until = lease_until;
                    row.saga.clone()
                };
                abandoned.take(limit as usize).map(take).collect()
            })
            .await
    }

    async fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>> {
        self.0
            .call(|state| {
                state
                    .checkouts
                    .get(id)
                    .and_then(|row| row.saga.order.clone())
            })
            .await
    }

    async fn orders_of(&self, _: &UserId, _: Paging) -> Result<Page<Order>> {
        Ok(Page {
            entries: Vec::new(),
            total: 0,
        })
    }

    async fn all_orders(&self, _: Paging) -> Result<Page<Order>> {
        Ok(Page {
            entries: Vec::new(),
            total: 0,
        })
    }

    async fn begin_cancel(
        &self,
        id: &OrderId,
        event: &Event,
        worker: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Cancelling> {
        self.0
            .call(|state| {
                let Some(row) = state.checkouts.get_mut(id) else {
                    return Cancelling::Missing;
                };
                let Some(record) = &mut row.saga.order else {
                    return Cancelling::Missing;
                };
                match record.order.status {
                    OrderStatus::Cancelled if row.saga.checkout.step >= Step::Cancelling => {
                        return Cancelling::Already(Box::new(record.order.clone()));
                    }
                    OrderStatus::Confirmed => {}
                    _ => return Cancelling::TooLate,
                }
                if row.open && row.lease_until > now {
                    return Cancelling::Busy;
                }
                record.order.become_(OrderStatus::Cancelled, now).unwrap();
                row.saga.checkout.step = Step::Cancelling;
                row.events.push(event.clone());
                worker.clone_into(&mut row.worker);
                row.lease_until = lease_until;
                row.open = true;
                Cancelling::Begun(Box::new(row.saga.clone()))
            })
            .await
    }

    async fn ship(&self, id: &OrderId, now: Timestamp) -> Result<Moved> {
        self.move_on(id, OrderStatus::Shipped, now).await
    }

    async fn deliver(&self, id: &OrderId, now: Timestamp) -> Result<Moved> {
        self.move_on(id, OrderStatus::Delivered, now).await
    }
}
