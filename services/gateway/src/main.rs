//! The gateway: the one door of the microservices. It owns no data and knows no rule of the shop, only who
//! answers which path.

use std::process::ExitCode;

use bothways_http::system;
use bothways_runtime::{Service, service};
use gateway::{Gateway, Limits, Patience, Upstreams};

fn main() -> ExitCode {
    service("gateway", async |shop, remote| {
        let upstreams = Upstreams::find(
            remote.upstreams(),
            |variable| remote.address(variable),
            |variable| shop.settings.text(variable),
        )?;
        let architecture = if upstreams.is_hybrid() {
            "hybrid"
        } else {
            "microservices"
        };
        let limits = Limits {
            per_second: shop.settings.parse("RATE_LIMIT_PER_SECOND")?.unwrap_or(200),
            burst: shop.settings.parse("RATE_LIMIT_BURST")?.unwrap_or(1_000),
            trusted_proxies: shop.settings.addresses("TRUSTED_PROXIES")?,
        };
        let gateway = Gateway::new(upstreams, limits, Patience::default());
        let own = system::about(architecture).merge(system::docs_router());
        let service = Service::new(gateway.limited(own)).health(gateway.health());
        Ok(service.front(move || gateway.door(&system::PATHS)))
    })
}
