//! The background tasks the services have in common.

use std::{sync::Arc, time::Duration};

use bothways_domain::{
    checkout::{CheckoutApi, CheckoutUseCases, RecoveryReport},
    event::Relay,
    fulfilment::FulfilmentUseCases,
    inventory::InventoryUseCases,
    time::{Clock, Timestamp},
};

use crate::{Background, Result, Settings};

/// How often an idle outbox is looked at: well inside the 5 s in which search has to follow.
const RELAY_PAUSE: Duration = Duration::from_millis(250);
/// How often expired reservations are let go.
const EXPIRY_PAUSE: Duration = Duration::from_secs(30);

/// Delivers a context's events as they come.
#[cfg(feature = "nats")]
pub(crate) fn relay_task(relay: Relay) -> Background {
    let relay = Arc::new(relay);
    Background::new("outbox relay", RELAY_PAUSE, move || {
        let relay = relay.clone();
        async move { Ok(relay.pass().await?.is_some_and(|delivered| delivered > 0)) }
    })
}

impl Background {
    /// Finishes or undoes interrupted checkouts.
    pub fn recovery(checkout: Arc<CheckoutUseCases>, settings: Settings) -> Result<Self> {
        let pause = settings.millis("RECOVERY_INTERVAL_MS", 10_000)?;
        Ok(Self::new("checkout recovery", pause, move || {
            let checkout = checkout.clone();
            async move {
                let report = checkout.recover().await?;
                if report != RecoveryReport::default() {
                    tracing::info!(?report, "recovered interrupted checkouts");
                }
                Ok(false)
            }
        }))
    }

    /// Ships and delivers orders when that is due.
    pub fn shipments(fulfilment: Arc<FulfilmentUseCases>, settings: Settings) -> Result<Self> {
        let pause = settings.millis("FULFILMENT_INTERVAL_MS", 1_000)?;
        Ok(Self::new("shipments", pause, move || {
            let fulfilment = fulfilment.clone();
            async move { fulfilment.move_shipments().await }
        }))
    }

    /// Sends receipts, beside the shipments: a mail server that is slow holds none of those up.
    pub fn receipts(fulfilment: Arc<FulfilmentUseCases>, settings: Settings) -> Result<Self> {
        let pause = settings.millis("FULFILMENT_INTERVAL_MS", 1_000)?;
        Ok(Self::new("receipts", pause, move || {
            let fulfilment = fulfilment.clone();
            async move { fulfilment.send_receipt().await }
        }))
    }

    /// Lets go of reservations whose checkout never came back.
    pub fn expiry(inventory: Arc<InventoryUseCases>) -> Self {
        Self::new("reservation expiry", EXPIRY_PAUSE, move || {
            let inventory = inventory.clone();
            async move { Ok(inventory.expire().await? > 0) }
        })
    }
}

/// How long one invocation relays: well below its timeout. What is left then is for the next one.
const RELAY_WINDOW: Duration = Duration::from_secs(20);

/// The relays that one invocation of the outbox relay drains.
pub struct Relays {
    pub(crate) relays: Vec<Relay>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Relays {
    /// Delivers all that is due. Where another instance is at it, this one waits its turn: what was written
    /// after the other looked must not wait for the schedule.
    /// One whose queue can't be reached holds up none of the others.
    pub async fn drain(&self) -> Result<()> {
        let window = i64::try_from(RELAY_WINDOW.as_millis())?;
        let until = self.clock.now().plus_millis(window);
        let each = self.relays.iter().map(|relay| self.one(relay, until));
        let outcomes = futures::future::join_all(each).await;
        outcomes.into_iter().collect()
    }

    async fn one(&self, relay: &Relay, until: Timestamp) -> Result<()> {
        while relay.drain(until).await?.is_none() && self.clock.now() < until {
            tokio::time::sleep(RELAY_PAUSE).await;
        }
        Ok(())
    }
}
