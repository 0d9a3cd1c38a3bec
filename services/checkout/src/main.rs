//! Checkout as a microservice: its own database, everybody else over HTTP, recovery in the background.

use std::process::ExitCode;

use bothways_http::{checkout, internal};
use bothways_runtime::{Background, RelayLoop, Service, service};

fn main() -> ExitCode {
    service("checkout", async |shop, remote| {
        let orders = shop
            .checkout(remote.cart()?, remote.product()?, remote.inventory()?)
            .await?;
        let verifier = shop.verifier(remote.identity()?);
        let relay = shop.relay("checkout", remote.subscribers()?).await?;
        let token = remote.internal_token()?;
        let desk = internal::desk(shop.desk().await?, &token);
        let letters = internal::dead_letters(shop.dead_letters_of("checkout").await?, &token);
        Ok(Service::new(checkout::router(orders.clone(), verifier))
            .merge(desk)
            .merge(letters)
            .background(Background::recovery(orders, shop.settings)?)
            .background(RelayLoop::task(relay)))
    })
}
