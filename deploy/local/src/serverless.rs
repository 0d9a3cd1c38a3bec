//! The shop as functions on the local Lambda host, from the template that is deployed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::binaries;
use crate::cli::{Capacity, Up};
use crate::lambda::{Host, HostOptions};
use crate::logs::Logs;
use crate::ports::Reserved;
use crate::postgres::Server;
use crate::reaper::Reaper;
use crate::setup::Setup;
use crate::state::ShopState;
use crate::supervisor::Process;

/// Name of this architecture.
pub(crate) const ARCHITECTURE: &str = "serverless";

/// Instances of one function for each core: they wait for the database most of the time.
const INSTANCES_PER_CORE: usize = 8;
/// Instances initialising at once for each core: that is work for the processor.
const STARTS_PER_CORE: usize = 2;

/// Parameters of the template the launcher gives a value; the rest keep their defaults.
const PARAMETERS: [&str; 11] = [
    "DatabaseUrl",
    "SnapshotUrl",
    "PaymentUrl",
    "PaymentKey",
    "AdminEmail",
    "AdminPassword",
    "ShipAfterMs",
    "DeliverAfterMs",
    "FulfilmentWindowMs",
    "SmtpUrl",
    "PublicUrl",
];

/// How long each minute's invocation of fulfilment goes on looking, in milliseconds: here orders ship within seconds.
const FULFILMENT_WINDOW: u64 = 55_000;

/// Names of the template's parameters that get a value here.
#[cfg(test)]
pub(crate) fn parameter_names() -> impl Iterator<Item = &'static str> {
    PARAMETERS.into_iter()
}

/// Starts the payment sandbox and the host.
pub(crate) async fn start(
    setup: &Setup,
    up: &Up,
    public: Reserved,
) -> Result<(Arc<Process>, Host, ShopState), String> {
    let (payment, payment_url) = setup.payment_sandbox(ARCHITECTURE)?;
    let state = setup.shop_state(public.port, &payment_url, setup.snapshots(ARCHITECTURE)?);
    let database = setup.database_url(ARCHITECTURE, Server::serverless_url)?;
    let options = host_options(
        parameters(setup, &state, database),
        &setup.data.of(ARCHITECTURE)?,
        setup.function_environment(),
        &up.capacity,
        Arc::clone(&setup.logs),
    )?;
    let listener = public.into_listener().await?;
    let host = Host::start(options, listener).await?;
    Ok((payment, host, state))
}

/// The template that is deployed.
pub(crate) fn template() -> Result<String, String> {
    let path = binaries::workspace().join("deploy/aws/template.yaml");
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What the host is started with, on this machine or in a container.
pub(crate) fn host_options(
    parameters: BTreeMap<String, String>,
    data: &Path,
    environment: BTreeMap<String, String>,
    capacity: &Capacity,
    logs: Arc<Logs>,
) -> Result<HostOptions, String> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(HostOptions {
        template: template()?,
        parameters,
        binaries: binaries::folder()?,
        queues: data.join("queues"),
        buckets: data.join("buckets"),
        environment,
        only: None,
        account_concurrency: capacity.account_concurrency,
        instances_per_function: capacity
            .function_instances
            .unwrap_or(INSTANCES_PER_CORE * cores)
            .max(1),
        concurrent_starts: STARTS_PER_CORE * cores,
        idle: Duration::from_secs(capacity.function_idle),
        visibility_timeout: capacity.visibility_timeout.map(Duration::from_secs),
        reaper: Some(Reaper::start().map_err(|error| error.to_string())?),
        logs,
    })
}

/// What the template's parameters are for a shop.
pub(crate) fn parameters(
    setup: &Setup,
    state: &ShopState,
    database: String,
) -> BTreeMap<String, String> {
    let values = [
        database,
        format!("file://{}", state.snapshot_dir.display()),
        state.payment_url.clone(),
        state.payment_key.clone(),
        state.admin_email.clone(),
        state.admin_password.clone(),
        setup.follow_up.ship_after.to_string(),
        setup.follow_up.deliver_after.to_string(),
        FULFILMENT_WINDOW.to_string(),
        setup.follow_up.smtp_url.clone(),
        state.url.clone(),
    ];
    PARAMETERS
        .map(str::to_owned)
        .into_iter()
        .zip(values)
        .collect()
}
