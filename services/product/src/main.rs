//! Products as a microservice: its own database, inventory over HTTP, events told from its outbox.

use std::process::ExitCode;

use bothways_http::{internal, product};
use bothways_runtime::{Service, service};

fn main() -> ExitCode {
    service("product", async |shop, remote| {
        let products = shop.product(remote.inventory()?).await?;
        let verifier = shop.verifier(remote.identity()?);
        let token = remote.internal_token()?;
        Ok(Service::new(product::router(products.clone(), verifier))
            .merge(internal::product(products, &token))
            .with(shop.tell("product", &remote).await?))
    })
}
