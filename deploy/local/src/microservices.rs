//! The shop as services: which there are, what each is told, and how they find one another.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ports::{self, Reserved};
use crate::setup::Setup;
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
const SERVICES: [&str; 10] = [
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
    let (payment, payment_url) = setup.payment_sandbox(ARCHITECTURE)?;
    let mut reserved = BTreeMap::new();
    for name in SERVICES {
        reserved.insert(name, ports::inner()?);
    }
    let snapshots = setup.snapshots(ARCHITECTURE)?;
    let state = setup.shop_state(public.port, &payment_url, snapshots);
    let common = common_environment(setup, &reserved, &state);
    let database = match &setup.database {
        Some(server) => server.microservices_url(),
        None => setup.sqlite_url(ARCHITECTURE)?,
    };
    let mut processes = vec![payment];
    for (name, port) in reserved {
        let mut environment = common.clone();
        environment.extend(own_environment(setup, name, &database, &state));
        environment.extend(subscribers(name, &common));
        if name == "media" {
            environment.insert("PHOTOS_URL".to_owned(), setup.photos_url(ARCHITECTURE)?);
        }
        processes.push(setup.process(ARCHITECTURE, name, environment, port));
    }
    processes.push(setup.process(ARCHITECTURE, "gateway", common, public));
    Ok((processes, state))
}

/// What every service is told: where the others are, and the shop's settings.
fn common_environment(
    setup: &Setup,
    ports: &BTreeMap<&'static str, Reserved>,
    state: &ShopState,
) -> BTreeMap<String, String> {
    let url = |name: &str| format!("http://127.0.0.1:{}", ports[name].port);
    let mut environment = BTreeMap::from([
        (
            "INTERNAL_TOKEN".to_owned(),
            setup.secrets.internal_token.clone(),
        ),
        (
            "SNAPSHOT_URL".to_owned(),
            format!("file://{}", state.snapshot_dir.display()),
        ),
    ]);
    for name in SERVICES {
        environment.insert(format!("{}_URL", name.to_uppercase()), url(name));
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
    let url = format!("{}/internal/events", common.get(follower)?);
    Some(("EVENT_SUBSCRIBERS".to_owned(), url))
}
