//! The books on disk: `SQLite` in WAL mode, where what was answered has reached the disk (synchronous FULL).

use std::{fs, io, str::FromStr as _, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// How long a request waits for its turn to write, or for a writer from outside, at most.
const PATIENCE: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

/// The two ways into the database file.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// One connection: writers queue here, in order, instead of contending for `SQLite`'s write lock.
    writer: SqlitePool,
    /// Readers never wait for the writer in WAL mode.
    readers: SqlitePool,
}

/// The books can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is no `sqlite:///absolute/path`, or the database can't be opened or prepared.
    #[error("can't open the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Its folder can't be made.
    #[error("can't make the database's folder: {0}")]
    Folder(#[from] io::Error),
}

impl Database {
    /// Opens the database, making it if need be.
    pub(crate) async fn open(url: &str) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        if let Some(folder) = options.get_filename().parent() {
            fs::create_dir_all(folder)?;
        }
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false);
        let writer = pool
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let mut schema = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&mut *schema)
            .await?;
        schema.commit().await?;
        let readers = pool.max_connections(READERS).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    /// Starts a transaction that nobody else writes during.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Where to read what is committed.
    pub(crate) fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Whether the books can be read.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1 FROM payment_intents LIMIT 1")
            .fetch_optional(&self.readers)
            .await?;
        Ok(())
    }

    /// Closes the file, which folds the log back into it.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
