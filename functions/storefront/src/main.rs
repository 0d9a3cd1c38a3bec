//! The web pages as a function, and the answer to every route that no other function has.

use std::{process::ExitCode, sync::Arc};

use bothways_http::system;
use bothways_runtime::function;
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
        let search = Searcher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        let search = Arc::new(search.refreshed_per_request());
        let tokens = shop.verifier(identity.clone());
        let settings = Settings::new(
            shop.settings.text("SHOP_NAME"),
            shop.currency(),
            "serverless",
        );
        let entropy = shop.entropy();
        let pages = Shop {
            search,
            product,
            cart,
            checkout,
            inventory,
            identity,
            tokens,
            entropy,
            settings,
        };
        Ok(router(pages)
            .merge(system::about("serverless"))
            .merge(shop.health()))
    })
}
