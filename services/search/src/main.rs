//! Search as a microservice: stateless, it follows the snapshots that the indexer publishes.

use std::process::ExitCode;

use bothways_http::search;
use bothways_runtime::{Service, service};
use bothways_search::Searcher;

fn main() -> ExitCode {
    service("search", async |shop, _remote| {
        let searcher = Searcher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        Ok(Service::new(search::router(searcher.clone())).background(searcher.follow()))
    })
}
