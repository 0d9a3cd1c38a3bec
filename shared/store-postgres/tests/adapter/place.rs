//! Where a test keeps its tables.

use std::{
    env,
    io::Write,
    sync::{
        Arc, Once,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use bothways_domain::{
    cart::CartStore,
    checkout::CheckoutStore,
    event::{Outbox, Teller},
    fulfilment::FulfilmentStore,
    identity::IdentityStore,
    inventory::InventoryStore,
    product::ProductStore,
};
use bothways_store_contract::{Counter, Place};
use bothways_store_postgres::{
    Carts, Checkouts, ContextOutbox, Database, Identities, Inventory, Products, Shipments, connect,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub(crate) const CONTEXTS: [&str; 7] = [
    "product",
    "inventory",
    "cart",
    "checkout",
    "fulfilment",
    "identity",
    "media",
];

/// The server to test with. Where there is none, that is said once; on CI it is a failure.
fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = env::var("TEST_DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty());
    if server.is_none() {
        let on_ci = env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!on_ci, "no PostgreSQL on CI (TEST_DATABASE_URL is not set)");
        SAID.call_once(|| {
            // Not through `eprintln!`, whose output is kept back for tests that pass.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: no PostgreSQL (TEST_DATABASE_URL is not set)"
            );
        });
    }
    server
}

/// Schemas of its own, one per context.
pub(crate) struct Schemas {
    server: String,
    prefix: String,
}

impl Schemas {
    /// The URL of these schemas.
    pub(crate) fn url(&self) -> String {
        let join = if self.server.contains('?') { '&' } else { '?' };
        format!(
            "{}{join}options=-csearch_path%3D{}_{{context}}",
            self.server, self.prefix
        )
    }

    /// The name of a context's schema.
    pub(crate) fn schema(&self, context: &str) -> String {
        format!("{}_{context}", self.prefix)
    }

    /// Opens a context's schema once more.
    pub(crate) async fn open(&self, context: &str) -> Database {
        connect(&self.url(), context, 4).await.unwrap()
    }

    /// A connection beside those of the stores.
    pub(crate) async fn aside(&self) -> PgConnection {
        PgConnection::connect(&self.server).await.unwrap()
    }
}

#[async_trait]
impl Place for Schemas {
    async fn prepare() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("test_{}_{number}", std::process::id());
        Some(Self { server, prefix })
    }

    async fn products(&self) -> Arc<dyn ProductStore> {
        Arc::new(Products::new(self.open("product").await))
    }

    async fn inventory(&self) -> Arc<dyn InventoryStore> {
        Arc::new(Inventory::new(
            self.open("inventory").await,
            Arc::new(Counter),
        ))
    }

    async fn carts(&self) -> Arc<dyn CartStore> {
        Arc::new(Carts::new(self.open("cart").await))
    }

    async fn checkouts(&self) -> Arc<dyn CheckoutStore> {
        Arc::new(Checkouts::new(self.open("checkout").await))
    }

    async fn shipments(&self) -> Arc<dyn FulfilmentStore> {
        Arc::new(Shipments::new(self.open("fulfilment").await))
    }

    async fn identities(&self) -> Arc<dyn IdentityStore> {
        Arc::new(Identities::new(self.open("identity").await))
    }

    async fn outbox(&self, context: &str) -> Arc<dyn Outbox> {
        Arc::new(ContextOutbox::new(self.open(context).await))
    }

    async fn teller(&self) -> Arc<dyn Teller> {
        Arc::new(ContextOutbox::new(self.open("media").await))
    }

    async fn dispose(&self) {
        let mut connection = self.aside().await;
        for context in CONTEXTS {
            let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema(context));
            sqlx::raw_sql(AssertSqlSafe(drop))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection.close().await.unwrap();
    }
}
