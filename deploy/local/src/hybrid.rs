//! One shop both ways at once: all services, and functions that answer some of the gateway's routes in their place,
//! over one set of data.
//!
//! Only what answers requests moves. The services behind go on: neighbours ask them, they relay the outboxes that
//! functions write to, and they do the background work. So a route can move to a function and back at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cli::Up;
use crate::lambda::Host;
use crate::ports::{self, Reserved};
use crate::postgres::Server;
use crate::setup::Setup;
use crate::state::ShopState;
use crate::supervisor::Process;
use crate::{microservices, serverless};

/// Name of this architecture.
pub(crate) const ARCHITECTURE: &str = "hybrid";

/// Functions that answer requests: those a route of the gateway can lead to.
pub(crate) const ANSWERING: [&str; 8] = [
    "search",
    "product",
    "inventory",
    "media",
    "cart",
    "checkout",
    "identity",
    "storefront",
];

/// Starts all services, and the functions that `--functions` names.
pub(crate) async fn start(
    setup: &Setup,
    up: &Up,
    public: Reserved,
) -> Result<(Vec<Arc<Process>>, Host, ShopState), String> {
    let api = ports::inner()?;
    let url = format!("http://127.0.0.1:{}", api.port);
    let route = |name: &String| {
        (
            format!("GATEWAY_ROUTE_{}", name.to_uppercase()),
            url.clone(),
        )
    };
    let routes: BTreeMap<_, _> = up.functions.iter().map(route).collect();
    let database = setup.database_url(ARCHITECTURE, Server::hybrid_url)?;
    let (processes, state) =
        microservices::start_as(ARCHITECTURE, setup, public, &database, &routes)?;
    let mut environment = setup.function_environment();
    // The services look into the outboxes by themselves.
    environment.insert("OUTBOX_WAKE_QUEUE_URL".to_owned(), String::new());
    let mut options = serverless::host_options(
        serverless::parameters(setup, &state, database),
        &setup.data.of(ARCHITECTURE)?,
        environment,
        &up.capacity,
        Arc::clone(&setup.logs),
    )?;
    options.only = Some(functions(&up.functions));
    let listener = api.into_listener().await?;
    let host = Host::start(options, listener).await?;
    Ok((processes, host, state))
}

/// What runs for these routes: with photos taken into a bucket goes what the bucket tells of them.
fn functions(answering: &[String]) -> BTreeSet<String> {
    let mut functions: BTreeSet<String> = answering.iter().cloned().collect();
    if functions.contains("media") {
        functions.insert("thumbnails".to_owned());
    }
    functions
}
