//! The shop's contexts as this process runs them: each over its own database, with its neighbours given.
//! A microservice gives clients as neighbours, a function gives the contexts themselves.

use std::sync::Arc;

use bothways_credentials::{Argon2Hasher, JwtIssuer, JwtVerifier};
use bothways_domain::{
    Currency,
    cart::{CartApi, CartUseCases},
    checkout::{
        CheckoutParts, CheckoutUseCases, DeskUseCases, OrderDesk, PaymentProvider, SagaPolicy,
    },
    event::{
        DeadLetterApi, DeadLetterSource, DeadLetterUseCases, EventSink, OutboxLetters, Relay,
        Teller,
    },
    fulfilment::{FulfilmentParts, FulfilmentPolicy, FulfilmentUseCases, Mailer},
    id::hex,
    identity::{
        EmailAddress, FirstAdmin, IdentityApi, IdentityPolicy, IdentityUseCases, Password,
        TokenVerifier,
    },
    inventory::{InventoryApi, InventoryUseCases},
    media::{Inspector, MediaUseCases, PhotoStore},
    product::{ProductApi, ProductUseCases},
    time::{Clock, Entropy},
};
use bothways_http::clients::StripePayments;

use crate::{
    Checks, Relays, Result, Settings, failpoint,
    sources::{SecureEntropy, SystemClock},
    stores::{Opening, Stores},
};

/// The contexts that tell events.
pub(crate) const TELLING: [&str; 4] = ["product", "inventory", "checkout", "media"];

/// The contexts with tables of their own.
pub(crate) const CONTEXTS: [&str; 7] = [
    "product",
    "inventory",
    "cart",
    "checkout",
    "fulfilment",
    "identity",
    "media",
];

/// The contexts of the shop, opened as they are asked for.
pub struct Shop {
    /// The process's settings.
    pub settings: Settings,
    /// What readiness depends on.
    pub checks: Checks,
    stores: Stores,
    currency: Currency,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Shop {
    /// A shop as the environment describes it.
    pub(crate) fn open(settings: Settings, opening: Opening) -> Result<Self> {
        let checks = Checks::default();
        // Parts without a database (search, gateway) set none; asking for a store without one says so.
        let url = settings.read("DATABASE_URL")?.unwrap_or_default();
        let stores = Stores::new(url, opening, checks.clone());
        #[cfg(feature = "rds-iam")]
        let stores = match crate::rds_iam::Tokens::from_env(settings)? {
            Some(tokens) => stores.with_passwords(Arc::new(tokens)),
            None => stores,
        };
        let currency = settings.currency()?;
        Ok(Self {
            settings,
            checks,
            stores,
            currency,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SecureEntropy),
        })
    }

    /// The currency sold in.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Randomness.
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        self.entropy.clone()
    }

    /// Inventory, which needs nobody.
    pub async fn inventory(&self) -> Result<Arc<InventoryUseCases>> {
        let ttl = self.settings.millis("RESERVATION_TTL_MS", 900_000)?;
        Ok(Arc::new(InventoryUseCases {
            store: self.stores.inventory(self.entropy()).await?,
            clock: self.clock(),
            reservation_ttl_millis: i64::try_from(ttl.as_millis())?,
        }))
    }

    /// Products, which ask inventory for availability.
    pub async fn product(&self, inventory: Arc<dyn InventoryApi>) -> Result<Arc<ProductUseCases>> {
        Ok(Arc::new(ProductUseCases {
            store: self.stores.products().await?,
            inventory,
            currency: self.currency,
            clock: self.clock(),
            entropy: self.entropy(),
        }))
    }

    /// Carts, which ask for today's prices and availability.
    pub async fn cart(
        &self,
        products: Arc<dyn ProductApi>,
        inventory: Arc<dyn InventoryApi>,
    ) -> Result<Arc<CartUseCases>> {
        Ok(Arc::new(CartUseCases {
            store: self.stores.carts().await?,
            products,
            inventory,
            currency: self.currency,
            clock: self.clock(),
            entropy: self.entropy(),
        }))
    }

    /// Checkout, which reads the cart, asks for prices, keeps stock and takes money.
    pub async fn checkout(
        &self,
        carts: Arc<dyn CartApi>,
        products: Arc<dyn ProductApi>,
        inventory: Arc<dyn InventoryApi>,
    ) -> Result<Arc<CheckoutUseCases>> {
        let parts = CheckoutParts {
            store: self.stores.checkouts().await?,
            carts,
            products,
            inventory,
            payments: self.payments()?,
            probe: failpoint::probe(self.settings),
            clock: self.clock(),
            entropy: self.entropy(),
            currency: self.currency,
        };
        let lease = self.settings.millis("CHECKOUT_LEASE_MS", 15_000)?;
        let policy = SagaPolicy {
            lease_millis: i64::try_from(lease.as_millis())?,
        };
        Ok(Arc::new(CheckoutUseCases { parts, policy }))
    }

    /// Where fulfilment moves orders on: the checkout context's store is all that takes.
    pub async fn desk(&self) -> Result<Arc<DeskUseCases>> {
        Ok(Arc::new(DeskUseCases {
            store: self.stores.checkouts().await?,
            clock: self.clock(),
        }))
    }

    /// Fulfilment, which moves orders on at `desk` and sends mail.
    pub async fn fulfilment(
        &self,
        desk: Arc<dyn OrderDesk>,
        mailer: Arc<dyn Mailer>,
    ) -> Result<Arc<FulfilmentUseCases>> {
        let ship_after = self.settings.millis("SHIP_AFTER_MS", 3_600_000)?;
        let deliver_after = self.settings.millis("DELIVER_AFTER_MS", 172_800_000)?;
        let parts = FulfilmentParts {
            store: self.stores.shipments().await?,
            desk,
            mailer,
            clock: self.clock(),
        };
        let policy = FulfilmentPolicy {
            ship_after_millis: i64::try_from(ship_after.as_millis())?,
            deliver_after_millis: i64::try_from(deliver_after.as_millis())?,
        };
        Ok(Arc::new(FulfilmentUseCases { parts, policy }))
    }

    /// Media, which asks whether there is such a product, and has `teller` tell of uploads.
    pub fn media(
        &self,
        photos: Arc<dyn PhotoStore>,
        inspector: Arc<dyn Inspector>,
        products: Arc<dyn ProductApi>,
        teller: Arc<dyn Teller>,
    ) -> Arc<MediaUseCases> {
        Arc::new(MediaUseCases {
            photos,
            inspector,
            products,
            teller,
            clock: self.clock(),
            entropy: self.entropy(),
        })
    }

    /// Identity, which needs nobody, with the first administrator that the environment names.
    pub async fn identity(&self) -> Result<Arc<IdentityUseCases>> {
        Ok(Arc::new(IdentityUseCases {
            store: self.stores.identities().await?,
            hasher: Arc::new(Argon2Hasher::default()),
            issuer: Arc::new(JwtIssuer),
            policy: IdentityPolicy::default(),
            clock: self.clock(),
            entropy: self.entropy(),
            first_admin: self.first_admin()?,
        }))
    }

    fn first_admin(&self) -> Result<Option<FirstAdmin>> {
        let Some(email) = self.settings.text("ADMIN_EMAIL") else {
            return Ok(None);
        };
        let email = EmailAddress::parse(&email, "ADMIN_EMAIL")?;
        let password = self.settings.require("ADMIN_PASSWORD")?;
        let password = Password::parse(&password, "ADMIN_PASSWORD")?;
        Ok(Some(FirstAdmin::new(email, password)))
    }

    /// Verifies access tokens with the keys `identity` publishes.
    pub fn verifier(&self, identity: Arc<dyn IdentityApi>) -> Arc<dyn TokenVerifier> {
        Arc::new(JwtVerifier::new(identity))
    }

    /// The payment provider: the sandbox, Stripe, or whatever speaks its API at `PAYMENT_URL`.
    pub fn payments(&self) -> Result<Arc<dyn PaymentProvider>> {
        let url = self.settings.require("PAYMENT_URL")?;
        let key = self.settings.require("PAYMENT_KEY")?;
        let timeout = self.settings.millis("PAYMENT_TIMEOUT_MS", 5_000)?;
        Ok(Arc::new(StripePayments::new(&url, &key, timeout)?))
    }

    /// Brings the tables of every context up to date. `DATABASE_ROLES` names the role, with `{context}` for a context's
    /// name, that may then read and write them.
    pub async fn migrate(&self) -> Result<()> {
        let roles = self.settings.read("DATABASE_ROLES")?;
        for context in CONTEXTS {
            let role = roles
                .as_ref()
                .map(|role| role.replace("{context}", context));
            self.stores.migrate(context, role.as_deref()).await?;
            tracing::info!(context, role, "the tables are up to date");
        }
        Ok(())
    }

    /// Writes to a context's outbox what no other write of its database tells.
    pub async fn teller(&self, context: &'static str) -> Result<Arc<dyn Teller>> {
        self.stores.teller(context).await
    }

    /// The relay of a context's outbox to `sink`.
    pub(crate) async fn relay(
        &self,
        context: &'static str,
        sink: Arc<dyn EventSink>,
    ) -> Result<Relay> {
        let outbox = self.stores.outbox(context).await?;
        Ok(Relay::new(
            outbox,
            sink,
            self.clock(),
            hex(&self.entropy.bits()),
        ))
    }

    /// Tells a context's events to whoever follows them, and has its dead letters listed and replayed.
    #[cfg(feature = "nats")]
    pub async fn tell(
        &self,
        context: &'static str,
        remote: &crate::Remote,
    ) -> Result<crate::Events> {
        crate::events::tell(context, None, self, remote).await
    }

    /// The same, at most `batch` events at a time: for those that are much work each, so that a push is answered in time.
    #[cfg(feature = "nats")]
    pub async fn tell_in_batches_of(
        &self,
        batch: u32,
        context: &'static str,
        remote: &crate::Remote,
    ) -> Result<crate::Events> {
        crate::events::tell(context, Some(batch), self, remote).await
    }

    /// A context's outbox.
    #[cfg(feature = "nats")]
    pub(crate) async fn outbox(
        &self,
        context: &'static str,
    ) -> Result<Arc<dyn bothways_domain::event::Outbox>> {
        self.stores.outbox(context).await
    }

    /// The dead letters of a context.
    pub(crate) async fn dead_letters_of(
        &self,
        context: &'static str,
    ) -> Result<Arc<dyn DeadLetterSource>> {
        let (outbox, clock) = (self.stores.outbox(context).await?, self.clock());
        Ok(Arc::new(OutboxLetters { outbox, clock }))
    }

    /// The dead letters of every context that tells events.
    pub async fn dead_letters(&self) -> Result<Arc<dyn DeadLetterApi>> {
        let mut sources = Vec::new();
        for context in TELLING {
            sources.push((context, self.dead_letters_of(context).await?));
        }
        Ok(Arc::new(DeadLetterUseCases { sources }))
    }

    /// Takes back what queues gave up on, into the outbox of who told it.
    #[cfg(feature = "sqs")]
    pub(crate) async fn parking(&self) -> Result<Arc<bothways_domain::event::Parking>> {
        let mut outboxes = Vec::new();
        for context in TELLING {
            outboxes.push((context, self.stores.outbox(context).await?));
        }
        Ok(Arc::new(bothways_domain::event::Parking { outboxes }))
    }

    /// The relays of several contexts' outboxes, each to where events of its kinds go.
    pub async fn relays(
        &self,
        sinks: impl IntoIterator<Item = (&'static str, Arc<dyn EventSink>)>,
    ) -> Result<Relays> {
        let mut relays = Vec::new();
        for (context, sink) in sinks {
            relays.push(self.relay(context, sink).await?);
        }
        Ok(Relays {
            relays,
            clock: self.clock(),
        })
    }

    /// `GET /healthz` and `GET /readyz`, over what this process has opened.
    pub fn health(&self) -> axum::Router {
        bothways_http::system::health(Arc::new(self.checks.clone()))
    }
}
