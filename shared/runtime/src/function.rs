//! Runs an HTTP function: the same routers, behind API Gateway's events.

use std::{process::ExitCode, sync::Arc};

use axum::Router;
use bothways_http::layers::{EdgeSettings, edge};

use crate::{Result, Settings, Shop, entry, stores::Opening};

/// Runs the HTTP function `name`, whose routes `wire` puts together once, while the instance starts.
pub fn function<W>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<Router>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    entry::run(name, runtime, async {
        let shop = Arc::new(Shop::open(Settings, Opening::Beside)?);
        let router = wire(shop).await?;
        // A panic ends the invocation, and API Gateway says so in its own words.
        let router = edge(
            router,
            EdgeSettings {
                service: name,
                catch_panics: false,
            },
        );
        lambda_http::run(router).await
    })
}
