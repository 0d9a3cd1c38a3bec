//! Search as a microservice: stateless, it follows the snapshots that the indexer publishes.

use std::{process::ExitCode, sync::Arc};

use bothways_http::search;
use bothways_runtime::{Background, Service, service};
use bothways_search::Searcher;

fn main() -> ExitCode {
    service("search", async |shop, _remote| {
        let searcher = Searcher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        let (follower, measured) = (searcher.clone(), searcher.clone());
        let follow = Background::new("snapshots", searcher.interval(), move || {
            let follower = follower.clone();
            async move { follower.refresh().await }
        });
        let service = Service::new(search::router(Arc::new(searcher)));
        Ok(service
            .background(follow)
            .metrics(move || measured.metrics()))
    })
}
