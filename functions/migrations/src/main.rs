//! Migrations as a function that the deployment invokes, before functions are replaced that expect what they bring.

use std::process::ExitCode;

use bothways_runtime::deployment_function;

fn main() -> ExitCode {
    deployment_function("migrations", async |shop| shop.migrate().await)
}
