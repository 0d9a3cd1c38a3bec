//! The indexer as a microservice: follows product and stock events, publishes search snapshots.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::search::Indexer;
use bothways_http::internal;
use bothways_runtime::{Service, service};
use bothways_search::Publisher;

fn main() -> ExitCode {
    service("indexer", async |shop, remote| {
        let index = Publisher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        let indexer = Indexer {
            products: remote.product()?,
            inventory: remote.inventory()?,
            index: Arc::new(index),
        };
        Ok(Service::new(internal::events(
            Arc::new(indexer),
            &remote.internal_token()?,
        )))
    })
}
