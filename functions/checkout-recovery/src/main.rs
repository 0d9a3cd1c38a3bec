//! Recovery of interrupted checkouts as a function on a schedule. A schedule fires once a minute at most, so each
//! invocation makes several passes: what is interrupted is finished or undone within 60 s.

use std::process::ExitCode;

use bothways_runtime::event::{recovery, task_function};

fn main() -> ExitCode {
    task_function("checkout-recovery", async |shop| {
        let inventory = shop.inventory().await?;
        let products = shop.product(inventory.clone()).await?;
        let carts = shop.cart(products.clone(), inventory.clone()).await?;
        let orders = shop.checkout(carts, products, inventory).await?;
        recovery(shop.settings, orders)
    })
}
