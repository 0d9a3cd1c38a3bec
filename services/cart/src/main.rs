//! Carts as a microservice: its own database, products and inventory over HTTP.

use std::process::ExitCode;

use bothways_http::{cart, internal};
use bothways_runtime::{Service, service};

fn main() -> ExitCode {
    service("cart", async |shop, remote| {
        let carts = shop.cart(remote.product()?, remote.inventory()?).await?;
        let verifier = shop.verifier(remote.identity()?);
        Ok(
            Service::new(cart::router(carts.clone(), verifier.clone())).merge(internal::cart(
                carts,
                verifier,
                &remote.internal_token()?,
            )),
        )
    })
}
