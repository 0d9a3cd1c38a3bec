//! The indexer as a function: follows the catalogue's queue, publishes search snapshots. One instance at a time.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::{event::EventHandler, search::Indexer};
use bothways_runtime::event::queue_function;
use bothways_search::Publisher;

fn main() -> ExitCode {
    queue_function("indexer", async |shop| {
        let inventory = shop.inventory().await?;
        let products = shop.product(inventory.clone()).await?;
        let index = Publisher::open_on_demand(&shop.settings.require("SNAPSHOT_URL")?)?;
        let index = Arc::new(index);
        let handler: Arc<dyn EventHandler> = Arc::new(Indexer::new(products, inventory, index));
        Ok(handler)
    })
}
