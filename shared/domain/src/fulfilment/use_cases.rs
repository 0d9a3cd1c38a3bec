//! The fulfilment context: follows confirmed orders, and does what is due.

use std::sync::Arc;

use async_trait::async_trait;

use super::{DueReceipt, FulfilmentStore, MailError, Mailer, Shipment, Stage};
use crate::{
    Error, Result,
    checkout::{Moved, OrderDesk, OrderStatus},
    event::{Event, EventHandler, EventKind},
    id::OrderId,
    time::Clock,
};

/// How many shipments one pass takes.
const BATCH: u32 = 20;
/// How long a pass has what it took for itself, in milliseconds: longer than a call or a mail takes.
const LEASE_MILLIS: i64 = 30_000;
/// How long shipments wait when orders can't be asked about, in milliseconds: an outage is nothing they did.
const OUTAGE_MILLIS: i64 = 1_000;
/// How long a step of a shipment waits to be tried again, in milliseconds: twice as long each time, and no longer
/// than the last.
const SHIPMENT_BACKOFF: (i64, i64) = (1_000, 60_000);
/// The same for a receipt.
const RECEIPT_BACKOFF: (i64, i64) = (2_000, 300_000);
/// When a receipt is given up, in milliseconds: after five days, as mail servers do (RFC 5321, section 4.5.4.1).
const RECEIPT_GIVEN_UP_MILLIS: i64 = 5 * 24 * 3_600_000;

/// When goods move.
#[derive(Debug, Clone, Copy)]
pub struct FulfilmentPolicy {
    /// How long after its order was confirmed a shipment leaves, in milliseconds.
    pub ship_after_millis: i64,
    /// How long after that it arrives, in milliseconds.
    pub deliver_after_millis: i64,
}

/// What fulfilment works with.
#[derive(Clone)]
pub struct FulfilmentParts {
    /// Shipments and receipts.
    pub store: Arc<dyn FulfilmentStore>,
    /// The orders.
    pub desk: Arc<dyn OrderDesk>,
    /// The mail.
    pub mailer: Arc<dyn Mailer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The fulfilment context. Any number of them may work side by side.
pub struct FulfilmentUseCases {
    /// What it works with.
    pub parts: FulfilmentParts,
    /// When goods move.
    pub policy: FulfilmentPolicy,
}

/// The wait before the next attempt after so many.
fn backoff((first, longest): (i64, i64), attempts: u32) -> i64 {
    first.saturating_mul(1_i64 << attempts.min(30)).min(longest)
}

impl FulfilmentUseCases {
    /// Ships and delivers what is due: whether there may be more. When orders can't be asked about, that is the
    /// error, and what was due is due again a moment later.
    pub async fn move_shipments(&self) -> Result<bool> {
        let FulfilmentParts { store, clock, .. } = &self.parts;
        let now = clock.now();
        let due = store
            .take_shipments(now, now.plus_millis(LEASE_MILLIS), BATCH)
            .await?;
        for (place, shipment) in due.iter().enumerate() {
            match self.move_shipment(shipment).await {
                Err(error @ (Error::Unavailable { .. } | Error::Timeout)) => {
                    self.put_back(&due[place..]).await?;
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(%error, order = %shipment.order, "a shipment can't go on yet");
                    self.retry(shipment).await?;
                }
                Ok(()) => {}
            }
        }
        Ok(!due.is_empty())
    }

    async fn move_shipment(&self, shipment: &Shipment) -> Result<()> {
        let FulfilmentParts {
            store, desk, clock, ..
        } = &self.parts;
        let (order, from) = (&shipment.order, shipment.stage);
        let (moved, to) = match from {
            Stage::Packing => (desk.ship(order).await?, Stage::OnTheWay),
            Stage::OnTheWay => (desk.deliver(order).await?, Stage::Delivered),
            Stage::Delivered | Stage::CalledOff => return Ok(()),
        };
        match moved {
            Moved::Done => {
                let arrives = clock.now().plus_millis(self.policy.deliver_after_millis);
                let due_at = (to == Stage::OnTheWay).then_some(arrives);
                tracing::info!(%order, stage = to.as_str(), "a shipment went on");
                store.moved(order, from, to, due_at).await
            }
            Moved::NotYet => self.retry(shipment).await,
            Moved::Over => store.moved(order, from, Stage::CalledOff, None).await,
            Moved::Missing => {
                tracing::error!(%order, "a shipment has no order");
                store.moved(order, from, Stage::CalledOff, None).await
            }
        }
    }

    async fn retry(&self, shipment: &Shipment) -> Result<()> {
        let wait = backoff(SHIPMENT_BACKOFF, shipment.attempts);
        self.postpone(shipment, shipment.attempts + 1, wait).await
    }

    async fn put_back(&self, shipments: &[Shipment]) -> Result<()> {
        for shipment in shipments {
            self.postpone(shipment, shipment.attempts, OUTAGE_MILLIS)
                .await?;
        }
        Ok(())
    }

    async fn postpone(&self, shipment: &Shipment, attempts: u32, wait: i64) -> Result<()> {
        let Shipment { order, stage, .. } = shipment;
        let due_at = self.parts.clock.now().plus_millis(wait);
        let store = &self.parts.store;
        store
            .postpone_shipment(order, *stage, attempts, due_at)
            .await
    }

    /// Sends the receipt that is due the longest: whether there was one. A mail server that refuses it or is away
    /// makes it due later; when orders can't be asked about, that is the error.
    pub async fn send_receipt(&self) -> Result<bool> {
        let FulfilmentParts {
            store, desk, clock, ..
        } = &self.parts;
        let now = clock.now();
        let lease_until = now.plus_millis(LEASE_MILLIS);
        let Some(receipt) = store.take_receipt(now, lease_until).await? else {
            return Ok(false);
        };
        let order = match desk.order(&receipt.order).await {
            Ok(order) => order,
            Err(error) => {
                let due_at = clock.now().plus_millis(OUTAGE_MILLIS);
                store
                    .postpone_receipt(&receipt.order, receipt.attempts, due_at)
                    .await?;
                return Err(error);
            }
        };
        // Who called the order off before the mail was sent needs no proof of buying.
        let owed = order.filter(|order| order.status != OrderStatus::Cancelled);
        let sent = match &owed {
            Some(order) => self.parts.mailer.receipt(order).await,
            None => Ok(()),
        };
        match sent {
            Ok(()) => store.receipt_settled(&receipt.order).await?,
            Err(error) => self.not_sent(&receipt, &error).await?,
        }
        Ok(true)
    }

    async fn not_sent(&self, receipt: &DueReceipt, error: &MailError) -> Result<()> {
        let FulfilmentParts { store, clock, .. } = &self.parts;
        let (order, now) = (&receipt.order, clock.now());
        let cause = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        let is_old = now >= receipt.since.plus_millis(RECEIPT_GIVEN_UP_MILLIS);
        if is_old || matches!(error, MailError::Unaddressable(_)) {
            tracing::error!(%error, cause, %order, "a receipt is given up");
            return store.receipt_settled(order).await;
        }
        tracing::warn!(%error, cause, %order, attempts = receipt.attempts + 1, "a receipt has to wait");
        let due_at = now.plus_millis(backoff(RECEIPT_BACKOFF, receipt.attempts));
        let attempts = receipt.attempts + 1;
        store.postpone_receipt(order, attempts, due_at).await
    }
}

/// Only confirmed orders matter here: that one was cancelled is found out when it is due to ship.
#[async_trait]
impl EventHandler for FulfilmentUseCases {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        let mut failed = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if event.kind != EventKind::OrderConfirmed {
                continue;
            }
            let Some(order) = OrderId::parse(&event.subject) else {
                failed.push((index, "the subject is no order's id".to_owned()));
                continue;
            };
            let ship_at = event.time.plus_millis(self.policy.ship_after_millis);
            let now = self.parts.clock.now();
            self.parts.store.note(&order, ship_at, now).await?;
        }
        Ok(failed)
    }
}
