//! The shop's services as benchmarks run them: a few, over a database that is filled beforehand.

use std::{net::SocketAddr, path::Path, process::Command};

use sqlx::{Connection as _, SqliteConnection};

use crate::{
    postgres::Server,
    running::{Running, free_address},
};

/// What the services know one another by. Nobody else can ask them.
pub(crate) const INTERNAL_TOKEN: &str = "benchmark-benchmark-benchmark-benchmark";
/// The product that is asked for; it has as many related ones as are shown.
pub(crate) const PRODUCT: &str = "500";

/// A thousand products in a hundred categories, and enough of each.
const PRODUCTS: &str = r#"INSERT INTO products (id, name, brand, category, description, price_amount, price_currency,
                      attributes, rating, created_at, updated_at)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
SELECT CAST(n AS TEXT), 'Kettle ' || n, 'Aqua', '["Kitchen","Kettles ' || (n / 10) || '"]',
       'Boils a litre in three minutes, and keeps it warm for an hour. Of steel, with a handle that stays cool.',
       3499, 'USD', '{"volume":"1 l"}', 4.5, 1700000000000, 1700000000000
FROM numbers"#;
const STOCK: &str = "INSERT INTO stock (product_id, on_hand, updated_at)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
SELECT CAST(n AS TEXT), 1000000, 1700000000000 FROM numbers";

/// What each context begins with.
const FILLINGS: [(&str, &str); 2] = [("product", PRODUCTS), ("inventory", STOCK)];

/// Fills the tables that services made in `server`.
pub(crate) fn fill(server: &Server) -> Result<(), String> {
    for (context, sql) in FILLINGS {
        server.run(context, sql)?;
        server.run(context, "ANALYZE")?;
    }
    Ok(())
}

/// Fills the tables that services made in files in `folder`.
pub(crate) fn fill_files(folder: &Path) -> Result<(), String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let filled = runtime.block_on(async {
        for (context, sql) in FILLINGS {
            let url = sqlite_url(folder).replace("{context}", context);
            let mut connection = SqliteConnection::connect(&url).await?;
            sqlx::raw_sql(sql).execute(&mut connection).await?;
            sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok::<_, sqlx::Error>(())
    });
    filled.map_err(|error| error.to_string())
}

/// Where contexts have their files.
pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}/{{context}}.db", folder.display())
}

/// Starts the service `name`, over the database at `url`, whose neighbours are at these addresses. A neighbour that is not
/// named is not there.
pub(crate) fn start(
    bins: &Path,
    name: &str,
    url: &str,
    neighbours: &[(&str, SocketAddr)],
) -> Result<(Running, SocketAddr), String> {
    let address = free_address()?;
    let mut command = Command::new("env");
    service(&mut command, bins, name, address, url, neighbours);
    Ok((Running::start(command, address)?, address))
}

/// Has `command`, which runs others, run the service.
pub(crate) fn service(
    command: &mut Command,
    bins: &Path,
    name: &str,
    at: SocketAddr,
    url: &str,
    neighbours: &[(&str, SocketAddr)],
) {
    command.arg(bins.join(format!("{name}-service")));
    command.env("LISTEN", at.to_string());
    command.env("DATABASE_URL", url);
    command.env("INTERNAL_TOKEN", INTERNAL_TOKEN);
    command.env("PAYMENT_KEY", "sk_benchmark");
    command.env("LOG", "warn").env("LOG_FORMAT", "json");
    command.env("MIMALLOC_PURGE_DELAY", "0");
    for neighbour in ["PRODUCT", "INVENTORY", "CART", "IDENTITY", "PAYMENT"] {
        let known = neighbours.iter().find(|(known, _)| *known == neighbour);
        let at = known.map_or_else(|| "127.0.0.1:1".to_owned(), |(_, at)| at.to_string());
        command.env(format!("{neighbour}_URL"), format!("http://{at}"));
    }
}
