//! The indexer as a microservice: follows product and stock events, publishes search snapshots.

use std::{process::ExitCode, sync::Arc, time::Duration};

use bothways_domain::search::Indexer;
use bothways_runtime::{Background, Follow, Service, service};
use bothways_search::Publisher;

fn main() -> ExitCode {
    service("indexer", async |shop, remote| {
        let index = Arc::new(Publisher::open(&shop.settings.require("SNAPSHOT_URL")?).await?);
        let inventory = remote.patient_inventory()?;
        let indexer = Arc::new(Indexer::new(remote.product()?, inventory, index.clone()));
        let events = Follow::of("indexer", &["product", "stock"]);
        let events = events.with(indexer.clone(), &remote)?;
        let begin = Background::new("first index", Duration::from_secs(1), move || {
            let indexer = indexer.clone();
            async move { indexer.begin().await }
        });
        let synonyms = Background::new("synonyms", Duration::from_secs(2), move || {
            let index = index.clone();
            async move { index.refresh_synonyms().await.map(|()| false) }
        });
        Ok(Service::default()
            .with(events)
            .background(begin)
            .background(synonyms))
    })
}
