//! A local Lambda: functions as unmodified binaries behind an emulated API Gateway HTTP API, with
//! queues, buckets and schedules, all as `deploy/aws/template.yaml` says.

pub(crate) mod cold_start;
mod cors;
mod event;
mod gateway;
pub(crate) mod ids;
mod instance;
pub(crate) mod invocation;
pub(crate) mod pool;
mod queue_source;
mod report;
mod response;
mod routes;
mod runtime_api;
mod s3;
mod schedule;
mod sqs;
pub(crate) mod template;
mod throttle;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::serve::ListenerExt as _;
use bytes::Bytes;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::logs::Logs;
use crate::reaper::Reaper;
use crate::sync::lock;
use gateway::Gateway;
use invocation::{Concurrency, Outcome};
use pool::{HostSettings, Pool};
use report::Totals;
use routes::Routes;
use s3::bucket::Bucket;
use sqs::queue::Queue;
use template::model::Application;
use throttle::Throttle;

/// How long requests in flight get when the host stops.
const DRAIN: Duration = Duration::from_secs(3);

/// What the host is started with.
pub(crate) struct HostOptions {
    /// Text of the template.
    pub(crate) template: String,
    /// Values of the template's parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Folder of the binaries.
    pub(crate) binaries: PathBuf,
    /// Folder the queues are kept in.
    pub(crate) queues: PathBuf,
    /// Folder the buckets are kept in.
    pub(crate) buckets: PathBuf,
    /// Variables every function gets beside its own.
    pub(crate) environment: BTreeMap<String, String>,
    /// Only the functions with these binaries, of all that the template has.
    pub(crate) only: Option<BTreeSet<String>>,
    /// Most invocations in flight over all functions.
    pub(crate) account_concurrency: usize,
    /// Most instances of one function.
    pub(crate) instances_per_function: usize,
    /// Instances that may initialise at once.
    pub(crate) concurrent_starts: usize,
    /// How long an instance may idle.
    pub(crate) idle: Duration,
    /// Instead of every queue's own, so that nobody who kills a function to see what follows has to wait for minutes.
    pub(crate) visibility_timeout: Option<Duration>,
    /// Ends instances if the launcher can't.
    pub(crate) reaper: Option<Reaper>,
    /// Where the functions' logs go.
    pub(crate) logs: Arc<Logs>,
}

/// A running host.
pub(crate) struct Host {
    pools: BTreeMap<String, Arc<Pool>>,
    gateway: std::sync::Mutex<Option<JoinHandle<()>>>,
    stop_gateway: Arc<tokio::sync::Notify>,
    feeders: Vec<JoinHandle<()>>,
}

/// A function in `status`.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionStatus {
    name: String,
    memory_mb: u64,
    instances: Vec<u32>,
    #[serde(flatten)]
    totals: Totals,
}

impl FunctionStatus {
    /// One line for people.
    pub(crate) fn summary(value: &serde_json::Value) -> String {
        let number = |key: &str| value[key].as_f64().unwrap_or_default();
        format!(
            "{:<18} {:>3} instances {:>7} invocations {:>5} errors {:>5} throttled {:>4} cold starts \
             (init {:.1} ms) {:>9.3} GB-s",
            value["name"].as_str().unwrap_or_default(),
            value["instances"].as_array().map_or(0, Vec::len),
            number("invocations"),
            number("errors"),
            number("throttles"),
            number("cold_starts"),
            number("init_ms_mean"),
            number("gb_seconds"),
        )
    }
}

impl Host {
    /// Starts everything the template describes, the API on `listener`. The error names what the
    /// host can't honour, or which binary is missing.
    pub(crate) async fn start(options: HostOptions, listener: TcpListener) -> Result<Self, String> {
        let (queue_listener, queue_endpoint) = endpoint().await.map_err(|e| e.to_string())?;
        let (bucket_listener, bucket_endpoint) = endpoint().await.map_err(|e| e.to_string())?;
        let mut application =
            template::load(&options.template, &options.parameters, &queue_endpoint).map_err(
                |refusals| {
                    format!(
                        "the local host can't honour the template:\n  {}",
                        refusals.join("\n  ")
                    )
                },
            )?;
        if let Some(only) = &options.only {
            application.keep(only);
        }
        if let Some(timeout) = options.visibility_timeout {
            for queue in application.queues.values_mut() {
                queue.visibility_timeout = timeout;
            }
        }
        let queues = open_queues(&application, &options.queues).map_err(|e| e.to_string())?;
        let buckets = open_buckets(&application, &options.buckets, &queues)?;
        let pools = pools(&application, options, &queue_endpoint, bucket_endpoint);
        missing_binaries(&pools)?;

        let gateway = gateway(&application, &pools, &listener)?;
        let queue_api = sqs::router(queues.values().cloned(), queue_endpoint);
        let mut feeders = vec![
            tokio::spawn(serve(queue_listener, queue_api)),
            tokio::spawn(serve(bucket_listener, s3::router(buckets))),
        ];
        for source in &application.queue_sources {
            let queue = Arc::clone(&queues[&source.queue]);
            let pool = Arc::clone(&pools[&source.function]);
            feeders.push(tokio::spawn(queue_source::run(source.clone(), queue, pool)));
        }
        for schedule in &application.schedules {
            let pool = Arc::clone(&pools[&schedule.function]);
            feeders.push(tokio::spawn(schedule::run(schedule.clone(), pool)));
        }
        let stop_gateway = Arc::new(tokio::sync::Notify::new());
        let serving = tokio::spawn(serve_gateway(listener, gateway, Arc::clone(&stop_gateway)));
        Ok(Self {
            pools,
            gateway: std::sync::Mutex::new(Some(serving)),
            stop_gateway,
            feeders,
        })
    }

    /// What the functions have done so far.
    pub(crate) fn status(&self) -> Vec<FunctionStatus> {
        self.pools
            .values()
            .map(|pool| FunctionStatus {
                name: pool.spec.binary.clone(),
                memory_mb: pool.spec.memory_mb,
                instances: pool.pids(),
                totals: pool.totals(),
            })
            .collect()
    }

    /// A function, by its name or its binary's.
    fn pool(&self, name: &str) -> Option<&Arc<Pool>> {
        let named = |pool: &&Arc<Pool>| pool.spec.binary == name || pool.spec.name == name;
        self.pools.values().find(named)
    }

    /// Invokes a function with an event and waits for the outcome; `None` if there is no such function.
    pub(crate) async fn invoke(&self, name: &str, event: Bytes) -> Option<Outcome> {
        Some(self.pool(name)?.invoke(event).await)
    }

    /// Kills every instance of a function; `None` if there is no such function.
    pub(crate) async fn kill_instances(&self, name: &str) -> Option<usize> {
        Some(self.pool(name)?.kill_instances().await)
    }

    /// Stops taking requests, lets those in flight finish for a moment, and ends every instance.
    pub(crate) async fn stop(&self) {
        self.stop_gateway.notify_one();
        let serving = lock(&self.gateway).take();
        if let Some(mut serving) = serving {
            let deadline = Instant::now() + DRAIN;
            if tokio::time::timeout_at(deadline.into(), &mut serving)
                .await
                .is_err()
            {
                serving.abort();
            }
        }
        self.feeders.iter().for_each(JoinHandle::abort);
        futures::future::join_all(self.pools.values().map(|pool| pool.close())).await;
        // All share one.
        if let Some(reaper) = self
            .pools
            .values()
            .next()
            .and_then(|pool| pool.settings.reaper.as_ref())
        {
            reaper.dismiss();
        }
    }
}

fn open_queues(
    application: &Application,
    folder: &Path,
) -> std::io::Result<BTreeMap<String, Arc<Queue>>> {
    let mut queues = BTreeMap::new();
    for (id, spec) in &application.queues {
        queues.insert(id.clone(), Queue::open(spec.clone(), folder)?);
    }
    for (id, spec) in &application.queues {
        if let Some((target, _)) = &spec.redrive {
            queues[id].set_dead_letters(Arc::clone(&queues[target]));
        }
    }
    Ok(queues)
}

fn open_buckets(
    application: &Application,
    folder: &Path,
    queues: &BTreeMap<String, Arc<Queue>>,
) -> Result<Vec<Arc<Bucket>>, String> {
    let buckets = application.buckets.values();
    buckets
        .map(|spec| Bucket::open(spec, folder, queues))
        .collect::<std::io::Result<_>>()
        .map_err(|error| format!("{}: {error}", folder.display()))
}

fn pools(
    application: &Application,
    options: HostOptions,
    queue_endpoint: &str,
    bucket_endpoint: String,
) -> BTreeMap<String, Arc<Pool>> {
    let mut environment = BTreeMap::from([
        ("AWS_ENDPOINT_URL_SQS".to_owned(), queue_endpoint.to_owned()),
        ("AWS_ENDPOINT_URL_S3".to_owned(), bucket_endpoint),
        ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()),
        // The endpoints check no signature, but an SDK insists on making one.
        ("AWS_ACCESS_KEY_ID".to_owned(), "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "local".to_owned()),
        ("AWS_SESSION_TOKEN".to_owned(), "local".to_owned()),
    ]);
    environment.extend(options.environment);
    let settings = Arc::new(HostSettings {
        binaries: options.binaries,
        environment,
        account: Concurrency::new(options.account_concurrency),
        instances_per_function: options.instances_per_function,
        reaper: options.reaper,
        starts: Arc::new(Semaphore::new(options.concurrent_starts)),
        idle: options.idle,
    });
    application
        .functions
        .iter()
        .map(|(id, spec)| {
            let log = options.logs.source("serverless", &spec.binary);
            (
                id.clone(),
                Pool::new(spec.clone(), Arc::clone(&settings), log),
            )
        })
        .collect()
}

fn missing_binaries(pools: &BTreeMap<String, Arc<Pool>>) -> Result<(), String> {
    let missing: Vec<&str> = pools
        .values()
        .filter(|pool| !pool.settings.binaries.join(&pool.spec.binary).is_file())
        .map(|pool| pool.spec.binary.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these functions are not built: {}; leave out --no-build",
        missing.join(", ")
    ))
}

fn gateway(
    application: &Application,
    pools: &BTreeMap<String, Arc<Pool>>,
    listener: &TcpListener,
) -> Result<Arc<Gateway>, String> {
    Ok(Arc::new(Gateway {
        api: application.api.clone(),
        routes: Routes::new(&application.routes)?,
        functions: pools.clone(),
        throttle: application
            .api
            .throttle
            .map(|spec| Throttle::new(spec, Instant::now())),
        port: listener.local_addr().map_err(|e| e.to_string())?.port(),
    }))
}

async fn serve_gateway(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: Arc<tokio::sync::Notify>,
) {
    let app = gateway::router(gateway).into_make_service_with_connect_info::<SocketAddr>();
    let _ = axum::serve(listener, app)
        .with_graceful_shutdown(async move { stop.notified().await })
        .await;
}

/// A listener for the functions only, and its URL.
async fn endpoint() -> std::io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

async fn serve(listener: TcpListener, app: axum::Router) {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let _ = axum::serve(listener, app).await;
}

#[cfg(test)]
mod tests;
