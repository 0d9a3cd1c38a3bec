//! The shop as functions on the local Lambda host, from the template that is deployed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::binaries;
use crate::cli::Up;
use crate::lambda::{Host, HostOptions};
use crate::ports::Reserved;
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
const PARAMETERS: [&str; 6] = [
    "DatabaseUrl",
    "SnapshotUrl",
    "PaymentUrl",
    "PaymentKey",
    "AdminEmail",
    "AdminPassword",
];

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
    let path = binaries::workspace().join("deploy/aws/template.yaml");
    let template =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut environment = setup.environment.clone();
    // The template asks for JSON, for CloudWatch; here people read along.
    environment
        .entry("LOG_FORMAT".to_owned())
        .or_insert_with(|| "text".to_owned());
    let options = HostOptions {
        template,
        parameters: parameters(setup, &state)?,
        binaries: setup.binaries.clone(),
        queues: setup.data.of(ARCHITECTURE)?.join("queues"),
        environment,
        account_concurrency: up.account_concurrency,
        instances_per_function: up
            .function_instances
            .unwrap_or(INSTANCES_PER_CORE * cores)
            .max(1),
        concurrent_starts: STARTS_PER_CORE * cores,
        idle: Duration::from_secs(up.function_idle),
        reaper: Some(Reaper::start().map_err(|error| error.to_string())?),
        logs: Arc::clone(&setup.logs),
    };
    let listener = public.into_listener().map_err(|error| error.to_string())?;
    let host = Host::start(options, listener).await?;
    Ok((payment, host, state))
}

fn parameters(setup: &Setup, state: &ShopState) -> Result<BTreeMap<String, String>, String> {
    let database = match &setup.database {
        Some(server) => server.serverless_url(),
        None => setup.sqlite_url(ARCHITECTURE)?,
    };
    let values = [
        database,
        format!("file://{}", state.snapshot_dir.display()),
        state.payment_url.clone(),
        state.payment_key.clone(),
        state.admin_email.clone(),
        state.admin_password.clone(),
    ];
    Ok(PARAMETERS
        .map(str::to_owned)
        .into_iter()
        .zip(values)
        .collect())
}
