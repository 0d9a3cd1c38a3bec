//! Drives a checkout from its recorded step to its end: forward for a client that waits, forward or back
//! for recovery.
//!
//! The rules that make it safe at every crash point:
//! - a step is recorded after it is done, and doing it twice is harmless;
//! - the payment is confirmed only while nothing is known of an earlier confirmation; after an
//!   unknown outcome the provider is asked, or the payment is cancelled, never confirmed blindly;
//! - stock leaves the shelf before the order is confirmed, so that a reservation which expired is found
//!   out while the payment can still be voided;
//! - the amount is captured only for a confirmed order.

use super::{
    CheckoutParts, CheckoutRecord, IntentId, IntentStatus, OrderRecord, OrderStatus, Outcome,
    PaymentError, Progress, Refusal, Saga, SagaPolicy, Step,
};
use crate::{
    Error,
    event::{Event, EventKind},
    inventory::{Reserved, Settled},
    time::Timestamp,
};

/// Why a checkout does not get to [`Step::Confirmed`], and what has to become of it.
#[derive(Debug)]
pub(super) enum End {
    /// Refused for good; the key keeps this answer.
    Refuse(Refusal, OrderStatus),
    /// Undone as if the key had never been used; this is what the client hears.
    Forget(Error),
    /// Left as it is, for the same key or recovery to go on.
    Suspend(Error),
    /// Another worker has taken over; hands off.
    Lost,
}

impl From<Error> for End {
    /// What goes wrong before anything is known to be wrong with the request leaves things open.
    fn from(error: Error) -> Self {
        Self::Suspend(error)
    }
}

/// One attempt to take a checkout further, under a lease.
pub(super) struct Worker<'a> {
    pub(super) parts: &'a CheckoutParts,
    pub(super) policy: SagaPolicy,
    /// What the lease is held by.
    pub(super) name: String,
}

impl Worker<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(super) fn lease_until(&self) -> Timestamp {
        self.now().plus_millis(self.policy.lease_millis)
    }

    /// Turns "the lease is no longer yours" into an end.
    #[expect(
        clippy::unused_self,
        reason = "reads as what it is: whether this worker holds the lease"
    )]
    pub(super) fn held(&self, held: bool) -> Result<(), End> {
        if held { Ok(()) } else { Err(End::Lost) }
    }

    async fn record(
        &self,
        checkout: &mut CheckoutRecord,
        step: Step,
        intent: Option<IntentId>,
    ) -> Result<(), End> {
        let progress = Progress {
            intent: intent.clone(),
            ..self.progress(step)
        };
        self.held(
            self.parts
                .store
                .advance(&checkout.order_id, &self.name, &progress)
                .await?,
        )?;
        checkout.step = step;
        checkout.intent = intent.or(checkout.intent.take());
        self.parts.probe.reached(step, &checkout.cart_id).await;
        Ok(())
    }

    /// Takes a placed order to confirmed, from whatever step it is at.
    pub(super) async fn confirm(
        &self,
        checkout: &mut CheckoutRecord,
        order: &mut OrderRecord,
        resumed: bool,
    ) -> Result<(), End> {
        if checkout.step < Step::Reserved {
            self.reserve(checkout, order).await?;
        }
        if checkout.step < Step::IntentCreated {
            self.create_intent(checkout, order).await?;
        }
        if checkout.step < Step::Authorised {
            self.authorise(checkout, resumed).await?;
        }
        if checkout.step < Step::Settled {
            self.settle(checkout).await?;
        }
        if checkout.step < Step::Confirmed {
            self.confirm_order(checkout, order).await?;
        }
        Ok(())
    }

    async fn reserve(&self, checkout: &mut CheckoutRecord, order: &OrderRecord) -> Result<(), End> {
        match self
            .parts
            .inventory
            .reserve(&checkout.order_id, &order.order.stock_lines())
            .await?
        {
            Reserved::Kept => self.record(checkout, Step::Reserved, None).await,
            Reserved::Short(products) => Err(End::Refuse(
                Refusal::OutOfStock(products),
                OrderStatus::Cancelled,
            )),
            // An earlier attempt was being undone: that is finished first, then the key may start afresh.
            Reserved::Gone => Err(End::Forget(Error::RequestInProgress { retry_after: 1 })),
        }
    }

    async fn create_intent(
        &self,
        checkout: &mut CheckoutRecord,
        order: &OrderRecord,
    ) -> Result<(), End> {
        let created = self.parts.payments.create(
            &checkout.order_id,
            order.order.total,
            &checkout.payment_method,
        );
        match created.await {
            Ok(intent) => {
                self.record(checkout, Step::IntentCreated, Some(intent))
                    .await
            }
            Err(PaymentError::Refused { message }) => {
                Err(End::Forget(Error::invalid("/payment_method", message)))
            }
            // An intent that nobody confirms charges nothing, so nothing needs to be found out.
            Err(error @ PaymentError::Unknown(_)) => Err(End::Forget(payment_unavailable(&error))),
        }
    }

    /// Authorises the amount; `resumed` when an earlier worker may have tried.
    async fn authorise(&self, checkout: &mut CheckoutRecord, resumed: bool) -> Result<(), End> {
        let intent = intent_of(checkout)?;
        let payments = &self.parts.payments;
        let mut status = if resumed {
            payments.status(&intent).await
        } else {
            Ok(IntentStatus::Unconfirmed)
        };
        if matches!(status, Ok(IntentStatus::Unconfirmed)) {
            status = payments.confirm(&intent).await;
            if let Err(error @ PaymentError::Unknown(_)) = &status {
                tracing::warn!(%error, order = %checkout.order_id, "asking what became of the payment");
                status = payments.status(&intent).await;
            }
        }
        match status {
            Ok(IntentStatus::Authorised | IntentStatus::Captured) => {
                self.record(checkout, Step::Authorised, None).await
            }
            Ok(IntentStatus::Declined { code }) => Err(End::Refuse(
                Refusal::Declined { code },
                OrderStatus::Declined,
            )),
            Ok(IntentStatus::Cancelled | IntentStatus::Unconfirmed) => {
                Err(End::Forget(Error::PaymentUnavailable))
            }
            Ok(IntentStatus::Processing) => Err(End::Suspend(Error::PaymentUnavailable)),
            Err(PaymentError::Refused { message }) => {
                Err(End::Forget(Error::invalid("/payment_method", message)))
            }
            Err(error @ PaymentError::Unknown(_)) => Err(End::Suspend(payment_unavailable(&error))),
        }
    }

    async fn settle(&self, checkout: &mut CheckoutRecord) -> Result<(), End> {
        match self.parts.inventory.settle(&checkout.order_id).await? {
            Settled::Sold => self.record(checkout, Step::Settled, None).await,
            // The reservation expired: the payment is voided and the key may start afresh.
            Settled::Gone => Err(End::Forget(Error::RequestInProgress { retry_after: 1 })),
        }
    }

    async fn confirm_order(
        &self,
        checkout: &mut CheckoutRecord,
        order: &mut OrderRecord,
    ) -> Result<(), End> {
        let now = self.now();
        let mut confirmed = order.order.clone();
        confirmed.become_(OrderStatus::Confirmed, now)?;
        let entropy = self.parts.entropy.as_ref();
        let event = Event::of_order(EventKind::OrderConfirmed, &checkout.order_id, now, entropy);
        let progress = self.progress(Step::Confirmed);
        self.held(
            self.parts
                .store
                .confirm(&confirmed, &event, &self.name, &progress)
                .await?,
        )?;
        checkout.step = Step::Confirmed;
        checkout.outcome = Some(Outcome::Confirmed(Box::new(confirmed.clone())));
        order.order = confirmed;
        self.parts
            .probe
            .reached(Step::Confirmed, &checkout.cart_id)
            .await;
        Ok(())
    }

    /// After the order is confirmed: capture, clear the cart, close. What fails is left to recovery; the client
    /// has its order either way.
    pub(super) async fn wind_up(&self, checkout: &mut CheckoutRecord, order: &OrderRecord) {
        match self.finish(checkout, order).await {
            Ok(()) | Err(End::Lost) => {}
            Err(end) => {
                tracing::warn!(?end, order = %checkout.order_id, "the rest of the checkout is left to recovery");
                let suspended = self
                    .parts
                    .store
                    .suspend(&checkout.order_id, &self.name, self.now())
                    .await;
                if let Err(error) = suspended {
                    tracing::warn!(%error, "the lease runs out by itself");
                }
            }
        }
    }

    async fn finish(&self, checkout: &mut CheckoutRecord, order: &OrderRecord) -> Result<(), End> {
        if checkout.step < Step::Captured {
            let intent = intent_of(checkout)?;
            match self.parts.payments.capture(&intent).await {
                Ok(IntentStatus::Captured) => self.record(checkout, Step::Captured, None).await?,
                Ok(other) => {
                    let fault = format!("an authorised payment is {other:?} when captured");
                    return Err(End::Suspend(Error::internal(fault)));
                }
                Err(error) => return Err(End::Suspend(payment_unavailable(&error))),
            }
        }
        if checkout.step < Step::Cleared {
            let lines = order.order.stock_lines();
            self.parts
                .carts
                .consume(&checkout.cart_id, &checkout.order_id, &lines)
                .await?;
            self.held(
                self.parts
                    .store
                    .close(&checkout.order_id, &self.name, Step::Cleared)
                    .await?,
            )?;
            checkout.step = Step::Cleared;
            self.parts
                .probe
                .reached(Step::Cleared, &checkout.cart_id)
                .await;
        }
        Ok(())
    }

    /// Brings about an end before confirmation, and says what the client hears.
    pub(super) async fn end(
        &self,
        checkout: &CheckoutRecord,
        order: Option<&OrderRecord>,
        end: End,
    ) -> Error {
        let store = &self.parts.store;
        let (undo, error) = match end {
            End::Lost => return Error::RequestInProgress { retry_after: 1 },
            End::Suspend(error) if order.is_some() => (None, error),
            // Before the order is placed there is nothing to find out: as if it had never been.
            End::Suspend(error) | End::Forget(error) => (Some(None), error),
            End::Refuse(refusal, status) => (Some(Some((refusal.clone(), status))), refusal.into()),
        };
        let undone = match &undo {
            Some(_) if order.is_some() => self.undo(checkout).await,
            _ => Ok(()),
        };
        let now = self.now();
        let ended = match (undone, undo) {
            // Not undone yet: recovery, or the same key, has to.
            (Err(fault), _) => {
                tracing::warn!(%fault, order = %checkout.order_id, "undoing a checkout is left to recovery");
                store.suspend(&checkout.order_id, &self.name, now).await
            }
            (Ok(()), None) => store.suspend(&checkout.order_id, &self.name, now).await,
            (Ok(()), Some(None)) => store.forget(&checkout.order_id, &self.name, now).await,
            (Ok(()), Some(Some((refusal, status)))) => {
                store
                    .refuse(&checkout.order_id, &self.name, &refusal, status, now)
                    .await
            }
        };
        if let Err(fault) = ended {
            tracing::warn!(%fault, order = %checkout.order_id, "ending a checkout is left to recovery");
        }
        error
    }

    /// Makes sure that no money and no stock stays behind. Idempotent.
    async fn undo(&self, checkout: &CheckoutRecord) -> Result<(), Error> {
        if let Some(intent) = &checkout.intent {
            match self.parts.payments.cancel(intent).await {
                // A declined intent holds nothing; a provider may refuse to void it.
                Ok(IntentStatus::Cancelled | IntentStatus::Declined { .. }) => {}
                Ok(IntentStatus::Captured) => {
                    let refunded = self.parts.payments.refund(&checkout.order_id, intent).await;
                    refunded.map_err(|error| payment_unavailable(&error))?;
                }
                Ok(_) => return Err(Error::PaymentUnavailable),
                Err(error) => return Err(payment_unavailable(&error)),
            }
        }
        self.parts.inventory.restock(&checkout.order_id).await
    }

    /// Refunds and restocks a cancelled order, and closes it.
    pub(super) async fn finish_cancelling(&self, saga: &mut Saga) -> Result<(), Error> {
        self.undo(&saga.checkout).await?;
        // Cancelled before the cart was cleared, the cart keeps what was bought: the shopper may want it again.
        if self
            .parts
            .store
            .close(&saga.checkout.order_id, &self.name, Step::Cancelled)
            .await?
        {
            saga.checkout.step = Step::Cancelled;
            self.parts
                .probe
                .reached(Step::Cancelled, &saga.checkout.cart_id)
                .await;
        }
        Ok(())
    }

    /// Finishes (`true`) or undoes (`false`) an interrupted checkout or cancellation.
    pub(super) async fn recover(&self, saga: &mut Saga) -> Result<bool, Error> {
        if saga.checkout.step == Step::Cancelling {
            return self.finish_cancelling(saga).await.map(|()| true);
        }
        let Saga { checkout, order } = saga;
        let Some(order) = order else {
            self.parts
                .store
                .forget(&checkout.order_id, &self.name, self.now())
                .await?;
            return Ok(false);
        };
        let confirmed = match checkout.step {
            // Nobody waits and nothing is paid: back.
            Step::Claimed | Step::Placed | Step::Reserved => {
                Err(End::Forget(Error::PaymentUnavailable))
            }
            Step::IntentCreated => match self.resolve(checkout).await {
                Ok(()) => self.confirm(checkout, order, true).await,
                Err(end) => Err(end),
            },
            _ => self.confirm(checkout, order, true).await,
        };
        match confirmed {
            Ok(()) => self.wound_up(checkout, order).await.map(|()| true),
            Err(end @ (End::Suspend(_) | End::Lost)) => {
                Err(self.end(checkout, Some(order), end).await)
            }
            Err(end) => {
                self.end(checkout, Some(order), end).await;
                Ok(false)
            }
        }
    }

    /// Finds out what became of a payment that may or may not have been confirmed; recovery does not confirm.
    async fn resolve(&self, checkout: &CheckoutRecord) -> Result<(), End> {
        let status = self.parts.payments.status(&intent_of(checkout)?).await;
        match status {
            Ok(IntentStatus::Unconfirmed) => Err(End::Forget(Error::PaymentUnavailable)),
            Ok(_) => Ok(()),
            Err(error) => Err(End::Suspend(payment_unavailable(&error))),
        }
    }

    async fn wound_up(
        &self,
        checkout: &mut CheckoutRecord,
        order: &OrderRecord,
    ) -> Result<(), Error> {
        match self.finish(checkout, order).await {
            Ok(()) | Err(End::Lost) => Ok(()),
            Err(End::Suspend(error) | End::Forget(error)) => Err(error),
            Err(End::Refuse(refusal, _)) => Err(refusal.into()),
        }
    }
}

fn intent_of(checkout: &CheckoutRecord) -> Result<IntentId, Error> {
    checkout
        .intent
        .clone()
        .ok_or_else(|| Error::internal("a checkout past its payment has no payment"))
}

/// The provider failed: the reason is logged, the client hears that nothing is lost.
fn payment_unavailable(error: &PaymentError) -> Error {
    let source = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::warn!(%error, source, "the payment provider failed");
    Error::PaymentUnavailable
}
