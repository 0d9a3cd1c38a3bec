//! The black-box suite: the sentences of the public contract, each as a test, run once per
//! architecture. Without further ado it builds and starts both architectures itself.
//!
//! | variable | meaning |
//! |---|---|
//! | `SHOP_URL` | test this shop and start nothing |
//! | `SHOP_ADMIN_EMAIL`, `SHOP_ADMIN_PASSWORD` | its administrator; needed with `SHOP_URL` |
//! | `SHOP_ARCHITECTURE` | `microservices` or `serverless`: how its tests are named, and what `/api/about` has to say |
//! | `SHOP_PAYMENT_URL`, `SHOP_PAYMENT_KEY` | its payment provider; without, cases that look into the books are ignored |
//! | `SHOP_EVENTS_URL` | NATS with JetStream that carries the events of the microservices, instead of HTTP |
//! | `SHOP_CONTROL`, `SHOP_CONTROL_TOKEN`, `SHOP_FAILPOINT_DIR` | its launcher, for the resilience suite |
//! | `SHOP_DATABASE_URL` | start the shops on this PostgreSQL instead of SQLite |
//! | `SHOP_NO_BUILD` | `1`: the binaries are built already |

#![deny(dead_code, reason = "a case that is not listed would never run")]
#![expect(clippy::expect_used, reason = "a test reports by panicking")]

mod account_safety;
mod accounts;
mod cart_claims;
mod cart_merging;
mod carts;
mod checkout;
mod checkout_concurrency;
mod checkout_refusals;
mod dead_letters;
mod events;
mod headers;
mod inventory;
mod inventory_import;
mod order_cancelling;
mod order_life;
mod order_receipts;
mod orders;
mod orders_of_everybody;
mod payments;
mod photo_limits;
mod photos;
mod problems;
mod product_import;
mod product_limits;
mod products;
mod products_admin;
mod search;
mod search_facets;
mod search_filters;
mod search_paging;
mod sessions;
mod storefront;
mod storefront_accounts;
mod storefront_admin;
mod storefront_buying;
mod storefront_safety;
mod storefront_sessions;
mod suggest;
mod system;

use std::process::ExitCode;

use bothways_tests::{Area, Suite};

/// How many cases run side by side: the machines that run this have two cores.
const THREADS: usize = 8;

/// What the project promises for each architecture.
const AT_LEAST: usize = 120;

fn main() -> ExitCode {
    let areas = vec![
        Area::new("account_safety", account_safety::cases()),
        Area::new("accounts", accounts::cases()),
        Area::new("cart_claims", cart_claims::cases()),
        Area::new("cart_merging", cart_merging::cases()),
        Area::new("carts", carts::cases()),
        Area::new("checkout", checkout::cases()),
        Area::new("checkout_concurrency", checkout_concurrency::cases()),
        Area::new("checkout_refusals", checkout_refusals::cases()),
        Area::new("dead_letters", dead_letters::cases()),
        Area::new("events", events::cases()),
        Area::new("headers", headers::cases()),
        Area::new("inventory", inventory::cases()),
        Area::new("inventory_import", inventory_import::cases()),
        Area::new("orders", orders::cases()),
        Area::new("orders_of_everybody", orders_of_everybody::cases()),
        Area::new("order_cancelling", order_cancelling::cases()),
        Area::new("order_life", order_life::cases()).with_payment(),
        Area::new("order_receipts", order_receipts::cases()).with_mail(),
        Area::new("payments", payments::cases()).with_payment(),
        Area::new("photo_limits", photo_limits::cases()),
        Area::new("photos", photos::cases()),
        Area::new("problems", problems::cases()),
        Area::new("product_import", product_import::cases()),
        Area::new("product_limits", product_limits::cases()),
        Area::new("products", products::cases()),
        Area::new("products_admin", products_admin::cases()),
        Area::new("search", search::cases()),
        Area::new("search_facets", search_facets::cases()),
        Area::new("search_filters", search_filters::cases()),
        Area::new("search_paging", search_paging::cases()),
        Area::new("sessions", sessions::cases()),
        Area::new("storefront", storefront::cases()),
        Area::new("storefront_accounts", storefront_accounts::cases()),
        Area::new("storefront_admin", storefront_admin::cases()),
        Area::new("storefront_buying", storefront_buying::cases()),
        Area::new("storefront_safety", storefront_safety::cases()),
        Area::new("storefront_sessions", storefront_sessions::cases()),
        Area::new("suggest", suggest::cases()),
        Area::new("system", system::cases()),
    ];
    Suite::new(areas, THREADS)
        .counted(AT_LEAST)
        // Late enough for cases that cancel on a slow machine, soon enough for those that wait for it.
        .env("SHIP_AFTER_MS", "45000")
        .env("DELIVER_AFTER_MS", "4000")
        .run()
}
