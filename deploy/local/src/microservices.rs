//! The shop as services: which there are, what each is told, and how they find one another.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ports::Reserved;
use crate::postgres::Server;
use crate::setup::{Instance, Setup};
use crate::state::ShopState;
use crate::supervisor::Process;

/// Name of this architecture.
pub(crate) const ARCHITECTURE: &str = "microservices";
/// Contexts with a database of their own.
pub(crate) const CONTEXTS: [&str; 7] = [
    "product",
    "inventory",
    "cart",
    "checkout",
    "fulfilment",
    "identity",
    "media",
];

/// The services behind the gateway.
pub(crate) const SERVICES: [&str; 10] = [
    "inventory",
    "product",
    "identity",
    "cart",
    "checkout",
    "search",
    "indexer",
    "fulfilment",
    "media",
    "storefront",
];

/// Binaries this architecture needs.
pub(crate) fn binaries() -> impl Iterator<Item = String> {
    SERVICES
        .into_iter()
        .chain(["gateway", "payment-sandbox"])
        .map(|name| format!("{name}-service"))
}

/// Starts all services at once: each waits for what it needs by itself.
pub(crate) fn start(
    setup: &Setup,
    public: Reserved,
) -> Result<(Vec<Arc<Process>>, ShopState), String> {
    let database = setup.database_url(ARCHITECTURE, Server::microservices_url)?;
    start_as(ARCHITECTURE, setup, public, &database, &BTreeMap::new())
}

/// Starts all services over `database` as the architecture of this name; the gateway is told what `routes` says, too.
pub(crate) fn start_as(
    architecture: &'static str,
    setup: &Setup,
    public: Reserved,
    database: &str,
    routes: &BTreeMap<String, String>,
) -> Result<(Vec<Arc<Process>>, ShopState), String> {
    let (payment, payment_url) = setup.payment_sandbox(architecture)?;
    let mut instances = Vec::new();
    for service in SERVICES {
        let count = setup.replicas.get(service).copied().unwrap_or(1);
        instances.extend(Instance::several(service, count)?);
    }
    let snapshots = setup.snapshots(architecture)?;
    let state = setup.shop_state(public.port, &payment_url, snapshots);
    let mut common = common_environment(setup, &instances, &state);
    let mut processes = vec![payment];
    for instance in instances {
        let (name, mut environment) = (instance.service, common.clone());
        environment.extend(own_environment(setup, name, database, &state));
        environment.extend(subscribers(name, &common));
        if name == "media" {
            environment.insert("PHOTOS_URL".to_owned(), setup.photos_url(architecture)?);
        }
        processes.push(setup.process(architecture, instance, environment));
    }
    let gateway = Instance::of("gateway", public)?;
    common.extend(routes.clone());
    // As in containers: it never has much to give back, and would ask for the same again with each request.
    common.insert("MIMALLOC_PURGE_DELAY".to_owned(), "1000".to_owned());
    processes.push(setup.process(architecture, gateway, common));
    Ok((processes, state))
}

/// What every service is told: where the others are, and the shop's settings.
fn common_environment(
    setup: &Setup,
    instances: &[Instance],
    state: &ShopState,
) -> BTreeMap<String, String> {
    let urls = |service: &str| {
        let replicas = instances.iter().filter(|one| one.service == service);
        let urls = replicas.map(|one| format!("http://127.0.0.1:{}", one.port.port));
        urls.collect::<Vec<_>>().join(",")
    };
    let mut environment = BTreeMap::from([
        (
            "INTERNAL_TOKEN".to_owned(),
            setup.secrets.internal_token.clone(),
        ),
        (
            "SNAPSHOT_URL".to_owned(),
            format!("file://{}", state.snapshot_dir.display()),
        ),
        // As in containers: what is freed goes back to the system at once.
        ("MIMALLOC_PURGE_DELAY".to_owned(), "0".to_owned()),
    ]);
    for name in SERVICES {
        environment.insert(format!("{}_URL", name.to_uppercase()), urls(name));
    }
    environment
}

/// What only one service is told: its database, and secrets nobody else needs.
fn own_environment(
    setup: &Setup,
    name: &str,
    database: &str,
    state: &ShopState,
) -> BTreeMap<String, String> {
    let mut own = BTreeMap::new();
    if CONTEXTS.contains(&name) {
        own.insert(
            "DATABASE_URL".to_owned(),
            database.replace("{context}", name),
        );
    }
    if name == "checkout" {
        own.insert("PAYMENT_URL".to_owned(), state.payment_url.clone());
        own.insert("PAYMENT_KEY".to_owned(), state.payment_key.clone());
    }
    if name == "identity" {
        own.insert("ADMIN_EMAIL".to_owned(), setup.secrets.admin_email.clone());
        own.insert(
            "ADMIN_PASSWORD".to_owned(),
            setup.secrets.admin_password.clone(),
        );
    }
    if name == "fulfilment" {
        let follow_up = &setup.follow_up;
        let values = [
            ("SHIP_AFTER_MS", follow_up.ship_after.to_string()),
            ("DELIVER_AFTER_MS", follow_up.deliver_after.to_string()),
            ("SMTP_URL", follow_up.smtp_url.clone()),
            ("PUBLIC_URL", state.url.clone()),
        ];
        own.extend(values.map(|(variable, value)| (variable.to_owned(), value)));
    }
    own
}

/// Who follows the events of a service.
fn subscribers(name: &str, common: &BTreeMap<String, String>) -> Option<(String, String)> {
    let follower = match name {
        "product" | "inventory" => "INDEXER_URL",
        "checkout" => "FULFILMENT_URL",
        // Its own worker.
        "media" => "MEDIA_URL",
        _ => return None,
    };
    // One replica is told of an event; if that is down, it is told when it is back.
    let replica = common.get(follower)?.split(',').next()?;
    let url = format!("{replica}/internal/events");
    Some(("EVENT_SUBSCRIBERS".to_owned(), url))
}
