//! The connections of a database between their uses.
//!
//! sqlx's pool asks the server how a connection is each time one comes back: for a read of one statement that is a second
//! round trip, for which the next user waits. Here a connection whose work came to its end is kept for the next as it is. Only
//! one whose work was cut off (an error, a caller who went away) goes back through sqlx's pool, which rolls back what it began
//! and finds out whether it still answers.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use sqlx::{
    PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgPoolOptions, PgTransactionManager},
};
use sqlx_core::transaction::TransactionManager as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(10);
/// How long a connection is kept at all.
const LIFETIME: Duration = Duration::from_mins(30);

/// The options of the pool that these connections come from and end in.
pub(crate) fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE)
        .max_lifetime(LIFETIME)
        // A broken connection is found out by using it: reads ask again, and writes begin again.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                PgTransactionManager::rollback(connection).await?;
                Ok(true)
            })
        })
}

/// The connections of a database, so many at most. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    /// As many as connections: who has one finds a connection here, or may open one.
    permits: Arc<Semaphore>,
    /// The last one used is the next one used: what is in caches stays there, and what is not needed grows old.
    /// A thread has its own before others'.
    spare: Mutex<VecDeque<Spare>>,
}

/// A connection out of sqlx's pool.
#[derive(Debug)]
struct Taken {
    connection: PoolConnection<Postgres>,
    /// Since when it is out of there.
    since: Instant,
    /// Who took it: where each thread has a runtime, the one who hears first of what the server sends.
    thread: ThreadId,
}

/// A connection that waits for its next use.
#[derive(Debug)]
struct Spare {
    taken: Taken,
    since: Instant,
}

/// A connection in use. Dropped, it counts as cut off; see [`Lease::keep`].
#[derive(Debug)]
pub(crate) struct Lease {
    taken: Taken,
    home: Connections,
    permit: OwnedSemaphorePermit,
}

/// A connection with a transaction that has begun. Dropped, it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction(Lease);

impl Connections {
    /// Up to `connections` from `pool`, which nobody else uses.
    pub(crate) fn new(pool: PgPool, connections: u32) -> Self {
        let most = usize::try_from(connections).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            pool,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            spare: Mutex::default(),
        }))
    }

    /// The pool that they come from.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
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
        let taken = match self.take() {
            Some(taken) => taken,
            None => Taken {
                connection: self.0.pool.acquire().await?,
                since: Instant::now(),
                thread: thread::current().id(),
            },
        };
        Ok(Lease {
            taken,
            home: self.clone(),
            permit,
        })
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction> {
        let mut lease = self.lease().await?;
        PgTransactionManager::begin(&mut lease, None).await?;
        Ok(Transaction(lease))
    }

    /// Ends all connections, once their work is done.
    pub(crate) async fn close(&self) {
        self.0.permits.close();
        let spare = std::mem::take(&mut *self.spare());
        drop(spare);
        self.0.pool.close().await;
    }

    /// One of this thread's connections, or else another's: there may be no room for one more.
    fn take(&self) -> Option<Taken> {
        let mut spare = self.spare();
        let here = thread::current().id();
        let own = spare.iter().rposition(|spare| spare.taken.thread == here);
        let found = match own {
            Some(at) => spare.remove(at),
            None => spare.pop_back(),
        };
        drop(spare);
        // One that nobody used for so long may have been given up by what stands between.
        let fresh = found.filter(|spare| spare.since.elapsed() < IDLE);
        fresh.map(|spare| spare.taken)
    }

    fn spare(&self) -> MutexGuard<'_, VecDeque<Spare>> {
        match self.0.spare.lock() {
            Ok(spare) => spare,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Takes a connection back, and gives up those that nobody needs.
    fn take_back(&self, spare: Spare) {
        let mut others = self.spare();
        let stale = match others.front() {
            Some(oldest) if oldest.since.elapsed() >= IDLE => others.pop_front(),
            _ => None,
        };
        let refused = if self.0.permits.is_closed() || spare.taken.since.elapsed() >= LIFETIME {
            Some(spare)
        } else {
            others.push_back(spare);
            None
        };
        drop(others);
        drop((stale, refused));
    }
}

impl Lease {
    /// Gives the connection back, whose work came to its end.
    pub(crate) fn keep(self) {
        let Self {
            taken,
            home,
            permit,
        } = self;
        let since = Instant::now();
        home.take_back(Spare { taken, since });
        drop(permit);
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.taken.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.taken.connection
    }
}

impl Transaction {
    /// Makes it last.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        PgTransactionManager::commit(&mut self.0).await?;
        self.0.keep();
        Ok(())
    }

    /// Undoes it.
    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        PgTransactionManager::rollback(&mut self.0).await?;
        self.0.keep();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
