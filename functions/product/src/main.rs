//! Products as a function: in the same process, inventory over its own store.

use std::process::ExitCode;

use bothways_http::product;
use bothways_runtime::{function, sqs};

fn main() -> ExitCode {
    function("product", async |shop| {
        let products = shop.product(shop.inventory().await?).await?;
        let verifier = shop.verifier(shop.identity().await?);
        sqs::poke_relay_after_writes(product::router(products, verifier), shop.settings)
    })
}
