//! What can go wrong with PostgreSQL, and what the domain hears of it.

use std::{future::Future, time::Duration};

use bothways_domain::{Error, Result};

/// How often an operation is tried when others get in its way.
const TRIES: u32 = 5;
/// How often a read is tried when its connection is broken: after a restart of the server all of a pool's are.
const BROKEN_TRIES: u32 = 16;

/// Why one attempt at an operation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said so.
    Database(sqlx::Error),
    /// A rule of the domain said so, or what is stored makes no sense.
    Domain(Error),
    /// Another made at the same moment what was not there yet; nothing was done.
    Raced,
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
        const SERIALIZATION_FAILURE: &str = "40001";
        const DEADLOCK: &str = "40P01";
        match self {
            Self::Raced => true,
            Self::Database(error) => {
                matches!(
                    sql_state(error).as_deref(),
                    Some(SERIALIZATION_FAILURE | DEADLOCK)
                )
            }
            Self::Domain(_) => false,
        }
    }

    /// Whether the connection broke: whoever only reads can ask again over another.
    fn is_broken_connection(&self) -> bool {
        matches!(self, Self::Database(error) if is_broken(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Domain(error) => error,
            Failure::Raced => Self::unavailable("the database"),
            Failure::Database(error) if is_outage(&error) => {
                tracing::error!(%error, "the database can't be reached");
                Self::unavailable("the database")
            }
            Failure::Database(error) if is_unstorable(&error) => {
                Self::invalid("", "text must not contain the character U+0000")
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

/// The SQLSTATE (PostgreSQL's documentation, appendix A) in an error of the server's.
fn sql_state(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The connection is gone: it broke, or the server is ending it (class 08, 57P).
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    let ended =
        sql_state(error).is_some_and(|state| state.starts_with("08") || state.starts_with("57P"));
    ended || matches!(error, sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed)
}

/// The server can't be asked, as opposed to a statement that is refused. Class 53: it has no room for more.
fn is_outage(error: &sqlx::Error) -> bool {
    let pool = matches!(
        error,
        sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
    );
    let full = sql_state(error).is_some_and(|state| state.starts_with("53"));
    pool || full || is_broken(error)
}

/// PostgreSQL's text has no U+0000 (`character_not_in_repertoire`).
fn is_unstorable(error: &sqlx::Error) -> bool {
    sql_state(error).as_deref() == Some("22021")
}

/// Tries as often as `limit` says of the failure.
async fn retry<T, F>(mut attempt: impl FnMut() -> F, limit: impl Fn(&Failure) -> u32) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    let mut tried = 1;
    loop {
        match attempt().await {
            Err(failure) if tried < limit(&failure) => {
                if failure.is_transient() {
                    tokio::time::sleep(Duration::from_millis(5) * tried).await;
                }
                tried += 1;
            }
            other => return other.map_err(Error::from),
        }
    }
}

/// Does a write, again if others got in its way. What became of one whose connection broke is unknown, so that
/// is an error.
pub(crate) async fn write<T, F>(attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    retry(
        attempt,
        |failure| {
            if failure.is_transient() { TRIES } else { 1 }
        },
    )
    .await
}

/// Does a read, again if its connection was broken.
pub(crate) async fn read<T, F>(attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    retry(attempt, |failure| match failure {
        failure if failure.is_transient() => TRIES,
        failure if failure.is_broken_connection() => BROKEN_TRIES,
        _ => 1,
    })
    .await
}

/// Does a write of one statement that is harmless to repeat, again if its connection was broken: whether it was done
/// the first time need not be known.
pub(crate) async fn repeatable<T, F>(attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Attempt<T>>,
{
    read(attempt).await
}
