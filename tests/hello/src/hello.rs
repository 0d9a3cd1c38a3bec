//! The least a function can be on `lambda_http`: what `bothways cold-starts` compares the shop's functions with. It is
//! built with their profile and never deployed.

use std::convert::Infallible;

use lambda_http::{Body, Error, Request, Response, service_fn};

fn main() -> Result<(), Error> {
    // The runtime that the functions have, too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let hello = async |_: Request| Ok::<_, Infallible>(Response::new(Body::from("hello")));
    runtime.block_on(lambda_http::run(service_fn(hello)))
}
