//! The least a function can be on `lambda_http` and axum: what the CPU of a warm invocation is compared with
//! (docs/performance.md). It is built with the functions' profile and never deployed.

use axum::{Router, routing::get};
use lambda_http::Error;

fn main() -> Result<(), Error> {
    // The runtime that the functions have, too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let router = Router::new().route("/api/products/{id}", get(async || "hello"));
    runtime.block_on(lambda_http::run(router))
}
