//! Opens the file of a context: one connection that writes, and some that read.

use std::{
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use bothways_domain::{Error, Result};
use sqlx::{
    Sqlite, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
    },
};

use crate::{
    connections::{Connections, Lease, Transaction, pool_options},
    error::{Attempt, is_busy, read},
    migrate,
};

/// How long a connection waits for another process to be done writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// The open database of one context. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    context: String,
    /// The one connection that writes: writers of this process queue up here in order, rather than at the
    /// file's lock, where waiting means polling.
    writer: Connections,
    /// Connections that only read.
    readers: Connections,
}

/// Opens the database of `context` at `url`, `sqlite:///absolute/path/{context}.db`, where `{context}` stands for
/// the context's name, with up to `connections` for reading. Makes directory, file and tables where they are missing.
pub async fn connect(url: &str, context: &str, connections: u32) -> Result<Database> {
    let url = url.replace("{context}", context);
    if url.contains(":memory:") {
        return Err(Error::internal("DATABASE_URL: a file is needed"));
    }
    let options = SqliteConnectOptions::from_str(&url)
        .map_err(|error| Error::internal(format!("DATABASE_URL: {error}")))?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // An order that was confirmed survives a power cut.
        .synchronous(SqliteSynchronous::Full);
    if let Some(directory) = options.get_filename().parent() {
        create(directory)?;
    }
    let writer = options.clone().journal_mode(SqliteJournalMode::Wal);
    let writer = open(writer, 1).await?;
    migrate::run(&writer, context).await?;
    let connections = connections.max(1);
    let readers = open(options.pragma("query_only", "ON"), connections).await?;
    Ok(Database {
        context: context.to_owned(),
        writer: Connections::new(writer, 1),
        readers: Connections::new(readers, connections),
    })
}

fn create(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(|error| {
        let place = directory.display();
        Error::internal(format!("DATABASE_URL: can't make {place}: {error}"))
    })
}

/// A pool with its first connection. A file that several processes find new at once is locked for a moment by
/// the one that makes it a write-ahead log, and there SQLite does not wait by itself.
async fn open(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool> {
    let started = Instant::now();
    loop {
        let pool = pool_options(connections).connect_with(options.clone());
        match pool.await {
            Ok(pool) => return Ok(pool),
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => {
                let file = options.get_filename().display();
                return Err(Error::internal(format!("can't open {file}: {error}")));
            }
        }
    }
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
        self.fetch_one(sqlx::query("SELECT MAX(version) FROM _sqlx_migrations"))
            .await?;
        Ok(())
    }

    /// Ends all connections, once their work is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A connection for reading, for a while. See [`Lease::keep`].
    pub(crate) async fn lease(&self) -> sqlx::Result<Lease> {
        self.readers.lease().await
    }

    /// All rows of a query that only reads.
    pub(crate) async fn fetch_all(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> sqlx::Result<Vec<SqliteRow>> {
        let mut lease = self.lease().await?;
        let rows = query.fetch_all(&mut *lease).await?;
        lease.keep();
        Ok(rows)
    }

    /// The row of a query that only reads, if there is one.
    pub(crate) async fn fetch_optional(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> sqlx::Result<Option<SqliteRow>> {
        let mut lease = self.lease().await?;
        let row = query.fetch_optional(&mut *lease).await?;
        lease.keep();
        Ok(row)
    }

    /// The row of a query that only reads and always has one.
    pub(crate) async fn fetch_one(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> sqlx::Result<SqliteRow> {
        let row = self.fetch_optional(query).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    /// Begins a transaction that writes. It has the write lock from its start, so it sees the present state and
    /// never fails for having read before another wrote.
    pub(crate) async fn begin(&self) -> Attempt<Transaction> {
        Ok(self.writer.begin().await?)
    }
}
