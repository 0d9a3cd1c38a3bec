//! The shop's own engine: one process indexes, another searches, so that each one's memory is its own.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bothways_domain::{
    Money,
    paging::Paging,
    search::{IndexedProduct, SearchApi, SearchIndex, SearchRequest},
};
use bothways_search::{Publisher, Searcher};

use crate::{
    catalogue::{Catalogue, ROUNDS},
    judged::Outcome,
    report::{Figures, Times},
};

/// Products a batch, as an import brings them.
const BATCH: usize = 1_000;
/// Batches of changed products that are published one after the other.
const BATCHES: usize = 10;
/// Single changes of each kind: so many that small segments are merged some times.
const CHANGES: usize = 20;

/// Builds and publishes an index of `count` products in `folder`, then changes it.
pub(crate) async fn index(catalogue: &Catalogue, folder: &Path, count: usize) -> Outcome<Figures> {
    let mut figures = Figures::default();
    let url = format!("file://{}", folder.display());
    let publisher = Publisher::open(&url).await?;
    let started = Instant::now();
    for start in (0..count).step_by(BATCH) {
        let end = (start + BATCH).min(count);
        let batch = (start..end).map(|place| catalogue.product(place));
        publisher.stage(batch.collect::<Outcome<_>>()?).await?;
    }
    publisher.apply(Vec::new(), Vec::new()).await?;
    let took = started.elapsed().as_secs_f64();
    figures.note("build_s", took);
    figures.note("build_rate", as_float(count) / took);
    let size = stored(folder)?;
    figures.note("size_mb", size / 1e6);

    let searcher = Searcher::open(&url).await?;
    let following = tokio::spawn(searcher.clone().follow());
    for (kind, change) in [
        ("price", reprice as fn(&mut IndexedProduct, usize)),
        ("name", rename),
    ] {
        let (mut bytes, mut seen) = (0.0_f64, Times::default());
        for round in 0..CHANGES {
            let mut changed = catalogue.product(round * 7_919 % count)?;
            change(&mut changed, round);
            let before = names(folder)?;
            let started = Instant::now();
            publisher.apply(vec![changed.clone()], Vec::new()).await?;
            let new = names(folder)?;
            until_found(&searcher, &changed).await?;
            seen.add(started.elapsed());
            let new = new
                .into_iter()
                .filter(|(name, _)| !before.iter().any(|(known, _)| known == name));
            bytes = bytes.max(new.map(|(_, size)| size).sum());
        }
        figures.note(&format!("{kind}_bytes_share"), bytes / size);
        figures.note(&format!("{kind}_kb"), bytes / 1e3);
        figures.note(&format!("{kind}_seen_ms"), seen.quantile(1.0));
    }
    let (mut batches, started) = (Times::default(), Instant::now());
    for batch in 0..BATCHES {
        let places = (0..BATCH).map(|place| (batch * BATCH + place) % count);
        let changed = places.map(|place| {
            let mut changed = catalogue.product(place)?;
            rename(&mut changed, CHANGES + batch);
            Ok(changed)
        });
        let changed: Vec<_> = changed.collect::<Outcome<_>>()?;
        let started = Instant::now();
        publisher.apply(changed, Vec::new()).await?;
        batches.add(started.elapsed());
    }
    figures.note(
        "import_rate",
        as_float(BATCHES * BATCH) / started.elapsed().as_secs_f64(),
    );
    figures.note("slowest_batch_ms", batches.quantile(1.0));
    following.abort();
    figures.note("index_peak_mb", memory("VmHWM:")?);
    Ok(figures)
}

fn reprice(indexed: &mut IndexedProduct, round: usize) {
    let draft = &mut indexed.product.draft;
    let more = i64::try_from(round).unwrap_or(0) + 1;
    draft.price = Money::new(draft.price.amount() + more, draft.price.currency());
}

fn rename(indexed: &mut IndexedProduct, round: usize) {
    reprice(indexed, round);
    let name = &mut indexed.product.draft.name;
    *name = format!("{name} mark {round}");
}

/// Waits until the product is found as it is now.
async fn until_found(searcher: &Searcher, indexed: &IndexedProduct) -> Outcome<()> {
    let draft = &indexed.product.draft;
    let request = SearchRequest {
        query: draft.name.chars().take(200).collect(),
        min_price: Some(draft.price.amount()),
        max_price: Some(draft.price.amount()),
        paging: Paging::parse(Some(1), Some(100))?,
        ..SearchRequest::default()
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline {
        let page = searcher.search(&request).await?;
        let found = page
            .hits
            .iter()
            .any(|hit| hit.id == indexed.product.id && hit.name == draft.name);
        if found {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("the change of {} was never found", indexed.product.id).into())
}

/// Starts cold with what is published in `folder`, then asks the queries and what is typed on the way to them.
pub(crate) async fn search(queries: &[String], folder: &Path) -> Outcome<Figures> {
    let mut figures = Figures::default();
    let url = format!("file://{}", folder.display());
    let cold = Instant::now();
    let searcher = Searcher::open(&url).await?;
    figures.note("open_ms", cold.elapsed().as_secs_f64() * 1e3);
    let mut first = true;
    let mut times = Times::default();
    for _ in 0..=ROUNDS {
        for query in queries {
            let request = SearchRequest {
                query: query.clone(),
                paging: Paging::parse(Some(1), Some(10))?,
                ..SearchRequest::default()
            };
            let started = Instant::now();
            let page = searcher.search(&request).await?;
            times.add(started.elapsed());
            if page.facets.price.is_empty() != (page.total == 0) {
                return Err(format!("{query}: {} found, but no facet says so", page.total).into());
            }
            if first {
                figures.note("cold_ms", cold.elapsed().as_secs_f64() * 1e3);
                figures.note("memory_cold_mb", memory("VmRSS:")?);
            }
            first = false;
        }
        // The first round reads what later ones find read, the vocabulary for instance.
        if figures.lacks("warmup_max_ms") {
            figures.note("warmup_max_ms", times.quantile(1.0));
            times = Times::default();
        }
    }
    times.note(&mut figures);
    let mut times = Times::default();
    for query in queries {
        for (end, letter) in query.char_indices() {
            let typed = &query[..end + letter.len_utf8()];
            let started = Instant::now();
            searcher.suggest(typed).await?;
            times.add(started.elapsed());
        }
    }
    figures.note("suggest_p50_ms", times.quantile(0.5));
    figures.note("suggest_p99_ms", times.quantile(0.99));
    figures.note("memory_mb", memory("VmRSS:")?);
    figures.note("memory_private_mb", memory("RssAnon:")?);
    Ok(figures)
}

/// The files below a folder with their sizes.
fn names(folder: &Path) -> Outcome<Vec<(String, f64)>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                // A file that goes between listing and asking has no size.
                let size = entry.metadata().map_or(0, |known| known.len());
                found.push((
                    entry.path().display().to_string(),
                    as_float(usize::try_from(size)?),
                ));
            }
        }
    }
    Ok(found)
}

fn stored(folder: &Path) -> Outcome<f64> {
    Ok(names(folder)?.into_iter().map(|(_, size)| size).sum())
}

/// What this process takes of the machine's memory, in megabytes.
fn memory(kind: &str) -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(kind));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next());
    Ok(kilobytes.ok_or("the memory isn't known")?.parse::<f64>()? / 1e3)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of products and bytes are far below 2^52"
)]
fn as_float(count: usize) -> f64 {
    count as f64
}
