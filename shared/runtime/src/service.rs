//! Runs a microservice: listens, serves, works in the background, and stops in an orderly way.

use std::{future::Future, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use axum::Router;
use bothways_http::{
    layers::{Edge, EdgeSettings, Routes},
    system,
};
use bothways_upstream::Registry;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{
    Background, Remote, Result, Settings, Shop,
    admin::{self, Metrics},
    admission::Admission,
    cores::Cores,
    entry,
    failpoint::Marks,
    front::{Around, Front, NoFront},
    healthcheck,
    stores::Opening,
};

/// How many connections a service keeps to its database at most.
const CONNECTIONS: u32 = 10;
/// How long requests under way may take to finish once the service is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Starts the cores with their fronts.
type StartCores = Box<dyn FnOnce(&Around) -> Result<Cores> + Send>;

/// What a microservice consists of.
#[derive(Default)]
pub struct Service {
    router: Router,
    front: Option<StartCores>,
    health: Option<Router>,
    background: Vec<Background>,
    metrics: Vec<Metrics>,
}

impl Service {
    /// A service that answers these routes.
    pub fn new(router: Router) -> Self {
        Self {
            router,
            ..Self::default()
        }
    }

    /// Has a front made by `make` for each core answer what it takes, on a runtime of that core; the routes are for the
    /// rest.
    pub fn front<F: Front>(mut self, make: impl Fn() -> F + Send + Sync + 'static) -> Self {
        self.front = Some(Box::new(move |around| Cores::start(make, around)));
        self
    }

    /// Answers these routes, too.
    pub fn merge(mut self, router: Router) -> Self {
        self.router = self.router.merge(router);
        self
    }

    /// Tells or follows events.
    #[cfg(feature = "nats")]
    pub fn with(mut self, events: crate::Events) -> Self {
        self.background.extend(events.background);
        self.merge(events.router)
    }

    /// Serves at `listener` under a `name`, for as long as it is polled: what a test starts in its own process.
    pub async fn serve(self, name: &'static str, listener: TcpListener) -> Result<()> {
        let router = self.router.merge(self.health.unwrap_or_default());
        let around = around(Settings, name, router)?;
        serve_at(listener, around, self.front, std::future::pending()).await
    }

    /// Says how it is with these routes, rather than with whether its databases answer.
    pub fn health(mut self, router: Router) -> Self {
        self.health = Some(router);
        self
    }

    /// Tells this at `/metrics`, too, in Prometheus' text format.
    pub fn metrics(mut self, metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.metrics.push(Box::new(metrics));
        self
    }

    /// Does this in the background.
    pub fn background(mut self, task: Background) -> Self {
        self.background.push(task);
        self
    }
}

/// Runs the microservice `name`, which `wire` puts together; with the argument `healthcheck`, asks the one that runs
/// already how it is.
pub fn service<W>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>, Remote) -> Result<Service>,
{
    if healthcheck::is_asked_for() {
        return healthcheck::run(Settings);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    entry::run(name, runtime, async {
        let settings = Settings;
        let shop = Arc::new(Shop::open(settings, Opening::Ahead(CONNECTIONS))?);
        let upstreams = Registry::default();
        let parts = wire(shop.clone(), Remote::new(settings, upstreams.clone())).await?;
        let health = parts.health;
        let health = health.unwrap_or_else(|| system::health(Arc::new(shop.checks.clone())));
        if let Some(listener) = admin::listener(settings).await? {
            let router = admin::router(upstreams, parts.metrics);
            tokio::spawn(axum::serve(listener, router).into_future());
        }
        let around = around(settings, name, parts.router.merge(health))?;
        serve(settings, around, parts.front, parts.background).await
    })
}

/// Puts around a service's routes what every service has.
fn around(settings: Settings, name: &'static str, router: Router) -> Result<Around> {
    Ok(Around {
        routes: Routes::new(router),
        edge: Edge::new(EdgeSettings {
            service: name,
            catch_panics: true,
        }),
        admission: Admission::new(settings)?,
        marks: Marks::find(settings, name).map(Arc::new),
    })
}

/// Serves at `LISTEN` until the process is told to stop; then, in this order, says that it is not ready while it goes on
/// serving, takes nothing on any more, and finishes what is under way.
async fn serve(
    settings: Settings,
    around: Around,
    front: Option<StartCores>,
    background: Vec<Background>,
) -> Result<()> {
    let address: SocketAddr = settings
        .parse("LISTEN")?
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("can't listen on {address}: {error}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let mut tasks = JoinSet::new();
    for task in background {
        tasks.spawn(task.run());
    }
    let (stop, mut stopping) = watch::channel(false);
    let admission = around.admission.clone();
    let stopped = async move {
        // The sender goes only together with the server.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let served = serve_at(listener, around, front, stopped);
    tokio::pin!(served);
    tokio::select! {
        served = &mut served => return served,
        () = told_to_stop(settings, &admission) => {}
    }
    tracing::info!("stopping");
    tasks.shutdown().await;
    let _ = stop.send(true);
    if tokio::time::timeout(DRAIN, served).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

/// Serves at `listener` until `stopped`, then finishes what is under way. Each connection stays on one core.
async fn serve_at(
    listener: TcpListener,
    around: Around,
    front: Option<StartCores>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let cores = match front {
        Some(start) => start(&around),
        None => Cores::start(|| NoFront, &around),
    }?;
    tokio::select! {
        () = cores.accept(listener) => {}
        () = stopped => {}
    }
    cores.finish().await;
    Ok(())
}

/// Waits for SIGTERM and, from then, until whoever asks this service had time to learn that it stops. SIGINT, a second
/// SIGTERM or, with `EXIT_WITH_STDIN=1`, the end of standard input, which the launcher holds open for as long as it lives,
/// are for at once: then nobody asks any more.
async fn told_to_stop(settings: Settings, admission: &Admission) {
    let stdin = async {
        if settings.text("EXIT_WITH_STDIN").as_deref() == Some("1") {
            let mut byte = [0; 64];
            while tokio::io::stdin()
                .read(&mut byte)
                .await
                .is_ok_and(|read| read > 0)
            {}
        } else {
            std::future::pending::<()>().await;
        }
    };
    let gently = async {
        caught(SignalKind::terminate()).await;
        tracing::info!("about to stop");
        admission.close();
        let again = caught(SignalKind::terminate());
        let _ = tokio::time::timeout(admission.stop_delay, again).await;
    };
    tokio::select! {
        () = gently => {}
        () = caught(SignalKind::interrupt()) => admission.close(),
        () = stdin => admission.close(),
    }
}

async fn caught(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "can't listen for a signal");
            std::future::pending::<()>().await;
        }
    }
}
