//! A shop whose speed is known: the load generator's market stand, with a delay before every answer. Comparisons are
//! proved with it (`compare prove`).

use std::time::Duration;

use axum::{extract::Request, middleware::Next, response::Response};
use bothways_load::stand::{Server, routes};

/// A stand that waits this long before every answer.
pub fn slow(delay: Duration) -> Result<Server, String> {
    let wait = move |request: Request, next: Next| async move {
        tokio::time::sleep(delay).await;
        let answer: Response = next.run(request).await;
        answer
    };
    Server::start(routes().layer(axum::middleware::from_fn(wait)))
        .map_err(|error| error.to_string())
}
