//! Identity as a microservice: its own database, needed by everybody, needing nobody.

use std::process::ExitCode;

use bothways_http::identity;
use bothways_runtime::{Service, service};

fn main() -> ExitCode {
    service("identity", async |shop, _remote| {
        let identity = shop.identity().await?;
        let verifier = shop.verifier(identity.clone());
        Ok(Service::new(identity::router(identity, verifier)))
    })
}
