//! The outbox relay as a function: poked by writers and, as a backstop, by a schedule, it moves events from the
//! outboxes to the queues of their kinds: catalogue, orders, photos. What these gave up on it takes back, as dead letters.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::event::EventSink;
use bothways_runtime::{event::relay_function, sqs::QueueSink};

fn main() -> ExitCode {
    relay_function("outbox-relay", async |shop| {
        let catalogue = QueueSink::shared(shop.settings, "CATALOG_QUEUE_URL")?;
        let orders = QueueSink::single(shop.settings, "ORDER_QUEUE_URL")?;
        let photos = QueueSink::single(shop.settings, "PHOTO_QUEUE_URL")?;
        let sinks: [(_, Arc<dyn EventSink>); 4] = [
            ("product", catalogue.clone()),
            ("inventory", catalogue),
            ("checkout", orders),
            ("media", photos),
        ];
        shop.relays(sinks).await
    })
}
