//! The connections of a database between their uses.
//!
//! sqlx's pool asks the connection's thread how it is each time one comes back: for a read of one statement that wakes the
//! thread a second time, for which the next user waits. Here a connection whose work came to its end is kept for the next as it
//! is. Only one whose work was cut off (an error, a caller who went away) goes back through sqlx's pool, which rolls back what
//! it began and finds out whether it still answers.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sqlx::{
    SqlSafeStr as _, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqlitePoolOptions, SqliteTransactionManager},
};
use sqlx_core::transaction::TransactionManager as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The write lock from the start.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The options of the pool that these connections come from and end in.
pub(crate) fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                SqliteTransactionManager::rollback(connection).await?;
                Ok(true)
            })
        })
}

/// The connections of a database, so many at most. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: SqlitePool,
    /// As many as connections: who has one finds a connection here, or may open one.
    permits: Arc<Semaphore>,
    /// The last one used is the next one used: what is in caches stays there.
    spare: Mutex<Vec<PoolConnection<Sqlite>>>,
}

/// A connection in use. Dropped, it counts as cut off; see [`Lease::keep`].
#[derive(Debug)]
pub(crate) struct Lease {
    connection: PoolConnection<Sqlite>,
    home: Connections,
    permit: OwnedSemaphorePermit,
}

/// A connection with a transaction that has begun. Dropped, it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction(Lease);

impl Connections {
    /// Up to `connections` from `pool`, which nobody else uses.
    pub(crate) fn new(pool: SqlitePool, connections: u32) -> Self {
        let most = usize::try_from(connections).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            pool,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            spare: Mutex::default(),
        }))
    }

    /// A connection, once there is one to be had.
    pub(crate) async fn lease(&self) -> sqlx::Result<Lease> {
        let permits = &self.0.permits;
        let permit = if let Ok(permit) = permits.clone().try_acquire_owned() {
            permit
        } else {
            let waiting = permits.clone().acquire_owned();
            let waited = tokio::time::timeout(ACQUIRE_TIMEOUT, waiting).await;
            let permit = waited.map_err(|_| sqlx::Error::PoolTimedOut)?;
            permit.map_err(|_| sqlx::Error::PoolClosed)?
        };
        let spare = self.spare().pop();
        let connection = match spare {
            Some(connection) => connection,
            None => self.0.pool.acquire().await?,
        };
        Ok(Lease {
            connection,
            home: self.clone(),
            permit,
        })
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction> {
        let mut lease = self.lease().await?;
        SqliteTransactionManager::begin(&mut lease, Some(BEGIN.into_sql_str())).await?;
        Ok(Transaction(lease))
    }

    /// Ends all connections, once their work is done.
    pub(crate) async fn close(&self) {
        self.0.permits.close();
        let spare = std::mem::take(&mut *self.spare());
        drop(spare);
        self.0.pool.close().await;
    }

    fn spare(&self) -> MutexGuard<'_, Vec<PoolConnection<Sqlite>>> {
        match self.0.spare.lock() {
            Ok(spare) => spare,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    fn take_back(&self, connection: PoolConnection<Sqlite>) {
        let mut spare = self.spare();
        if self.0.permits.is_closed() {
            drop(spare);
            drop(connection);
        } else {
            spare.push(connection);
        }
    }
}

impl Lease {
    /// Gives the connection back, whose work came to its end.
    pub(crate) fn keep(self) {
        let Self {
            connection,
            home,
            permit,
        } = self;
        home.take_back(connection);
        drop(permit);
    }
}

impl Deref for Lease {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Transaction {
    /// Makes it last.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        SqliteTransactionManager::commit(&mut self.0).await?;
        self.0.keep();
        Ok(())
    }

    /// Undoes it.
    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        SqliteTransactionManager::rollback(&mut self.0).await?;
        self.0.keep();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}
