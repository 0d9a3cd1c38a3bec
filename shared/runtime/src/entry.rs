//! What starting a process has in common.

use std::{future::Future, process::ExitCode};

use bothways_http::problem::causes;
use tokio::runtime::Runtime;

use crate::{Result, Settings, telemetry};

/// Prepares the process and runs `work` on `runtime`; a failure is printed whole and becomes the exit code.
pub(crate) fn run(
    name: &str,
    runtime: std::io::Result<Runtime>,
    work: impl Future<Output = Result<()>>,
) -> ExitCode {
    telemetry::start(Settings);
    // One TLS implementation for everything; a second install is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(work);
        // What still reads on a blocking thread (standard input) must not keep a process that is told to end.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {}", causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
