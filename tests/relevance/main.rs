//! Measures how good a running shop's search is, on judged queries, through its public API: `cargo run -p bothways-tests
//! --bin relevance -- evaluate FOLDER --shop URL`. It imports nothing: the shop has the judged catalogue already
//! (`cargo run -- import FOLDER/products.ndjson.gz --to URL`).

mod judged;
mod measures;
mod run;
mod statistics;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use judged::JudgedSet;
use measures::{MEASURES, Measured};
use run::Run;
use statistics::{interval, paired};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How good a shop's search is, on judged queries.
#[derive(Debug, Parser)]
#[command(name = "relevance")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints nDCG@10, P@10 and recall@100 of each judged set, with 95 % bootstrap intervals.
    Evaluate {
        /// Folders with `queries.csv` and `labels.csv`.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// Address of the shop, which has the set's catalogue.
        #[arg(long)]
        shop: String,
        /// Also asks every query with one typo, this many different ones.
        #[arg(long, default_value_t = 0)]
        typos: u32,
        /// Keeps the answers in this file, for `compare`.
        #[arg(long)]
        save: Option<PathBuf>,
    },
    /// Compares two settings query by query: the differences with intervals, and how likely they are by chance.
    Compare {
        /// A shop's address, or a file that `evaluate --save` wrote.
        before: String,
        /// Another.
        after: String,
        /// Folders with `queries.csv` and `labels.csv`.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// Fails unless two shops answer every query with the same bytes.
    Identical {
        /// A shop's address.
        first: String,
        /// Another's.
        second: String,
        /// Folders with `queries.csv` and `labels.csv`.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match work(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn work(command: Command) -> Outcome<()> {
    match command {
        Command::Evaluate {
            folders,
            shop,
            typos,
            save,
        } => {
            let mut kept = Run::default();
            for folder in folders {
                let set = JudgedSet::read(&folder)?;
                kept.ask(&shop, &set).await?;
                report(&set.name, &set, &kept)?;
                for round in 1..=typos {
                    let mistyped = set.mistyped(round.into());
                    let mut run = Run::default();
                    run.ask(&shop, &mistyped).await?;
                    report(&format!("{}, typo {round}", set.name), &mistyped, &run)?;
                }
            }
            save.map_or(Ok(()), |file| kept.save(&file))
        }
        Command::Compare {
            before,
            after,
            folders,
        } => {
            for folder in folders {
                let set = JudgedSet::read(&folder)?;
                let before = Run::of(&before, &set).await?;
                let after = Run::of(&after, &set).await?;
                compare(&set, &before, &after)?;
            }
            Ok(())
        }
        Command::Identical {
            first,
            second,
            folders,
        } => {
            let mut unequal = 0;
            for folder in folders {
                let set = JudgedSet::read(&folder)?;
                let different = run::different(&first, &second, &set).await?;
                println!(
                    "{}: {} of {} queries are answered with the same bytes",
                    set.name,
                    set.queries.len() - different.len(),
                    set.queries.len()
                );
                for query in &different {
                    println!("  not {query}");
                }
                unequal += different.len();
            }
            if unequal > 0 {
                return Err(format!("{unequal} answers differ").into());
            }
            Ok(())
        }
    }
}

fn report(title: &str, set: &JudgedSet, run: &Run) -> Outcome<()> {
    let measured = Measured::of(set, run)?;
    println!("{title}: {} queries", set.queries.len());
    for (name, values) in MEASURES.iter().zip(&measured.0) {
        let (mean, (low, high)) = interval(values);
        println!("  {name:<10} {mean:.4}  [{low:.4}, {high:.4}]");
    }
    Ok(())
}

fn compare(set: &JudgedSet, before: &Run, after: &Run) -> Outcome<()> {
    let (before, after) = (Measured::of(set, before)?, Measured::of(set, after)?);
    println!("{}: {} queries", set.name, set.queries.len());
    for (name, (before, after)) in MEASURES.iter().zip(before.0.iter().zip(&after.0)) {
        let pair = paired(before, after);
        println!(
            "  {name:<10} {:.4} → {:.4}  {:+.4}  [{:+.4}, {:+.4}]  p = {:.4}; {} better, {} worse",
            pair.before,
            pair.after,
            pair.difference,
            pair.interval.0,
            pair.interval.1,
            pair.chance,
            pair.better,
            pair.worse
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
