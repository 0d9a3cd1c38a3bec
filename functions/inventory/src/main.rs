//! Inventory as a function.

use std::process::ExitCode;

use bothways_http::inventory;
use bothways_runtime::{function, sqs};

fn main() -> ExitCode {
    function("inventory", async |shop| {
        let stock = shop.inventory().await?;
        let verifier = shop.verifier(shop.identity().await?);
        sqs::poke_relay_after_writes(inventory::router(stock, verifier), shop.settings)
    })
}
