//! `load run` offers load to shops, `load ceiling` measures how much this machine can offer.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode, time::Duration};

use bothways_load::{
    Plan, Progress,
    arrivals::{Shape, Spacing, duration},
    ceiling,
    journey::{Journey, Mix, Think},
    report, run,
};
use clap::{Args, Parser, Subcommand};
use indicatif::ProgressBar;
use serde_json::Value;

/// Load for anything that speaks the shop's contract: an open model, with every answer checked.
#[derive(Parser)]
#[command(version, name = "load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends shoppers to a shop, and says how it served them. Exit code 1: something was not answered right.
    Run(Run),
    /// Measures the generator itself, against a server in this process.
    Ceiling(Ceiling),
}

#[derive(Args)]
struct Run {
    /// The shop, as URL or NAME=URL. Of several, one is loaded after the other.
    #[arg(long = "to", value_name = "[NAME=]URL", required = true)]
    targets: Vec<Target>,
    /// Journeys a second: 50, ramp:10..100, spike:10..200@20s+5s or day:5..80.
    #[arg(long, default_value = "10")]
    rate: Shape,
    /// How long they come.
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = duration)]
    length: Duration,
    /// How many come at most.
    #[arg(long, default_value_t = 10_000_000)]
    at_most: u64,
    /// How long they think: 2s, 1s..3s or, before one step only, check-out=5s..20s. The last that fits counts.
    #[arg(long = "think", default_value = "500ms..1500ms")]
    thinks: Vec<Think>,
    #[command(flatten)]
    offer: Offer,
    /// Writes the raw figures of all targets to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Args)]
struct Ceiling {
    /// What p99 has to stay under.
    #[arg(long, default_value = "20ms", value_parser = duration)]
    p99_under: Duration,
    /// How long each rate is tried.
    #[arg(long = "for", value_name = "TIME", default_value = "3s", value_parser = duration)]
    length: Duration,
    /// The highest rate that is tried, in journeys a second.
    #[arg(long, default_value_t = 20_000.0)]
    highest: f64,
    #[command(flatten)]
    offer: Offer,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Offer {
    /// A way through the shop, NAME:WEIGHT=STEP,STEP… of browse, search, view, add, check-out, order. Given once or more,
    /// these replace the usual: window:40=browse,view,browse,view look:35=search,view,search,view
    /// fill:15=search,view,add,view,add buy:10=search,view,add,check-out,order
    #[arg(long = "journey", value_name = "JOURNEY")]
    journeys: Vec<Journey>,
    /// Whether they come at even distances or at random.
    #[arg(long, value_enum, default_value_t = Spacing::Even)]
    spacing: Spacing,
    /// How they pay.
    #[arg(long, default_value = "pm_card_visa")]
    payment: String,
    /// How long they wait for an answer.
    #[arg(long, default_value = "30s", value_parser = duration)]
    patience: Duration,
    /// How many may be under way at once.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    places: u32,
    /// How long to wait for those still under way when no more come.
    #[arg(long, default_value = "30s", value_parser = duration)]
    grace: Duration,
    /// Same seed, same arrivals and journeys.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone)]
struct Target {
    name: String,
    url: String,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A URL may hold an = as well, but not before its scheme.
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let (name, url) = named.unwrap_or(("shop", text));
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(format!("{url} is no http:// or https:// URL"));
        }
        Ok(Self {
            name: name.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
        })
    }
}

impl Offer {
    fn plan(
        self,
        shape: Shape,
        length: Duration,
        at_most: u64,
        thinks: Vec<Think>,
    ) -> Result<Plan, String> {
        let mix = if self.journeys.is_empty() {
            Mix::usual()
        } else {
            Mix::new(self.journeys)?
        };
        let (spacing, payment, patience) = (self.spacing, self.payment, self.patience);
        let (places, grace, seed) = (self.places, self.grace, self.seed);
        Ok(Plan {
            shape,
            length,
            at_most,
            spacing,
            mix,
            thinks,
            payment,
            patience,
            places,
            grace,
            seed,
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(run) => offer(run).await,
        Command::Ceiling(options) => measure(options).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(2)
        }
    }
}

/// Loads every target; whether everything was answered right.
async fn offer(options: Run) -> Result<bool, String> {
    let plan = options.offer.plan(
        options.rate,
        options.length,
        options.at_most,
        options.thinks,
    )?;
    let (mut raw, mut right): (Vec<Value>, bool) = (Vec::new(), true);
    for Target { name, url } in &options.targets {
        let screen = Screen::new(name);
        let mut before = None;
        let interrupt = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        let figures = run(&plan, url, interrupt, |now| screen.show(now, &mut before)).await?;
        screen.0.finish_and_clear();
        println!("{}", report::table(name, url, &plan, &figures));
        right &= figures.all.failed() == 0 && figures.started == figures.offered;
        raw.push(report::json(name, url, &plan, &figures));
        if figures.interrupted {
            break;
        }
    }
    if let Some(file) = options.json {
        let text = serde_json::to_string(&raw).map_err(|error| error.to_string())?;
        tokio::fs::write(&file, text)
            .await
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(right)
}

/// Live progress: a line that is painted over in a terminal, one every five seconds elsewhere.
struct Screen(ProgressBar, String);

impl Screen {
    fn new(name: &str) -> Self {
        let style = indicatif::ProgressStyle::with_template("{wide_msg}").ok();
        let bar = ProgressBar::new_spinner();
        Self(
            style.map_or_else(|| bar.clone(), |style| bar.clone().with_style(style)),
            name.to_owned(),
        )
    }

    fn show(&self, now: &Progress, before: &mut Option<Progress>) {
        let line = || format!("{} {}", self.1, report::line(now, before.as_ref()));
        if std::io::stderr().is_terminal() {
            self.0.set_message(line());
            self.0.tick();
        } else if before
            .as_ref()
            .is_some_and(|before| now.elapsed.as_secs() < before.elapsed.as_secs() + 5)
        {
            return;
        } else {
            eprintln!("{}", line());
        }
        *before = Some(now.clone());
    }
}

async fn measure(options: Ceiling) -> Result<bool, String> {
    let plan = options
        .offer
        .plan(Shape::Constant(0.0), options.length, u64::MAX, Vec::new())?;
    let found = ceiling::measure(
        &plan,
        options.p99_under,
        options.highest,
        |rate, figures, held| {
            let p99 = figures.all.micros.quantile(0.99).as_secs_f64() * 1000.0;
            eprintln!(
                "{rate:>9.0} journeys/s: {} answers, p99 {p99:.2} ms{}",
                figures.all.right,
                if held { "" } else { ", too much" }
            );
        },
    );
    let found = found.await?;
    if options.json {
        println!(
            "{}",
            serde_json::to_string(&found).map_err(|error| error.to_string())?
        );
    } else {
        println!("{found}");
    }
    Ok(found.journeys_per_second > 0.0)
}
