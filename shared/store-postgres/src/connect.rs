//! Opens the database of a context: a pool of connections.

use std::{
    fmt::Debug,
    str::FromStr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bothways_domain::{Error, Result};
use sqlx::{
    PgPool, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};

use crate::{
    connections::{Connections, Lease, Transaction, pool_options},
    error::{Attempt, Failure, is_broken, read, write},
    grant, migrate,
};

/// Makes passwords that are good for a while, where a database takes no lasting ones.
pub trait Passwords: Debug + Send + Sync {
    /// One for the role `user` of the server at `host` and `port`.
    fn password(&self, host: &str, port: u16, user: &str) -> Result<String>;

    /// How long one is used. It has to be less than it is good for.
    fn lifetime(&self) -> Duration;
}

/// The open database of one context. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    context: String,
    most: u32,
    connections: Connections,
    renewal: Option<Arc<Renewal>>,
}

/// Keeps the password of future connections fresh.
#[derive(Debug)]
struct Renewal {
    passwords: Arc<dyn Passwords>,
    options: PgConnectOptions,
    since: Mutex<Instant>,
}

impl Renewal {
    /// The options with a new password.
    fn options(&self) -> Result<PgConnectOptions> {
        let (host, port) = (self.options.get_host(), self.options.get_port());
        let user = self.options.get_username();
        let password = self.passwords.password(host, port, user)?;
        Ok(self.options.clone().password(&password))
    }

    /// Gives the pool a new password when the present one has been used for long enough. Connections that are open
    /// stay: a password is asked for once.
    fn renew(&self, pool: &PgPool) {
        let mut since = match self.since.lock() {
            Ok(since) => since,
            Err(poisoned) => poisoned.into_inner(),
        };
        if since.elapsed() < self.passwords.lifetime() {
            return;
        }
        match self.options() {
            Ok(options) => {
                pool.set_connect_options(options);
                *since = Instant::now();
            }
            Err(error) => tracing::warn!(%error, "the password of the database can't be renewed"),
        }
    }
}

/// Opens the database of `context` at `url`, in which `{context}` stands for the context's name, with up to
/// `connections`. Contexts share a database by schemas: `options=-csearch_path%3D{context}`. Makes schema and tables
/// where they are missing.
pub async fn connect(url: &str, context: &str, connections: u32) -> Result<Database> {
    connect_with(url, context, connections, None).await
}

/// The same, with passwords from `passwords` instead of one in the URL.
pub async fn connect_with(
    url: &str,
    context: &str,
    connections: u32,
    passwords: Option<Arc<dyn Passwords>>,
) -> Result<Database> {
    let (options, renewal) = options(url, context, passwords)?;
    migrate::run(&options, context).await?;
    let connections = connections.max(1);
    let pool = pool_options(connections).connect_with(options).await;
    let pool = pool.map_err(Failure::from)?;
    Ok(Database {
        context: context.to_owned(),
        most: connections,
        connections: Connections::new(pool, connections),
        renewal,
    })
}

/// The same without waiting: connections are opened when they are asked for, the first by [`Database::warm_up`], and each
/// finds out whether the tables are up to date. For an instance of a function, whose caller waits while it starts and
/// may need another database, or none.
pub fn connect_later(
    url: &str,
    context: &str,
    connections: u32,
    passwords: Option<Arc<dyn Passwords>>,
) -> Result<Database> {
    let (options, renewal) = options(url, context, passwords)?;
    let connections = connections.max(1);
    let (own, place) = (options.clone(), context.to_owned());
    let pool = pool_options(connections).after_connect(move |connection, _| {
        let (options, context) = (own.clone(), place.clone());
        Box::pin(async move { migrate::check(connection, &options, &context).await })
    });
    Ok(Database {
        context: context.to_owned(),
        most: connections,
        connections: Connections::new(pool.connect_lazy_with(options), connections),
        renewal,
    })
}

fn options(
    url: &str,
    context: &str,
    passwords: Option<Arc<dyn Passwords>>,
) -> Result<(PgConnectOptions, Option<Arc<Renewal>>)> {
    let url = url.replace("{context}", context);
    let mut options = PgConnectOptions::from_str(&url)
        .map_err(|error| Error::internal(format!("DATABASE_URL: {error}")))?;
    if options.get_application_name().is_none() {
        options = options.application_name(&format!("bothways-{context}"));
    }
    let renewal = passwords.map(|passwords| Renewal {
        passwords,
        options: options.clone(),
        since: Mutex::new(Instant::now()),
    });
    if let Some(renewal) = &renewal {
        options = renewal.options()?;
    }
    Ok((options, renewal.map(Arc::new)))
}

impl Database {
    /// Opens a connection ahead of its first use. That it can't be opened is the first user's to say, who tries again.
    pub async fn warm_up(&self) {
        match self.lease().await {
            Ok(lease) => lease.keep(),
            Err(error) => {
                let context = &self.context;
                tracing::warn!(%error, context, "the database can't be reached yet");
            }
        }
    }

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

    /// Lets `role`, which is made if it is missing, read and write this context's tables, of now and later, and nothing
    /// else. Where the server knows IAM, that is how it signs in.
    pub async fn grant(&self, role: &str) -> Result<()> {
        write(move || grant::run(self.connections.pool(), role)).await
    }

    /// Ends all connections, once their work is done.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// A connection for a while. See [`Lease::keep`].
    pub(crate) async fn lease(&self) -> sqlx::Result<Lease> {
        if let Some(renewal) = &self.renewal {
            renewal.renew(self.connections.pool());
        }
        self.connections.lease().await
    }

    /// All rows of a query that only reads.
    pub(crate) async fn fetch_all(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> sqlx::Result<Vec<PgRow>> {
        let mut lease = self.lease().await?;
        let rows = query.fetch_all(&mut *lease).await?;
        lease.keep();
        Ok(rows)
    }

    /// The row of a query that only reads, if there is one.
    pub(crate) async fn fetch_optional(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> sqlx::Result<Option<PgRow>> {
        let mut lease = self.lease().await?;
        let row = query.fetch_optional(&mut *lease).await?;
        lease.keep();
        Ok(row)
    }

    /// The row of a query that only reads and always has one.
    pub(crate) async fn fetch_one(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> sqlx::Result<PgRow> {
        let row = self.fetch_optional(query).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    /// Begins a transaction that writes, at the level READ COMMITTED: each statement sees what was committed before
    /// it, and what a decision depends on is locked. Over a broken connection nothing began, so the next is taken.
    pub(crate) async fn begin(&self) -> Attempt<Transaction> {
        let mut broken = 0;
        loop {
            if let Some(renewal) = &self.renewal {
                renewal.renew(self.connections.pool());
            }
            match self.connections.begin().await {
                Err(error) if is_broken(&error) && broken < self.most => broken += 1,
                other => return Ok(other?),
            }
        }
    }
}
