//! Opens the database of a context: a pool of connections.

use std::{str::FromStr, time::Duration};

use bothways_domain::{Error, Result};
use sqlx::{
    PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    error::{Attempt, Failure, is_broken, read},
    migrate,
};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);

/// The open database of one context. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    context: String,
    connections: u32,
    pool: PgPool,
}

/// Opens the database of `context` at `url`, in which `{context}` stands for the context's name, with up to
/// `connections`. Contexts share a database by schemas: `options=-csearch_path%3D{context}`. Makes schema and tables
/// where they are missing.
pub async fn connect(url: &str, context: &str, connections: u32) -> Result<Database> {
    let url = url.replace("{context}", context);
    let mut options = PgConnectOptions::from_str(&url)
        .map_err(|error| Error::internal(format!("DATABASE_URL: {error}")))?;
    if options.get_application_name().is_none() {
        options = options.application_name(&format!("bothways-{context}"));
    }
    migrate::run(&options, context).await?;
    let connections = connections.max(1);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A broken connection is found out by using it: reads ask again, and writes begin again.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(Failure::from)?;
    let context = context.to_owned();
    Ok(Database {
        context,
        connections,
        pool,
    })
}

impl Database {
    /// Whether the database answers; the error says which is missing.
    pub async fn ping(&self) -> Result<()> {
        read(move || self.try_ping()).await.map_err(|error| {
            tracing::warn!(%error, context = self.context, "the database does not answer");
            Error::unavailable(format!("the {} database", self.context))
        })
    }

    async fn try_ping(&self) -> Attempt<()> {
        sqlx::query("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends all connections, once their work is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The connections for reading, which are the same as those for writing.
    pub(crate) fn readers(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction that writes, at the level READ COMMITTED: each statement sees what was committed before
    /// it, and what a decision depends on is locked. Over a broken connection nothing began, so the next is taken.
    pub(crate) async fn begin(&self) -> Attempt<Transaction<'static, Postgres>> {
        let mut broken = 0;
        loop {
            match self.pool.begin().await {
                Err(error) if is_broken(&error) && broken < self.connections => broken += 1,
                other => return Ok(other?),
            }
        }
    }
}
