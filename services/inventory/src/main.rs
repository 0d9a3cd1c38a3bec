//! Inventory as a microservice: its own database, events pushed from its outbox.

use std::process::ExitCode;

use bothways_http::{internal, inventory};
use bothways_runtime::{Background, RelayLoop, Service, service};

fn main() -> ExitCode {
    service("inventory", async |shop, remote| {
        let stock = shop.inventory().await?;
        let verifier = shop.verifier(remote.identity()?);
        let relay = shop.relay("inventory", remote.subscribers()?).await?;
        let (letters, token) = (
            shop.dead_letters_of("inventory").await?,
            remote.internal_token()?,
        );
        Ok(Service::new(inventory::router(stock.clone(), verifier))
            .merge(internal::inventory(stock.clone(), &token))
            .merge(internal::dead_letters(letters, &token))
            .background(RelayLoop::task(relay))
            .background(Background::expiry(stock)))
    })
}
