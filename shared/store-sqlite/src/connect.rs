//! Opens the file of a context: one connection that writes, and some that read.

use std::{
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use bothways_domain::{Error, Result};
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
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
    writer: SqlitePool,
    /// Connections that only read.
    readers: SqlitePool,
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
    let readers = open(options.pragma("query_only", "ON"), connections.max(1)).await?;
    let context = context.to_owned();
    Ok(Database {
        context,
        writer,
        readers,
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
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        match pool.connect_with(options.clone()).await {
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
        sqlx::query("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&self.readers)
            .await?;
        Ok(())
    }

    /// Ends all connections, once their work is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// The connections for reading.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a transaction that writes. It has the write lock from its start, so it sees the present state and
    /// never fails for having read before another wrote.
    pub(crate) async fn begin(&self) -> Attempt<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}
