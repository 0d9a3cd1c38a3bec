//! Fulfilment as a microservice: told of confirmed orders, ships and delivers them when that is due, and sends
//! receipts.

use std::process::ExitCode;

use bothways_runtime::{Background, Follow, Service, service};

fn main() -> ExitCode {
    service("fulfilment", async |shop, remote| {
        let mailer = bothways_mail::mailer(|name| shop.settings.text(name))?;
        let fulfilment = shop.fulfilment(remote.desk()?, mailer).await?;
        let events = Follow::of("fulfilment", &["order"]).with(fulfilment.clone(), &remote)?;
        Ok(Service::default()
            .with(events)
            .background(Background::shipments(fulfilment.clone(), shop.settings)?)
            .background(Background::receipts(fulfilment, shop.settings)?))
    })
}
