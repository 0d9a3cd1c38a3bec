//! The indexer as a microservice: follows product and stock events, publishes search snapshots.

use std::{process::ExitCode, sync::Arc, time::Duration};

use bothways_domain::search::Indexer;
use bothways_runtime::{Background, Follow, Service, service};
use bothways_search::Publisher;

fn main() -> ExitCode {
    service("indexer", async |shop, remote| {
        let index = Publisher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        let indexer = Indexer::new(remote.product()?, remote.inventory()?, Arc::new(index));
        let indexer = Arc::new(indexer);
        let events = Follow::of("indexer", &["product", "stock"]);
        let events = events.with(indexer.clone(), &remote)?;
        let begin = Background::new("first index", Duration::from_secs(1), move || {
            let indexer = indexer.clone();
            async move { indexer.begin().await }
        });
        Ok(Service::default().with(events).background(begin))
    })
}
