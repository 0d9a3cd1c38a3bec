//! Carts as a function: in the same process, products and inventory over their own stores.

use std::process::ExitCode;

use bothways_http::cart;
use bothways_runtime::function;

fn main() -> ExitCode {
    function("cart", async |shop| {
        let inventory = shop.inventory().await?;
        let products = shop.product(inventory.clone()).await?;
        let carts = shop.cart(products, inventory).await?;
        let verifier = shop.verifier(shop.identity().await?);
        Ok(cart::router(carts, verifier))
    })
}
