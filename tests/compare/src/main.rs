//! `compare`: loads both architectures, says what differs and what it costs, and writes a report.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use bothways_compare::{
    cost::{Measured, Prices, curves, what_ifs},
    experiments::{Bench, Settings, compared, measured, scaled},
    report,
    results::{Asked, Cost, Machine, Results, Side, count},
    shop::{Launcher, Sample, Shop, Target, Where},
    simulation, stand,
    statistics::LEAST_ROUNDS,
};
use bothways_load::arrivals::duration;
use clap::{Args, Parser, Subcommand};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Both architectures side by side, under the same load, and a report.
#[derive(Parser)]
#[command(name = "compare", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Compares servers whose speed is known: the same twice, and one that is a fifth slower. Exit code 1: wrong.
    Prove,
    /// Says what both would cost, from the JSON of a run and a file of prices.
    Cost {
        /// JSON that a run wrote.
        run: PathBuf,
        /// Prices, like tests/compare/prices.yaml.
        #[arg(long, value_name = "FILE")]
        prices: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Run {
    /// One side, as [NAME=]microservices, [NAME=]serverless (both started here) or [NAME=]URL.
    #[arg(long, value_name = "SIDE", default_value = "microservices")]
    left: Target,
    /// The other.
    #[arg(long, value_name = "SIDE", default_value = "serverless")]
    right: Target,
    /// Less of everything: under five minutes on two cores, instead of under thirty.
    #[arg(long)]
    quick: bool,
    /// Journeys a second of the fixed rate.
    #[arg(long, default_value_t = 8.0, value_parser = positive)]
    rate: f64,
    /// What p99 has to stay under in the search for the highest rate.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    objective: Duration,
    /// The report; its JSON goes beside it.
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    report: PathBuf,
    /// Prices, like tests/compare/prices.yaml.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// PostgreSQL server for both, such as <postgres://user@127.0.0.1:5432>, instead of SQLite.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// The launcher; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    launcher: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate| (0.1..=10_000.0).contains(rate));
    rate.ok_or_else(|| format!("{text}: a rate from 0.1 to 10000 was expected"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Only fails if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match cli.command {
        None => run(cli.run).await.map(|()| true),
        Some(Command::Prove) => prove().await,
        Some(Command::Cost { run, prices }) => cost(&run, prices.as_deref()).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::from(2)
        }
    }
}

impl Run {
    fn settings(&self) -> Settings {
        let seconds = Duration::from_secs;
        let quick = Settings {
            rate: self.rate,
            rounds: 8,
            round: seconds(3),
            warm_up: seconds(3),
            objective: self.objective,
            try_for: seconds(3),
            search_for: seconds(80),
            highest: 5_000.0,
            spike: self.rate * 5.0,
            spike_for: seconds(6),
            spikes: 1,
            starts: 8,
            idle: seconds(5),
            failing: "search",
            copies: &[1, 2],
            scale_rounds: LEAST_ROUNDS,
            steady_for: Duration::from_millis(500),
            above_for: Duration::from_millis(400),
        };
        if self.quick {
            return quick;
        }
        Settings {
            rounds: 16,
            round: seconds(12),
            warm_up: seconds(15),
            try_for: seconds(8),
            search_for: seconds(480),
            spike_for: seconds(10),
            spikes: 4,
            starts: 12,
            idle: seconds(30),
            copies: &[1, 2, 4],
            steady_for: seconds(2),
            above_for: Duration::from_millis(1200),
            ..quick
        }
    }
}

async fn run(options: Run) -> Result<(), String> {
    let began = Instant::now();
    let mut asked = asked(&options)?;
    let machine = machine();
    let prices = prices(options.prices.as_deref())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let launcher = Launcher {
        program: options.launcher.clone(),
        folder: folder.path().to_owned(),
        database_url: options.database_url.clone(),
    };
    let bench = Bench {
        settings: options.settings(),
        say: |line| eprintln!("{line}"),
    };
    let mut sides = [options.left.clone(), options.right.clone()].map(Side::new);
    let figures = tokio::select! {
        figures = experiments(&bench, &mut sides, &launcher) => figures?,
        _ = tokio::signal::ctrl_c() => return Err("interrupted; there is no report".to_owned()),
    };
    let cost = figures.map(|(measured, checked)| Cost {
        curves: curves(&measured, &prices),
        what_ifs: what_ifs(&measured, &prices),
        simulated: simulation::spike(&measured, &prices),
        checked,
        measured,
        prices,
    });
    asked.took_seconds = began.elapsed().as_secs_f64();
    let limits = report::limits(&sides);
    let (compared, scaled, meaning) = (compared(&sides), scaled(&sides), Vec::new());
    let mut results = Results {
        asked,
        machine,
        compared,
        scaled,
        sides,
        cost,
        meaning,
        limits,
    };
    results.meaning = report::meaning(&results);
    write(&options.report, &results)
}

/// All experiments; what the cost model takes, and the simulation's check, if there are services on one side and functions
/// on the other.
async fn experiments(
    bench: &Bench,
    sides: &mut [Side; 2],
    launcher: &Launcher,
) -> Result<Option<(Measured, simulation::Check)>, String> {
    let shops = bench.open(sides, launcher).await?;
    let shops = bench.starts(shops, sides, launcher).await?;
    bench.idle(&shops, sides).await?;
    let before = samples(&shops).await?;
    bench.rounds(&shops, sides).await?;
    let after = samples(&shops).await?;
    bench.spikes(&shops, sides).await?;
    bench.failure(&shops, sides).await?;
    bench.capacity(&shops, sides).await?;
    for shop in shops {
        shop.close().await;
    }
    bench.scale_out(sides, launcher).await?;
    let at = |place: &Where| sides.iter().position(|side| side.target.place == *place);
    let (Some(services), Some(functions)) = (at(&Where::Microservices), at(&Where::Serverless))
    else {
        return Ok(None);
    };
    let measured = measured(
        &sides[services],
        &sides[functions],
        &before[functions],
        &after[functions],
    );
    let Settings {
        rounds,
        round,
        warm_up,
        ..
    } = bench.settings;
    let rounds = round * u32::try_from(rounds).map_err(|error| error.to_string())?;
    let requests: u64 = sides[functions].rounds.iter().map(|one| one.requests).sum();
    let had = after[functions].instances();
    let rate = count(requests) / rounds.as_secs_f64();
    let checked = simulation::check(&measured, &had, rate, warm_up + rounds);
    Ok(Some((measured, checked)))
}

async fn samples(shops: &[Shop; 2]) -> Result<[Sample; 2], String> {
    Ok([shops[0].sample().await?, shops[1].sample().await?])
}

fn write(page: &Path, results: &Results) -> Result<(), String> {
    let json = page.with_extension("json");
    let raw = serde_json::to_string(results).map_err(|error| error.to_string())?;
    for (file, text) in [(page, report::html(results)), (&json, raw)] {
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    for sentence in &results.meaning {
        println!("- {sentence}");
    }
    println!(
        "\n{} and {}, after {:.0} s",
        page.display(),
        json.display(),
        results.asked.took_seconds
    );
    Ok(())
}

fn prices(file: Option<&Path>) -> Result<Prices, String> {
    let Some(file) = file else {
        return Prices::ours();
    };
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Prices::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn asked(options: &Run) -> Result<Asked, String> {
    let settings = options.settings();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let commit = std::process::Command::new("git")
        .args([
            "-C",
            env!("CARGO_MANIFEST_DIR"),
            "rev-parse",
            "--short=12",
            "HEAD",
        ])
        .output();
    let commit = commit.ok().filter(|output| output.status.success());
    Ok(Asked {
        command: format!("compare {}", arguments.join(" ")),
        began: OffsetDateTime::now_utc()
            .replace_millisecond(0)
            .map_err(|error| error.to_string())?
            .format(&Rfc3339)
            .map_err(|error| error.to_string())?,
        took_seconds: 0.0,
        version: env!("CARGO_PKG_VERSION"),
        build: if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        commit: commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        database: if options.database_url.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        },
        rate: settings.rate,
        objective_ms: settings.objective.as_secs_f64() * 1000.0,
        spike: settings.spike,
        failing: settings.failing,
    })
}

fn machine() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kilobytes: f64 = memory
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_default();
    Machine {
        processor: field(&read("/proc/cpuinfo"), "model name"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_gb: (kilobytes / 1024.0 / 1024.0).round(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load: read("/proc/loadavg")
            .split(' ')
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Compares what is known: whether it found no difference where there is none, and the one there is.
async fn prove() -> Result<bool, String> {
    let cases = [
        ("the same twice", 20, 20, false),
        ("right a fifth slower", 20, 24, true),
    ];
    let mut right = true;
    for (what, left_ms, right_ms, differs) in cases {
        let ways = [left_ms, right_ms].map(|ms| stand::slow(Duration::from_millis(ms)));
        let [left, other] = ways;
        let (left, other) = (left?, other?);
        let target = |name: &str, url: &str| format!("{name}={url}").parse::<Target>();
        let mut sides = [target("left", left.url())?, target("right", other.url())?].map(Side::new);
        let options = Run::parse_defaults()?;
        let settings = Settings {
            round: Duration::from_secs(2),
            warm_up: Duration::from_secs(1),
            ..options.settings()
        };
        let bench = Bench {
            settings,
            say: |_| {},
        };
        let folder = Launcher {
            program: None,
            folder: PathBuf::new(),
            database_url: None,
        };
        let shops = bench.open(&sides, &folder).await?;
        bench.rounds(&shops, &mut sides).await?;
        println!("{what}:");
        let mut found = 0;
        for one in compared(&sides)
            .iter()
            .filter(|one| one.what.ends_with("p50"))
        {
            let comparison = &one.comparison;
            let (low, high) = comparison.interval.unwrap_or_default();
            let (ratio, verdict) = (comparison.ratio, comparison.verdict);
            println!(
                "  {:<20} {ratio:.3} ({low:.3} to {high:.3})  {verdict:?}",
                one.what
            );
            found += usize::from(verdict.differs());
            right &= !one.what.starts_with("all") || verdict.differs() == differs;
        }
        right &= differs || found == 0;
    }
    println!(
        "{}",
        if right {
            "as it should be"
        } else {
            "WRONG: see above"
        }
    );
    Ok(right)
}

impl Run {
    /// What is done when nothing else is said, quickly.
    fn parse_defaults() -> Result<Self, String> {
        let cli = Cli::try_parse_from(["compare", "--quick"]).map_err(|error| error.to_string())?;
        Ok(cli.run)
    }
}

/// Costs again, from the figures of a run.
fn cost(run: &Path, file: Option<&Path>) -> Result<(), String> {
    let text =
        std::fs::read_to_string(run).map_err(|error| format!("{}: {error}", run.display()))?;
    let raw: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let measured: Measured =
        serde_json::from_value(raw["cost"]["measured"].clone()).map_err(|error| {
            format!(
                "{} has no services and functions measured: {error}",
                run.display()
            )
        })?;
    let prices = prices(file)?;
    println!(
        "prices of {} in {}; dollars a month: services, functions\n",
        prices.dated, prices.region
    );
    for curve in curves(&measured, &prices) {
        for point in curve.points.iter().step_by(8) {
            let (services, functions) = (point.services.total(), point.functions.total());
            println!(
                "{:<6} {:>14.0} requests {services:>12.2} {functions:>12.2}",
                curve.shape.to_string(),
                point.requests
            );
        }
        let even: Vec<String> = curve
            .break_even
            .iter()
            .map(|requests| format!("{requests:.0}"))
            .collect();
        println!(
            "{:<6} the same at {}\n",
            curve.shape.to_string(),
            even.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["compare", "--rate", "0"]).is_err());
        assert!(Cli::try_parse_from(["compare", "--left", "nothing"]).is_err());
    }

    #[test]
    fn a_run_has_rounds_enough_to_be_sure() {
        for arguments in [&["compare", "--quick"][..], &["compare"]] {
            let settings = Cli::parse_from(arguments).run.settings();
            let all = [settings.rounds, settings.starts, settings.scale_rounds];
            assert!(all.iter().all(|rounds| *rounds >= LEAST_ROUNDS));
            assert_eq!(
                settings.copies[..2],
                [1, 2],
                "one copy is what others are compared with"
            );
        }
    }
}
