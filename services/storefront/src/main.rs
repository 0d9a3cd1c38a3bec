//! The web pages as a microservice: everything they show comes over HTTP.

use std::process::ExitCode;

use bothways_http::dead_letters;
use bothways_runtime::{Service, service};
use bothways_storefront::{Settings, Shop, router};

fn main() -> ExitCode {
    service("storefront", async |shop, remote| {
        let identity = remote.identity()?;
        let (letters, tokens) = (remote.dead_letters()?, shop.verifier(identity.clone()));
        let pages = Shop {
            search: remote.search()?,
            product: remote.product()?,
            cart: remote.cart()?,
            checkout: remote.checkout()?,
            inventory: remote.inventory()?,
            dead_letters: letters.clone(),
            tokens: tokens.clone(),
            identity,
            entropy: shop.entropy(),
            settings: Settings::new(
                shop.settings.text("SHOP_NAME"),
                shop.currency(),
                "microservices",
            ),
        };
        Ok(Service::new(router(pages)).merge(dead_letters::router(letters, tokens)))
    })
}
