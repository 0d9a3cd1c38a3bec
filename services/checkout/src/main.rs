//! Checkout as a microservice: its own database, everybody else over HTTP, recovery in the background.

use std::process::ExitCode;

use bothways_http::{checkout, internal};
use bothways_runtime::{Background, Service, service};

fn main() -> ExitCode {
    service("checkout", async |shop, remote| {
        let orders = shop
            .checkout(remote.cart()?, remote.product()?, remote.inventory()?)
            .await?;
        let verifier = shop.verifier(remote.identity()?);
        let token = remote.internal_token()?;
        let desk = internal::desk(shop.desk().await?, &token);
        Ok(Service::new(checkout::router(orders.clone(), verifier))
            .merge(desk)
            .with(shop.tell("checkout", &remote).await?)
            .background(Background::recovery(orders, shop.settings)?))
    })
}
