//! The launcher: `cargo run` brings the shop up twice on one machine, as services and as functions.

mod binaries;
mod cli;
mod cold_starts;
mod container;
mod control;
mod crypto;
mod dead_letters;
mod hex;
mod hybrid;
mod illustrations;
mod import;
mod lambda;
mod logs;
mod microservices;
mod ndjson;
mod pictures;
mod ports;
mod postgres;
mod probe;
mod progress;
mod reaper;
mod remote;
mod seed;
mod serverless;
mod setup;
mod shop_client;
mod state;
mod stop_signal;
mod supervisor;
mod sync;
mod up;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(reaper::ARGUMENT) {
        reaper::run();
        return ExitCode::SUCCESS;
    }
    let cli = Cli::parse();
    crypto::install();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli));
    runtime.shutdown_timeout(Duration::from_millis(200));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), String> {
    match cli.command.unwrap_or(Command::Up(cli.up)) {
        Command::Up(up) => up::run(up).await,
        Command::Down(data) => remote::down(&data).await,
        Command::Status(options) => remote::status(&options).await,
        Command::Import(options) => remote::import(&options).await,
        Command::DeadLetters(command) => dead_letters::run(&command).await,
        Command::Invoke(options) => remote::invoke(&options).await,
        Command::ColdStarts(options) => cold_starts::run(&options).await,
        Command::Illustrate(options) => pictures::write(&options),
        Command::Compare(compare) => binaries::compare(&compare.options).await,
        Command::Stop(name) => remote::order(&name, "stop").await,
        Command::Start(name) => remote::order(&name, "start").await,
        Command::Container(command) => container::run(command).await,
    }
}
