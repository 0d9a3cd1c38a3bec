//! What breaks on purpose: floods of buyers, kills in the middle of a checkout, parts of the shop
//! that are gone, Ctrl-C under load. One case after another, since each disturbs the whole shop.

#![deny(dead_code, reason = "a case that is not listed would never run")]
#![expect(clippy::expect_used, reason = "a test reports by panicking")]

mod books;
mod containers;
mod crash;
mod crash_cancelling;
mod crashed_services;
mod dead_letters;
mod events;
mod faults;
mod flood;
mod freshness;
mod frozen;
mod fulfilment;
mod functions;
mod interrupt;
mod load;
mod outage;
mod panics;
mod payment_timeout;
mod photo_flood;
mod processes;
mod published_events;
mod rate_limit;
mod replicas;
mod stopping;
mod twins;

use std::process::ExitCode;

use bothways_tests::{Area, Suite};

fn main() -> ExitCode {
    let areas = vec![
        Area::new("flood", flood::cases()).with_payment(),
        Area::new("payment_timeout", payment_timeout::cases()).with_payment(),
        Area::new("crash", crash::cases()).with_launcher(),
        Area::new("crash_cancelling", crash_cancelling::cases()).with_launcher(),
        Area::new("events", events::cases()).with_launcher(),
        Area::new("dead_letters", dead_letters::cases()).with_launcher(),
        Area::new("photo_flood", photo_flood::cases()).with_launcher(),
        Area::new("fulfilment", fulfilment::cases()).with_launcher(),
        Area::new("fulfilment", fulfilment::in_services())
            .only("microservices")
            .with_launcher(),
        Area::new("outage", outage::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("crashed_services", crashed_services::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("panics", panics::in_services())
            .only("microservices")
            .with_launcher(),
        Area::new("panics", panics::in_functions())
            .only("serverless")
            .with_launcher(),
        Area::new("functions", functions::cases())
            .only("serverless")
            .with_launcher(),
        Area::new("published_events", published_events::cases())
            .only("serverless")
            .with_launcher(),
        Area::new("rate_limit", rate_limit::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("frozen", frozen::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("containers", containers::cases())
            .only("microservices")
            .with_containers(),
        Area::new("faults", faults::cases()).only("microservices"),
        Area::new("replicas", replicas::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("stopping", stopping::cases())
            .only("microservices")
            .with_launcher(),
        Area::new("interrupt", interrupt::cases()).with_launcher(),
        Area::new("freshness", freshness::cases()).with_launcher(),
        // Its case has both architectures, so it needs no turn with each.
        Area::new("twins", twins::cases())
            .only("microservices")
            .with_launcher(),
    ];
    Suite::new(areas, 1).run()
}
