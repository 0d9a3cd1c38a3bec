//! Identity as a function.

use std::process::ExitCode;

use bothways_http::identity;
use bothways_runtime::function;

fn main() -> ExitCode {
    function("identity", async |shop| {
        let identity = shop.identity().await?;
        let verifier = shop.verifier(identity.clone());
        Ok(identity::router(identity, verifier))
    })
}
