//! Identity as a microservice: its own database, needed by everybody, needing nobody.

use std::process::ExitCode;

use bothways_http::{identity, internal};
use bothways_runtime::{Service, service};

fn main() -> ExitCode {
    service("identity", async |shop, remote| {
        let identity = shop.identity().await?;
        let verifier = shop.verifier(identity.clone());
        let internal = internal::identity(identity.clone(), &remote.internal_token()?);
        Ok(Service::new(identity::router(identity, verifier)).merge(internal))
    })
}
