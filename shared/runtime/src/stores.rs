//! Opens the database of a context: SQLite or PostgreSQL, as the scheme of `DATABASE_URL` says.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bothways_domain::{
    cart::CartStore,
    checkout::CheckoutStore,
    event::{Outbox, Teller},
    fulfilment::FulfilmentStore,
    identity::IdentityStore,
    inventory::InventoryStore,
    product::ProductStore,
    time::Entropy,
};
#[cfg(feature = "postgres")]
use bothways_store_postgres as postgres;
#[cfg(feature = "sqlite")]
use bothways_store_sqlite as sqlite;
use tokio::sync::Mutex;

use crate::{Checks, Result};

/// A context's open database.
#[derive(Clone)]
pub(crate) enum Database {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Database),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Database),
}

/// Makes a store of the right kind over a database.
macro_rules! store {
    ($database:expr, $store:ident $(, $more:expr)*) => {
        match $database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(database) => Arc::new(sqlite::$store::new(database $(, $more)*)),
            #[cfg(feature = "postgres")]
            Database::Postgres(database) => Arc::new(postgres::$store::new(database $(, $more)*)),
        }
    };
}

/// How long a function's start is left alone with asking for the first event, which then comes while connections are opened:
/// the handshakes with several databases took longer than all else before the asking.
const AFTER_ASKING: Duration = Duration::from_millis(1);

/// How databases are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// With up to so many connections, the first of which is waited for: who can't have it does not start.
    Ahead(u32),
    /// With a single connection, which is opened while the first event is asked for: a start has somebody waiting for it.
    Beside,
}

/// The databases of this process, each opened once.
pub(crate) struct Stores {
    url: String,
    opening: Opening,
    checks: Checks,
    opened: Mutex<HashMap<&'static str, Database>>,
    #[cfg(feature = "postgres")]
    passwords: Option<Arc<dyn postgres::Passwords>>,
}

impl Stores {
    /// Databases at `url`, in which `{context}` stands for the context's name.
    pub(crate) fn new(url: String, opening: Opening, checks: Checks) -> Self {
        Self {
            url,
            opening,
            checks,
            opened: Mutex::default(),
            #[cfg(feature = "postgres")]
            passwords: None,
        }
    }

    /// With passwords from `passwords` instead of one in the URL.
    #[cfg(feature = "rds-iam")]
    pub(crate) fn with_passwords(mut self, passwords: Arc<dyn postgres::Passwords>) -> Self {
        self.passwords = Some(passwords);
        self
    }

    /// Brings the tables of `context` up to date, which opening them does, and lets `role`, if there is one, read and
    /// write them.
    pub(crate) async fn migrate(&self, context: &'static str, role: Option<&str>) -> Result<()> {
        let database = self.open(context).await?;
        match (database, role) {
            #[cfg(feature = "postgres")]
            (Database::Postgres(database), Some(role)) => Ok(database.grant(role).await?),
            #[cfg(feature = "sqlite")]
            (Database::Sqlite(_), Some(_)) => Err("DATABASE_ROLES: SQLite knows no roles".into()),
            (_, None) => Ok(()),
        }
    }

    async fn open(&self, context: &'static str) -> Result<Database> {
        let mut opened = self.opened.lock().await;
        if let Some(database) = opened.get(context) {
            return Ok(database.clone());
        }
        let database = self.connect(context).await?;
        self.checks.add(context, database.clone());
        opened.insert(context, database.clone());
        Ok(database)
    }

    async fn connect(&self, context: &'static str) -> Result<Database> {
        let scheme = self.url.split(':').next().unwrap_or_default();
        let connections = match self.opening {
            Opening::Ahead(connections) => connections,
            Opening::Beside => 1,
        };
        match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => Ok(Database::Sqlite(
                sqlite::connect(&self.url, context, connections).await?,
            )),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let (url, passwords) = (&self.url, self.passwords.clone());
                if self.opening != Opening::Beside {
                    let opened = postgres::connect_with(url, context, connections, passwords);
                    return Ok(Database::Postgres(opened.await?));
                }
                let database = postgres::connect_later(url, context, connections, passwords)?;
                let warm = database.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(AFTER_ASKING).await;
                    // On the heap, where there is no memory for it before it begins.
                    Box::pin(warm.warm_up()).await;
                });
                Ok(Database::Postgres(database))
            }
            other => Err(format!("DATABASE_URL: this program can't speak to '{other}'").into()),
        }
    }

    pub(crate) async fn products(&self) -> Result<Arc<dyn ProductStore>> {
        Ok(store!(self.open("product").await?, Products))
    }

    pub(crate) async fn inventory(
        &self,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<dyn InventoryStore>> {
        Ok(store!(self.open("inventory").await?, Inventory, entropy))
    }

    pub(crate) async fn carts(&self) -> Result<Arc<dyn CartStore>> {
        Ok(store!(self.open("cart").await?, Carts))
    }

    pub(crate) async fn checkouts(&self) -> Result<Arc<dyn CheckoutStore>> {
        Ok(store!(self.open("checkout").await?, Checkouts))
    }

    pub(crate) async fn shipments(&self) -> Result<Arc<dyn FulfilmentStore>> {
        Ok(store!(self.open("fulfilment").await?, Shipments))
    }

    pub(crate) async fn identities(&self) -> Result<Arc<dyn IdentityStore>> {
        Ok(store!(self.open("identity").await?, Identities))
    }

    pub(crate) async fn teller(&self, context: &'static str) -> Result<Arc<dyn Teller>> {
        Ok(store!(self.open(context).await?, ContextOutbox))
    }

    pub(crate) async fn outbox(&self, context: &'static str) -> Result<Arc<dyn Outbox>> {
        Ok(store!(self.open(context).await?, ContextOutbox))
    }
}

impl Database {
    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> bothways_domain::Result<()> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => database.ping().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.ping().await,
        }
    }
}
