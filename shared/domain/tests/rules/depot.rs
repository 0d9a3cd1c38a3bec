//! Fulfilment's store and mail, in memory: they fail and stop as the rest of the world does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bothways_domain::{
    Result,
    checkout::{DeskUseCases, Order},
    fulfilment::{
        DueReceipt, FulfilmentParts, FulfilmentPolicy, FulfilmentStore, FulfilmentUseCases,
        MailError, Mailer, Shipment, Stage,
    },
    id::OrderId,
    time::Timestamp,
};

use crate::{store::Face, world::World};

pub(crate) const SHIP_AFTER: i64 = 20_000;
pub(crate) const DELIVER_AFTER: i64 = 30_000;

/// A shipment as a database would keep it.
pub(crate) struct Row {
    pub(crate) stage: Stage,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) receipt_due_at: Option<Timestamp>,
    attempts: u32,
    receipt_attempts: u32,
    noted_at: Timestamp,
}

type Rows = BTreeMap<OrderId, Row>;

/// What survives every crash, beside the world.
pub(crate) struct Depot {
    world: Arc<World>,
    pub(crate) rows: Mutex<Rows>,
    /// The orders whose receipt was sent.
    pub(crate) sent: Mutex<Vec<OrderId>>,
    /// What the mail server says to everything, if it does.
    pub(crate) mail: Mutex<Option<fn() -> MailError>>,
}

impl Depot {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world: world.clone(),
            rows: Mutex::default(),
            sent: Mutex::default(),
            mail: Mutex::default(),
        })
    }

    /// A process that works here.
    pub(crate) fn fulfilment(self: &Arc<Self>) -> FulfilmentUseCases {
        let desk = DeskUseCases {
            store: Arc::new(Face(self.world.clone())),
            clock: self.world.clone(),
        };
        FulfilmentUseCases {
            parts: FulfilmentParts {
                store: self.clone(),
                desk: Arc::new(desk),
                mailer: self.clone(),
                clock: self.world.clone(),
            },
            policy: FulfilmentPolicy {
                ship_after_millis: SHIP_AFTER,
                deliver_after_millis: DELIVER_AFTER,
            },
        }
    }

    async fn call<T>(&self, work: impl FnOnce(&mut Rows) -> T) -> Result<T> {
        self.world
            .call(|_| work(&mut self.rows.lock().unwrap()))
            .await
    }
}

fn is_due(due: Option<Timestamp>, now: Timestamp) -> bool {
    due.is_some_and(|due| due <= now)
}

#[async_trait]
impl FulfilmentStore for Depot {
    async fn note(&self, order: &OrderId, ship_at: Timestamp, now: Timestamp) -> Result<bool> {
        self.call(|rows| {
            let known = rows.contains_key(order);
            rows.entry(order.clone()).or_insert(Row {
                stage: Stage::Packing,
                due_at: Some(ship_at),
                receipt_due_at: Some(now),
                attempts: 0,
                receipt_attempts: 0,
                noted_at: now,
            });
            !known
        })
        .await
    }

    async fn take_shipments(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Shipment>> {
        self.call(|rows| {
            let due = rows.iter_mut().filter(|(_, row)| is_due(row.due_at, now));
            let take = |(order, row): (&OrderId, &mut Row)| {
                row.due_at = Some(lease_until);
                Shipment {
                    order: order.clone(),
                    stage: row.stage,
                    attempts: row.attempts,
                }
            };
            due.take(limit as usize).map(take).collect()
        })
        .await
    }

    async fn moved(
        &self,
        order: &OrderId,
        from: Stage,
        to: Stage,
        due_at: Option<Timestamp>,
    ) -> Result<()> {
        self.call(|rows| {
            if let Some(row) = rows.get_mut(order).filter(|row| row.stage == from) {
                (row.stage, row.due_at, row.attempts) = (to, due_at, 0);
            }
        })
        .await
    }

    async fn postpone_shipment(
        &self,
        order: &OrderId,
        stage: Stage,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()> {
        self.call(|rows| {
            if let Some(row) = rows.get_mut(order).filter(|row| row.stage == stage) {
                (row.due_at, row.attempts) = (Some(due_at), attempts);
            }
        })
        .await
    }

    async fn take_receipt(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueReceipt>> {
        self.call(|rows| {
            let mut due = rows.iter_mut();
            let (order, row) = due.find(|(_, row)| is_due(row.receipt_due_at, now))?;
            row.receipt_due_at = Some(lease_until);
            Some(DueReceipt {
                order: order.clone(),
                attempts: row.receipt_attempts,
                since: row.noted_at,
            })
        })
        .await
    }

    async fn receipt_settled(&self, order: &OrderId) -> Result<()> {
        self.call(|rows| {
            if let Some(row) = rows.get_mut(order) {
                row.receipt_due_at = None;
            }
        })
        .await
    }

    async fn postpone_receipt(
        &self,
        order: &OrderId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()> {
        self.call(|rows| {
            let owed = rows.get_mut(order);
            if let Some(row) = owed.filter(|row| row.receipt_due_at.is_some()) {
                (row.receipt_due_at, row.receipt_attempts) = (Some(due_at), attempts);
            }
        })
        .await
    }
}

#[async_trait]
impl Mailer for Depot {
    async fn receipt(&self, order: &Order) -> Result<(), MailError> {
        if let Some(refusal) = *self.mail.lock().unwrap() {
            return Err(refusal());
        }
        let sent = self
            .world
            .call(|_| self.sent.lock().unwrap().push(order.id.clone()));
        sent.await
            .map_err(|error| MailError::NotTaken(Box::new(error)))
    }
}
