//! Measures how near the shop comes to the best there is for the same work, as ratios with their limits.

mod ask;
mod function;
mod gateway;
mod instructions;
mod journey;
mod nginx;
mod postgres;
mod product;
mod recorder;
mod rounds;
mod running;
mod services;
mod table;
mod wrk;

use std::{
    env, fs,
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
    /// Document whose tables are brought up to date
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// What to measure; all of it, if nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The gateway beside nginx
    Gateway,
    /// A product by id beside pgbench
    Product,
    /// A warm invocation beside a hello-world function
    Function,
    /// The round trips of a checkout
    Journey,
    /// Instructions for each request, only when named: `--write` then names their file
    Instructions,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [command, url, statements] if command == function::DATABASE => {
            function::work(url, statements)
        }
        _ => run(&Options::parse()),
    };
    match outcome {
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
    let (bins, rounds) = (built()?, options.rounds.into());
    let length = Duration::from_secs(options.length.into());
    if options.parts == [Part::Instructions] {
        let counts = instructions::measure(&bins, &gateway_as_shipped(&bins)?)?;
        print!("{counts}");
        return match &options.write {
            Some(file) => fs::write(file, counts).map_err(|error| error.to_string()),
            None => Ok(()),
        };
    }
    let is_asked = |part| options.parts.is_empty() || options.parts.contains(&part);
    let mut rows = Vec::new();
    if is_asked(Part::Gateway) {
        let gateway = gateway_as_shipped(&bins)?;
        rows.extend(gateway::measure(&gateway, rounds, length)?);
    }
    if is_asked(Part::Product) {
        rows.extend(product::measure(&bins, rounds, length)?);
    }
    if is_asked(Part::Function) {
        rows.extend(function::measure(&bins, rounds)?);
    }
    if !rows.is_empty() {
        print!("{}", table::of(&rows));
        if let Some(file) = &options.write {
            table::write(file, &rows)?;
        }
    }
    if is_asked(Part::Journey) {
        let steps = journey::measure(&bins)?;
        print!("\n{steps}");
        if let Some(file) = &options.write {
            journey::write(file, &steps)?;
        }
    }
    Ok(())
}

/// The binaries that are measured, beside the gateway.
const MEASURED: [&str; 7] = [
    "product-service",
    "inventory-service",
    "cart-service",
    "checkout-service",
    "payment-sandbox-service",
    "product",
    "hello_axum",
];

/// Builds what is measured with this program's own profile, and says where it is.
fn built() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.parent().map(Path::to_path_buf).unwrap_or_default();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let bins = MEASURED.iter().flat_map(|name| ["--bin", name]);
    build(
        ["--workspace", "--profile", profile]
            .into_iter()
            .chain(bins),
    )?;
    Ok(folder)
}

/// Builds the gateway with the profile and the features that it has in its image, and says where it is.
fn gateway_as_shipped(bins: &Path) -> Result<PathBuf, String> {
    let profile = ["--profile", "gateway", "--package", "gateway-service"];
    let features = ["--no-default-features", "--features", "postgres"];
    build(profile.into_iter().chain(features))?;
    Ok(bins.with_file_name("gateway"))
}

fn build<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    cargo.args(["build", "--locked"]).args(arguments);
    forget_package(&mut cargo);
    let built = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if built.success() {
        Ok(())
    } else {
        Err("what is measured can't be built".to_owned())
    }
}

/// Takes from `cargo` what another cargo told this program of its package: a build script that looks at it (ring's) would
/// take it for a change, and half of everything would be compiled again, each time.
fn forget_package(cargo: &mut Command) {
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        let text = name.to_string_lossy();
        if of_package.iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&name);
        }
    }
}
