//! The sandbox put together: its books, its address, its end.

use std::{
    future::{Future, IntoFuture as _},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch};

use crate::{
    database::{Database, OpenError},
    idempotency::InFlight,
    routes,
    settings::{Settings, SettingsError},
};

/// How long requests under way may take to finish once the sandbox is told to stop; held answers do not.
const DRAIN: Duration = Duration::from_secs(2);

/// What every request needs.
#[derive(Debug, Clone)]
pub(crate) struct Sandbox {
    pub(crate) database: Database,
    pub(crate) in_flight: InFlight,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) hold: Duration,
}

/// A sandbox that has its port and its books, ready to run.
#[derive(Debug)]
pub struct Application {
    listener: TcpListener,
    address: SocketAddr,
    sandbox: Sandbox,
}

/// Why the sandbox doesn't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The books can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address can't be listened on, or the server failed.
    #[error("can't serve {0}: {1}")]
    Serve(SocketAddr, #[source] io::Error),
}

impl Application {
    /// Takes the port and opens the books.
    pub async fn build(settings: Settings) -> Result<Self, Error> {
        let database = Database::open(&settings.database_url).await?;
        let cannot = |error| Error::Serve(settings.listen, error);
        let listener = TcpListener::bind(settings.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let sandbox = Sandbox {
            database,
            in_flight: InFlight::default(),
            key: settings.key.map(Into::into),
            hold: settings.hold,
        };
        Ok(Self {
            listener,
            address,
            sandbox,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves and requests under way are answered, or have had their time.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let (stopping, mut stopped) = watch::channel(false);
        let served = axum::serve(self.listener, routes::router(self.sandbox.clone()))
            .with_graceful_shutdown(async move {
                shutdown.await;
                stopping.send_replace(true);
            });
        let drained = async {
            if stopped.wait_for(|stopped| *stopped).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(DRAIN).await;
        };
        let outcome = tokio::select! {
            served = served.into_future() => served,
            () = drained => Ok(()),
        };
        self.sandbox.database.close().await;
        outcome.map_err(|error| Error::Serve(self.address, error))
    }
}
