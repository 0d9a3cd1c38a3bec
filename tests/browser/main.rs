//! The shop in a browser: headless Chromium, driven by its driver, on both architectures.
//!
//! Takes the same variables as the black-box suite in `tests/api`. Without Chromium and its driver on
//! the machine nothing is tested, which one line says; with `CI=true` that is a failure. `SCREENSHOTS=FOLDER`
//! takes pictures of every page instead of testing.

#![deny(dead_code, reason = "a case that is not listed would never run")]
#![expect(clippy::expect_used, reason = "a test reports by panicking")]

mod accessibility;
mod accounts;
mod chromium;
mod journey;
mod keyboard;
mod manage;
mod outages;
mod screenshots;
mod tour;
mod visitor;
mod weight;

use std::{env, process::ExitCode};

use bothways_tests::{Area, Suite};

/// How many browsers run side by side: the machines that run this have two cores.
const THREADS: usize = 3;

fn main() -> ExitCode {
    if !chromium::is_installed() {
        println!("skipped: no Chromium (chromium and chromedriver are not installed)");
        let demanded = env::var("CI").is_ok_and(|value| value == "true");
        return ExitCode::from(u8::from(demanded));
    }
    if let Some(folder) = env::var_os("SCREENSHOTS") {
        screenshots::take(folder.as_ref());
        return ExitCode::SUCCESS;
    }
    let areas = vec![
        Area::new("journey", journey::cases()),
        Area::new("accounts", accounts::cases()),
        Area::new("manage", manage::cases()),
        Area::new("outages", outages::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("keyboard", keyboard::cases()),
        Area::new("accessibility", accessibility::cases()),
        Area::new("weight", weight::cases()),
    ];
    // Time to cancel an order before it ships, on a slow machine, too.
    Suite::new(areas, THREADS)
        .env("SHIP_AFTER_MS", "20000")
        .env("DELIVER_AFTER_MS", "1200000")
        .run()
}
