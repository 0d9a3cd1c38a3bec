//! Fulfilment as a function: follows the queue of orders and, on a schedule, ships and delivers what is due. Receipts go
//! out as the orders come in.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::event::EventHandler;
use bothways_runtime::event::{fulfilment, queue_and_schedule_function};

fn main() -> ExitCode {
    queue_and_schedule_function("fulfilment", async |shop| {
        let mailer = bothways_mail::mailer(|name| shop.settings.text(name))?;
        let orders = shop.fulfilment(shop.desk().await?, mailer).await?;
        let handler: Arc<dyn EventHandler> = orders.clone();
        Ok((handler, fulfilment(shop.settings, orders)?))
    })
}
