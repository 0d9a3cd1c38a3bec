//! What can go wrong with SQLite, and what the domain hears of it.

use std::{future::Future, time::Duration};

use bothways_domain::{Error, Result};

/// How often a write is tried when the file stays locked beyond the busy timeout.
const TRIES: u32 = 3;

/// Why one attempt at an operation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said so.
    Database(sqlx::Error),
    /// A rule of the domain said so, or what is stored makes no sense.
    Domain(Error),
}

/// One attempt at an operation.
pub(crate) type Attempt<T> = Result<T, Failure>;

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Domain(Error::internal(error))
    }
}

impl Failure {
    /// Whether nothing was done and trying again may work.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if is_busy(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Domain(error) => error,
            Failure::Database(error) if is_outage(&error) => {
                tracing::error!(%error, "the database can't be reached");
                Self::unavailable("the database")
            }
            Failure::Database(error) => match error.as_database_error() {
                Some(refusal) if refusal.is_unique_violation() => {
                    Self::Conflict("this exists already".to_owned())
                }
                _ => Self::internal(error),
            },
        }
    }
}

/// The primary result code (<https://sqlite.org/rescode.html>) in an error of SQLite's own.
fn result_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?.parse::<u32>().ok()?;
    Some(code & 0xff)
}

/// `SQLITE_BUSY` or `SQLITE_LOCKED`: another connection has what is needed.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(result_code(error), Some(5 | 6))
}

/// The file can't be used at all, as opposed to a statement that is refused.
fn is_outage(error: &sqlx::Error) -> bool {
    const IO_ERROR: u32 = 10;
    const FULL: u32 = 13;
    const CANT_OPEN: u32 = 14;
    let connection = matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    );
    let file = matches!(result_code(error), Some(IO_ERROR | FULL | CANT_OPEN));
    connection || file || is_busy(error)
}

/// Does a write, again if the file was locked all the time.
pub(crate) async fn write<T, F>(mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    let mut tries = 1;
    loop {
        match attempt().await {
            Err(failure) if failure.is_transient() && tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(10) * tries).await;
                tries += 1;
            }
            other => return other.map_err(Error::from),
        }
    }
}

/// Does a read. Writers never keep readers of a write-ahead log waiting, so this is [`write`] in name only.
pub(crate) async fn read<T, F>(attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    write(attempt).await
}
