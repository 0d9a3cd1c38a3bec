//! Measures the search engine as the catalogue grows: `cargo bench -p bothways-search --bench scale -- FOLDER...
//! [sizes=26170,430000,1000000] [others=430000] [postgres=URL]`.
//!
//! The folders are judged catalogues (see `evaluate`); the catalogue measured is made of theirs. Prints a table in Markdown.
//! The same products and queries are given to SQLite's full-text search and, where a server is named, to PostgreSQL's, up to
//! the size `others`. Every part works in a process of its own.

mod catalogue;
mod engine;
#[expect(dead_code, reason = "what the judgements are is for `evaluate`")]
#[path = "../judged/mod.rs"]
mod judged;
mod postgres;
mod report;
mod sqlite;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use catalogue::Catalogue;
use judged::Outcome;
use report::{Figures, table};

/// What this program says to itself to do one part.
const PART: &str = "--part";

fn main() -> Outcome<()> {
    let arguments: Vec<_> = judged::arguments().collect();
    match arguments.split_first() {
        Some((first, part)) if first == PART => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let figures = runtime.block_on(measure(part))?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
        _ => all(arguments),
    }
}

fn all(arguments: Vec<String>) -> Outcome<()> {
    let (mut folders, mut sizes, mut others) =
        (Vec::new(), vec![26_170, 430_000, 1_000_000], 430_000);
    let mut postgres = None;
    for argument in arguments {
        match argument.split_once('=') {
            Some(("sizes", given)) => {
                sizes = given.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            Some(("others", given)) => others = given.parse()?,
            Some(("postgres", given)) => postgres = Some(given.to_owned()),
            Some((name, _)) => return Err(format!("there is no setting {name}").into()),
            None => folders.push(argument),
        }
    }
    let postgres = postgres.as_deref();
    if postgres.is_none() {
        eprintln!("PostgreSQL is left out: no postgres=URL was given");
    }
    let mut columns: Vec<(usize, Figures)> = Vec::new();
    for size in sizes {
        let place = tempfile::tempdir()?;
        let mut figures = part("index", place.path(), size, &folders)?;
        figures.add("", part("search", place.path(), size, &folders)?);
        drop(place);
        if size <= others {
            let place = tempfile::tempdir()?;
            figures.add("sqlite_", part("sqlite", place.path(), size, &folders)?);
        }
        if let Some(url) = postgres.filter(|_| size <= others) {
            figures.add(
                "postgres_",
                part("postgres", Path::new(url), size, &folders)?,
            );
        }
        columns.push((size, figures));
    }
    print!("{}", table(&columns));
    Ok(())
}

/// Does a part in a process of its own.
fn part(what: &str, place: &Path, size: usize, folders: &[String]) -> Outcome<Figures> {
    eprintln!("{size} products: {what}");
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(PART)
        .arg(what)
        .arg(place)
        .arg(size.to_string())
        .args(folders);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{what}: {}", output.status).into());
    }
    let figures: Figures = serde_json::from_slice(&output.stdout)?;
    eprintln!("  {}", serde_json::to_string(&figures)?);
    Ok(figures)
}

async fn measure(part: &[String]) -> Outcome<Figures> {
    let [what, place, size, folders @ ..] = part else {
        return Err("a part needs a name, a place and a size".into());
    };
    let folder = Path::new(place);
    if what == "search" {
        // Without the catalogue, which would count as memory of the engine's.
        return engine::search(&catalogue::queries(folders)?, folder).await;
    }
    let (catalogue, count) = (Catalogue::read(folders)?, size.parse()?);
    match what.as_str() {
        "index" => engine::index(&catalogue, folder, count).await,
        "sqlite" => sqlite::measure(&catalogue, folder, count).await,
        "postgres" => postgres::measure(&catalogue, place, count).await,
        _ => Err(format!("there is no part {what}").into()),
    }
}
