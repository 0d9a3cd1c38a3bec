//! Measures how near the shop comes to the best there is for the same work, as ratios with their limits.

mod gateway;
mod nginx;
mod rounds;
mod running;
mod table;
mod wrk;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use clap::Parser;

/// Measures the shop beside the best there is for the same work
#[derive(Debug, Parser)]
#[command(name = "performance")]
struct Options {
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Seconds that each measurement takes
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    length: u16,
    /// Document whose table is brought up to date
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    for (tool, package) in [("nginx", "nginx-light"), ("wrk", "wrk")] {
        if Command::new(tool).arg("-v").output().is_err() {
            return Err(format!("no {tool}; Debian's package is {package}"));
        }
    }
    let length = Duration::from_secs(options.length.into());
    let rows = gateway::measure(&built()?, options.rounds.into(), length)?;
    print!("{}", table::of(&rows));
    match &options.write {
        Some(file) => table::write(file, &rows),
        None => Ok(()),
    }
}

/// Builds what is measured, and says where it is.
fn built() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.parent().map(Path::to_path_buf).unwrap_or_default();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    cargo.args([
        "build",
        "--locked",
        "--workspace",
        "--bin",
        "gateway-service",
        "--profile",
        profile,
    ]);
    let built = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if built.success() {
        Ok(folder)
    } else {
        Err("the gateway can't be built".to_owned())
    }
}
