//! The gateway beside nginx: the same service behind both, which answers at once. One nginx only forwards, another sets the
//! headers that the gateway sets, too.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use crate::{
    nginx,
    rounds::{Reading, Readings, in_turns},
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

/// The rows of the gateway: rate and CPU of bare forwarding beside either nginx, and the rate with every feature on.
pub(crate) fn measure(bins: &Path, rounds: usize, length: Duration) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (service, by_nginx, alike_at) = (free_address()?, free_address()?, free_address()?);
    let (bare, full, admin) = (free_address()?, free_address()?, free_address()?);
    let _service = Running::start(nginx::server(folder.path(), service, BODY)?, service)?;
    let proxy = Running::start(nginx::proxy(folder.path(), by_nginx, service)?, by_nginx)?;
    let alike = Running::start(nginx::alike(folder.path(), alike_at, service)?, alike_at)?;
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
    let (ours, others) = (header_names(bare)?, header_names(alike_at)?);
    if ours != others {
        let difference: Vec<_> = ours.symmetric_difference(&others).collect();
        return Err(format!(
            "nginx does not set the same headers: {difference:?}"
        ));
    }
    let [nginx, alike, bare, full] = in_turns(
        rounds,
        [
            &|| read(&proxy, by_nginx, length),
            &|| read(&alike, alike_at, length),
            &|| read(&bare_gateway, bare, length),
            &|| read(&full_gateway, full, length),
        ],
    )?;
    let cpu = |one: &Reading| one.cpu;
    let of_cpu = |what: &str, other: &Readings| Row {
        what: what.to_owned(),
        ratio: bare.ratio(other, cpu),
        limit: Limit::AtMost(1.35),
        figures: [&bare, other].map(|of| format!("{:.1} µs", of.median(cpu))),
    };
    Ok(vec![
        Row::of_rates(
            "gateway, bare forwarding: rate to nginx's with the same headers",
            &bare,
            &alike,
            0.80,
        ),
        of_cpu(
            "gateway, bare forwarding: CPU a request to nginx's with the same headers",
            &alike,
        ),
        Row::of_rates(
            "gateway, bare forwarding: rate to nginx's that only forwards",
            &bare,
            &nginx,
            0.80,
        ),
        of_cpu(
            "gateway, bare forwarding: CPU a request to nginx's that only forwards",
            &nginx,
        ),
        Row::of_rates(
            "gateway, every feature on: rate to nginx's that only forwards",
            &full,
            &nginx,
            0.55,
        ),
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

/// The names of the headers of an answer, but those that each server has in a way of its own.
fn header_names(at: SocketAddr) -> Result<BTreeSet<String>, String> {
    let mut answer = String::new();
    let read = TcpStream::connect(at).and_then(|mut stream| {
        write!(
            stream,
            "GET {PATH} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
        )?;
        stream.read_to_string(&mut answer)
    });
    read.map_err(|error| format!("{at}: {error}"))?;
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let names = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split(':').next());
    let names = names.map(str::to_lowercase);
    Ok(names.filter(|name| name != "server").collect())
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
