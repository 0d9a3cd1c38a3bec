//! The web pages as a function, and the answer to every route that no other function has.

use std::{process::ExitCode, sync::Arc};

use bothways_http::{dead_letters, system};
use bothways_runtime::{function, sqs};
use bothways_search::Searcher;
use bothways_storefront::{Settings, Shop, router};

fn main() -> ExitCode {
    function("storefront", async |shop| {
        let inventory = shop.inventory().await?;
        let product = shop.product(inventory.clone()).await?;
        let cart = shop.cart(product.clone(), inventory.clone()).await?;
        let checkout = shop
            .checkout(cart.clone(), product.clone(), inventory.clone())
            .await?;
        let identity = shop.identity().await?;
        let snapshots = shop.settings.require("SNAPSHOT_URL")?;
        // Most pages need none.
        let search = Arc::new(Searcher::open_on_demand(&snapshots)?);
        let dead_letters = shop.dead_letters().await?;
        let tokens = shop.verifier(identity.clone());
        let settings = Settings::new(
            shop.settings.text("SHOP_NAME"),
            shop.currency(),
            "serverless",
        );
        let entropy = shop.entropy();
        let api = dead_letters::router(dead_letters.clone(), tokens.clone());
        let pages = Shop {
            search,
            product,
            cart,
            checkout,
            inventory,
            identity,
            dead_letters,
            tokens,
            entropy,
            settings,
        };
        let routes = router(pages)
            .merge(api)
            .merge(system::about("serverless"))
            .merge(shop.health());
        sqs::poke_relay_after_writes(routes, shop.settings)
    })
}
