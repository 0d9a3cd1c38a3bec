//! The gateway beside nginx: the same service behind both, which answers at once.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use crate::{
    nginx,
    rounds::{Reading, in_turns},
    running::{Running, free_address},
    table::{Limit, Row},
    wrk,
};

/// What a service says of a product, about.
const BODY: &str = r#"{"id":"kettle-1","name":"Kettle","brand":"Aqua","category":["Kitchen","Kettles"],"description":"Boils a litre in three minutes, and keeps it warm for an hour. Of steel, with a handle that stays cool.","price":{"amount":3499,"currency":"USD"},"attributes":{"volume":"1 l"},"availability":"in_stock"}"#;
const PATH: &str = "/api/products/kettle-1";
/// Those whom the gateway wants to know.
const SERVICES: [&str; 8] = [
    "SEARCH",
    "PRODUCT",
    "INVENTORY",
    "MEDIA",
    "CART",
    "CHECKOUT",
    "IDENTITY",
    "STOREFRONT",
];

/// The rows of the gateway: rate and CPU of bare forwarding, and the rate with every feature on.
pub(crate) fn measure(bins: &Path, rounds: usize, length: Duration) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (service, by_nginx) = (free_address()?, free_address()?);
    let (bare, full, admin) = (free_address()?, free_address()?, free_address()?);
    let _service = Running::start(nginx::server(folder.path(), service, BODY)?, service)?;
    let proxy = Running::start(nginx::proxy(folder.path(), by_nginx, service)?, by_nginx)?;
    let mut command = gateway(bins, bare, service);
    command.env("RATE_LIMIT_PER_SECOND", "0").env("LOG", "warn");
    let bare_gateway = Running::start(command, bare)?;
    // A limit that counts, and is never met.
    let mut command = gateway(bins, full, service);
    command
        .env("RATE_LIMIT_PER_SECOND", "1000000")
        .env("RATE_LIMIT_BURST", "1000000");
    command.env("ADMIN_LISTEN", admin.to_string());
    let full_gateway = Running::start(command, full)?;
    let [nginx, bare, full] = in_turns(
        rounds,
        [
            &|| read(&proxy, by_nginx, length),
            &|| read(&bare_gateway, bare, length),
            &|| read(&full_gateway, full, length),
        ],
    )?;
    let rate = |one: &Reading| one.rate;
    let cpu = |one: &Reading| one.cpu;
    let per_second = |of: f64| format!("{of:.0}/s");
    let micros = |of: f64| format!("{of:.1} µs");
    Ok(vec![
        Row {
            what: "gateway, bare forwarding: rate to nginx's".to_owned(),
            ratio: bare.ratio(&nginx, rate),
            limit: Limit::AtLeast(0.80),
            figures: [
                per_second(bare.median(rate)),
                per_second(nginx.median(rate)),
            ],
        },
        Row {
            what: "gateway, bare forwarding: CPU a request to nginx's".to_owned(),
            ratio: bare.ratio(&nginx, cpu),
            limit: Limit::AtMost(1.35),
            figures: [micros(bare.median(cpu)), micros(nginx.median(cpu))],
        },
        Row {
            what: "gateway, every feature on: rate to nginx's".to_owned(),
            ratio: full.ratio(&nginx, rate),
            limit: Limit::AtLeast(0.55),
            figures: [
                per_second(full.median(rate)),
                per_second(nginx.median(rate)),
            ],
        },
    ])
}

fn gateway(bins: &Path, at: SocketAddr, service: SocketAddr) -> Command {
    let mut command = Command::new(bins.join("gateway-service"));
    let urls = SERVICES.map(|name| (format!("{name}_URL"), format!("http://{service}")));
    command
        .envs(urls)
        .env("LISTEN", at.to_string())
        .env("LOG_FORMAT", "json");
    command
}

/// Warms up for a second, then measures.
fn read(program: &Running, at: SocketAddr, length: Duration) -> Result<Reading, String> {
    let url = format!("http://{at}{PATH}");
    wrk::run(&url, Duration::from_secs(1))?;
    let before = program.cpu();
    let answers = wrk::run(&url, length)?;
    Ok(Reading {
        rate: answers.rate,
        cpu: (program.cpu() - before) * 1e6 / answers.count,
    })
}
