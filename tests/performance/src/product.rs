//! A product by id through its service, beside pgbench with the statements that the service has the database do, and over
//! SQLite beside PostgreSQL.
//!
//! Two routes read a product: the public one, which shows it with related ones and what is on hand (a statement of the
//! product service's, and one of inventory's, which is asked over HTTP), and the one for other services, which has just the
//! product (one statement). pgbench does the same statements over as many connections as wrk has: what the service did for one
//! request is recorded on its way to the database.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    ask::ask,
    postgres::Server,
    recorder::{Recorder, Said, Statement},
    rounds::{Reading, in_turns},
    running::Running,
    services::{INTERNAL_TOKEN, PRODUCT, fill, fill_files, sqlite_url, start},
    table::Row,
    wrk,
};

/// Connections to the service, and of pgbench to the database: as many as the service keeps.
const CONNECTIONS: usize = 10;

/// Services that answer for products.
struct Shop {
    inventory: Running,
    product: Running,
    at: SocketAddr,
}

impl Shop {
    fn start(bins: &Path, url: &str) -> Result<Self, String> {
        let (inventory, inventory_at) = start(bins, "inventory", url, &[])?;
        let (product, at) = start(bins, "product", url, &[("INVENTORY", inventory_at)])?;
        Ok(Self {
            inventory,
            product,
            at,
        })
    }

    /// Warms up for a second, then measures.
    fn read(&self, how: &[String], path: &str, length: Duration) -> Result<Reading, String> {
        let url = format!("http://{}{path}", self.at);
        let cpu = || self.product.cpu() + self.inventory.cpu();
        wrk::run_with(CONNECTIONS, how, &url, Duration::from_secs(1))?;
        let before = cpu();
        let answers = wrk::run_with(CONNECTIONS, how, &url, length)?;
        Ok(Reading {
            rate: answers.rate,
            cpu: (cpu() - before) * 1e6 / answers.count,
        })
    }
}

/// The rows of a product by id.
pub(crate) fn measure(bins: &Path, rounds: usize, length: Duration) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let server = Server::start()?;
    let statements = Statements::record(bins, &server)?;
    let shop = Shop::start(bins, &Server::url(server.address))?;
    let by_files = Shop::start(bins, &sqlite_url(folder.path()))?;
    fill_files(folder.path())?;
    let script = folder.path().join("record.lua");
    let body = json!({ "ids": [PRODUCT] }).to_string();
    let lua = format!(
        "wrk.method = 'POST'; wrk.body = '{body}'
         wrk.headers['Content-Type'] = 'application/json'
         wrk.headers['Authorization'] = 'Bearer {INTERNAL_TOKEN}'"
    );
    fs::write(&script, lua).map_err(|error| error.to_string())?;
    let post = ["-s".to_owned(), script.display().to_string()];
    let (page, record) = (
        format!("/api/products/{PRODUCT}"),
        "/internal/products/records",
    );
    let pgbench = |statements: &[Statement]| {
        server.pgbench(statements, CONNECTIONS, Duration::from_secs(1))?;
        let rate = server.pgbench(statements, CONNECTIONS, length)?;
        Ok(Reading {
            rate,
            cpu: f64::NAN,
        })
    };
    let [
        pages,
        page_bench,
        records,
        record_bench,
        file_pages,
        file_records,
    ] = in_turns(
        rounds,
        [
            &|| shop.read(&[], &page, length),
            &|| pgbench(&statements.of_page),
            &|| shop.read(&post, record, length),
            &|| pgbench(&statements.of_record),
            &|| by_files.read(&[], &page, length),
            &|| by_files.read(&post, record, length),
        ],
    )?;
    Ok(vec![
        Row::of_rates(
            "product record by id, PostgreSQL: rate to pgbench's",
            &records,
            &record_bench,
            0.40,
        ),
        Row::of_rates(
            "product record by id, SQLite: rate to PostgreSQL's",
            &file_records,
            &records,
            1.5,
        ),
        Row::of_rates(
            "product page by id, PostgreSQL: rate to pgbench's",
            &pages,
            &page_bench,
            0.40,
        ),
        Row::of_rates(
            "product page by id, SQLite: rate to PostgreSQL's",
            &file_pages,
            &pages,
            1.5,
        ),
    ])
}

/// What the services have the database do for one request.
struct Statements {
    of_page: Vec<Statement>,
    of_record: Vec<Statement>,
}

impl Statements {
    /// Asks once, through recorders; the tables are made and filled by this.
    fn record(bins: &Path, server: &Server) -> Result<Self, String> {
        let recorder = Recorder::of_statements(server.address)?;
        let shop = Shop::start(bins, &Server::url(recorder.address))?;
        fill(server)?;
        let (page, token) = (
            format!("GET /api/products/{PRODUCT}"),
            format!("authorization: Bearer {INTERNAL_TOKEN}\r\n"),
        );
        let ids = json!({ "ids": [PRODUCT] });
        let of = |request: &str, body: &Value| {
            // The first time statements are prepared.
            ask(shop.at, request, &token, body)?;
            recorder.take();
            ask(shop.at, request, &token, body)?;
            let said = recorder.take();
            let did = said.into_iter().filter_map(|said| match said {
                // The services also look for events to tell, now and then.
                Said::Did(statement) if !statement.sql.contains("outbox") => Some(statement),
                _ => None,
            });
            Ok::<_, String>(did.collect())
        };
        Ok(Self {
            of_page: of(&page, &Value::Null)?,
            of_record: of("POST /internal/products/records", &ids)?,
        })
    }
}
