//! Checkout as a function: in the same process, the other contexts over their own stores. Recovery is a function
//! of its own.

use std::process::ExitCode;

use bothways_http::checkout;
use bothways_runtime::{function, sqs};

fn main() -> ExitCode {
    function("checkout", async |shop| {
        let inventory = shop.inventory().await?;
        let products = shop.product(inventory.clone()).await?;
        let carts = shop.cart(products.clone(), inventory.clone()).await?;
        let orders = shop.checkout(carts, products, inventory).await?;
        let verifier = shop.verifier(shop.identity().await?);
        sqs::poke_relay_after_writes(checkout::router(orders, verifier), shop.settings)
    })
}
