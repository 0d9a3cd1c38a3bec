//! Checkout as a microservice: its own database, everybody else over HTTP, recovery in the background.

use std::process::ExitCode;

use bothways_http::checkout;
use bothways_runtime::{Background, RelayLoop, Service, service};

fn main() -> ExitCode {
    service("checkout", async |shop, remote| {
        let orders = shop
            .checkout(remote.cart()?, remote.product()?, remote.inventory()?)
            .await?;
        let verifier = shop.verifier(remote.identity()?);
        let relay = shop.relay("checkout", remote.subscribers()?).await?;
        Ok(Service::new(checkout::router(orders.clone(), verifier))
            .background(Background::recovery(orders, shop.settings)?)
            .background(RelayLoop::task(relay)))
    })
}
