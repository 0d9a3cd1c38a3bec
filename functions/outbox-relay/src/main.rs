//! The outbox relay as a function: poked by writers and, as a backstop, by a schedule, it moves events from the
//! outboxes to the queue of the catalogue.

use std::process::ExitCode;

use bothways_runtime::{event::task_function, sqs::QueueSink};

fn main() -> ExitCode {
    task_function("outbox-relay", async |shop| {
        let sink = QueueSink::from_env(shop.settings, "CATALOG_QUEUE_URL")?;
        let relays = shop.relays(&["product", "inventory"], sink).await?;
        Ok(async move || relays.drain().await)
    })
}
