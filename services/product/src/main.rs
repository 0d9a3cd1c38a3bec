//! Products as a microservice: its own database, inventory over HTTP, events pushed from its outbox.

use std::process::ExitCode;

use bothways_http::{internal, product};
use bothways_runtime::{RelayLoop, Service, service};

fn main() -> ExitCode {
    service("product", async |shop, remote| {
        let products = shop.product(remote.inventory()?).await?;
        let verifier = shop.verifier(remote.identity()?);
        let relay = shop.relay("product", remote.subscribers()?).await?;
        let (letters, token) = (
            shop.dead_letters_of("product").await?,
            remote.internal_token()?,
        );
        Ok(Service::new(product::router(products.clone(), verifier))
            .merge(internal::product(products, &token))
            .merge(internal::dead_letters(letters, &token))
            .background(RelayLoop::task(relay)))
    })
}
