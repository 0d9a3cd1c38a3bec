//! The payment sandbox as a process: settings from the environment, HTTP at `LISTEN`, an orderly end.

use std::process::ExitCode;

use payment_sandbox::{Application, Settings, healthcheck, shutdown, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == "healthcheck")
    {
        return ExitCode::from(u8::from(!healthcheck::is_healthy()));
    }
    telemetry::start();
    let outcome = async {
        let settings = Settings::from_environment()?;
        let application = Application::build(settings).await?;
        tracing::info!(address = %application.address(), "listening");
        application.run(shutdown::told_to_stop()).await
    };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("payment-sandbox-service: {error}");
            ExitCode::FAILURE
        }
    }
}
