//! Inventory as a microservice: its own database, events told from its outbox.

use std::process::ExitCode;

use bothways_http::{internal, inventory};
use bothways_runtime::{Background, Service, service};

fn main() -> ExitCode {
    service("inventory", async |shop, remote| {
        let stock = shop.inventory().await?;
        let verifier = shop.verifier(remote.identity()?);
        let token = remote.internal_token()?;
        Ok(Service::new(inventory::router(stock.clone(), verifier))
            .merge(internal::inventory(stock.clone(), &token))
            .with(shop.tell("inventory", &remote).await?)
            .background(Background::expiry(stock)))
    })
}
