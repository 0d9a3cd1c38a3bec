//! Measures relevance on judged catalogues: `cargo bench -p bothways-search --bench evaluate -- FOLDER...
//! [SETTING=VALUE...] [folds=5] [? QUERY...]`.
//!
//! A folder has `products.ndjson.gz` in the contract's import form, `queries.csv` and `labels.csv`. Prints nDCG@10
//! with the judged gains, the same with one typo per query, and times; then the first hits of the queries given. With
//! `folds` it says instead how well settings hold that were chosen among many on the other folds' queries.

mod judged;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bothways_domain::{
    Money,
    paging::Paging,
    search::{SearchApi, SearchIndex, SearchRequest},
};
use bothways_search::{Publisher, Searcher, SearcherOptions, Weights};

use judged::{Judged, Outcome};

/// How many different typos are made of each query.
const TYPO_ROUNDS: u32 = 10;
/// Among how many settings cross-validation chooses.
const SETTINGS: u64 = 100;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = judged::arguments();
    let (mut folders, mut weights, mut queries) = (Vec::new(), Weights::default(), Vec::new());
    let mut folds = None;
    for argument in arguments.by_ref() {
        match argument.split_once('=') {
            _ if argument == "?" => break,
            Some(("folds", count)) => folds = Some(count.parse()?),
            Some((name, value)) => set(&mut weights, name, value)?,
            None => folders.push(argument),
        }
    }
    queries.extend(arguments);
    for folder in folders {
        let folder = Path::new(&folder);
        match folds {
            Some(folds) => cross_validate(folder, &weights, folds).await?,
            None => evaluate(folder, &weights, &queries).await?,
        }
    }
    Ok(())
}

fn set(weights: &mut Weights, name: &str, value: &str) -> Outcome<()> {
    let number = || value.parse::<f32>();
    match name {
        "fields" => {
            for (field, value) in weights.fields.iter_mut().zip(value.split(',')) {
                *field = value.parse()?;
            }
        }
        "tie" => weights.tie = number()?,
        "any" => weights.any = number()?,
        "name" => weights.name = number()?,
        "least" => weights.least = number()?,
        "synonym" => weights.synonym = number()?,
        "unwanted" => weights.unwanted = number()?,
        "accessory" => weights.accessory = number()?,
        "coverage" => weights.coverage = number()?,
        "popularity" => weights.popularity = number()?,
        _ => return Err(format!("there is no setting {name}").into()),
    }
    Ok(())
}

/// The index of a folder, kept between runs, so that settings can be compared quickly.
async fn indexed(folder: &Path) -> Outcome<(String, String)> {
    let name = folder.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let store = std::env::temp_dir().join(format!("bothways-evaluate-{name}"));
    fs::create_dir_all(&store)?;
    let url = format!("file://{}", store.display());
    if std::env::var_os("REUSE").is_none() || fs::read_dir(&store)?.next().is_none() {
        fs::remove_dir_all(&store)?;
        index(folder, &url).await?;
    }
    Ok((name, url))
}

async fn searcher(url: &str, weights: &Weights) -> Outcome<Searcher> {
    let options = SearcherOptions {
        weights: weights.clone(),
        ..SearcherOptions::default()
    };
    Ok(Searcher::open_with(url, options).await?)
}

/// Chooses the best of many settings on all queries but one fold's and measures it on that fold, for every fold.
async fn cross_validate(folder: &Path, weights: &Weights, folds: usize) -> Outcome<()> {
    let (name, url) = indexed(folder).await?;
    let judged = judged::queries(folder)?;
    let mut scores = Vec::new();
    for seed in 0..SETTINGS {
        let searcher = searcher(&url, &varied(weights, seed)).await?;
        scores.push(measure(&searcher, &judged, None).await?.0);
    }
    let best = |fold: Option<usize>| {
        let fit = |scores: &Vec<f64>| -> f64 {
            let places = (0..judged.len()).filter(|place| Some(place % folds) != fold);
            places.map(|place| scores[place]).sum()
        };
        scores.iter().max_by(|a, b| fit(a).total_cmp(&fit(b)))
    };
    let (fit, given) = (best(None).ok_or("no settings")?, &scores[0]);
    let mut held_out = Vec::new();
    for place in 0..judged.len() {
        held_out.push(best(Some(place % folds)).ok_or("no settings")?[place]);
    }
    println!(
        "{name}: nDCG@10 as given {:.4}, best of {SETTINGS} settings {:.4}, chosen on the other of {folds} folds {:.4}",
        mean(given),
        mean(fit),
        mean(&held_out)
    );
    Ok(())
}

/// Every weight times something between 1/2 and 2; those given, for seed 0.
fn varied(weights: &Weights, seed: u64) -> Weights {
    let mut random = random(seed);
    let mut vary = |weight: &mut f32| {
        if seed > 0 {
            *weight *=
                2_f32.powf(f32::from(u16::try_from(random(2_001)).unwrap_or(0)) / 1_000.0 - 1.0);
        }
    };
    let mut varied = weights.clone();
    varied.fields.iter_mut().for_each(&mut vary);
    let Weights {
        tie,
        any,
        name,
        synonym,
        unwanted,
        accessory,
        coverage,
        ..
    } = &mut varied;
    for weight in [tie, any, name, synonym, unwanted, accessory, coverage] {
        vary(weight);
    }
    varied
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len().max(1)).unwrap_or(1))
}

async fn evaluate(folder: &Path, weights: &Weights, queries: &[String]) -> Outcome<()> {
    let (name, url) = indexed(folder).await?;
    let started = Instant::now();
    let searcher = searcher(&url, weights).await?;
    println!("{name}: loaded in {:.1?}", started.elapsed());
    let judged = judged::queries(folder)?;
    let (exact, times) = measure(&searcher, &judged, None).await?;
    let exact = mean(&exact);
    let mut typos = 0.0;
    for seed in 1..=TYPO_ROUNDS {
        let mistyped = measure(&searcher, &judged, Some(seed.into())).await?.0;
        typos += mean(&mistyped) / f64::from(TYPO_ROUNDS);
    }
    let quantile = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!(
        "{name}: nDCG@10 {exact:.4}, with a typo {typos:.4}; p50 {:.2?}, p99 {:.2?} ({} queries)",
        quantile(50),
        quantile(99),
        judged.len()
    );
    for query in queries {
        show(&searcher, query).await?;
    }
    Ok(())
}

async fn index(folder: &Path, url: &str) -> Outcome<()> {
    let publisher = Publisher::open(url).await?;
    let (mut batch, mut slowest, started, mut total) =
        (Vec::new(), Duration::ZERO, Instant::now(), 0);
    let mut products = judged::products(folder)?.peekable();
    let mut last = None;
    while let Some(product) = products.next() {
        let product = product?;
        last = Some(product.clone());
        batch.push(product);
        if batch.len() == 1_000 || products.peek().is_none() {
            total += batch.len();
            let batch_started = Instant::now();
            publisher
                .apply(std::mem::take(&mut batch), Vec::new())
                .await?;
            slowest = slowest.max(batch_started.elapsed());
        }
    }
    println!(
        "indexed {total} products in {:.1?}, the slowest 1 000 in {slowest:.1?}",
        started.elapsed()
    );
    if let Some(mut last) = last {
        for (what, name) in [("price", false), ("text", true)] {
            last.product.draft.price = Money::new(1, last.product.draft.price.currency());
            if name {
                last.product.draft.name.push_str(" II");
            }
            let started = Instant::now();
            publisher.apply(vec![last.clone()], Vec::new()).await?;
            println!(
                "published a change of one {what} in {:.1?}",
                started.elapsed()
            );
        }
    }
    Ok(())
}

async fn measure(
    searcher: &Searcher,
    judged: &[Judged],
    typo: Option<u64>,
) -> Outcome<(Vec<f64>, Vec<Duration>)> {
    let (mut scores, mut times) = (Vec::new(), Vec::new());
    for (place, one) in judged.iter().enumerate() {
        let query = typo.map_or_else(
            || one.query.clone(),
            |seed| mistype(&one.query, seed * 7_919 + place as u64),
        );
        let request = SearchRequest {
            query,
            paging: Paging::parse(Some(1), Some(10))?,
            ..SearchRequest::default()
        };
        let started = Instant::now();
        let page = searcher.search(&request).await?;
        times.push(started.elapsed());
        let gains = page
            .hits
            .iter()
            .map(|hit| one.gains.get(hit.id.as_str()).copied().unwrap_or(0.0));
        let mut ideal: Vec<_> = one.gains.values().copied().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let score = discounted(gains) / discounted(ideal.into_iter());
        if std::env::var_os("VERBOSE").is_some() {
            println!(
                "{score:.3} {:>6} {} {:?}",
                page.total, request.query, page.corrected_query
            );
        }
        scores.push(score);
    }
    times.sort_unstable();
    Ok((scores, times))
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    gains
        .take(10)
        .zip(2_u32..)
        .map(|(gain, place)| gain / f64::from(place).log2())
        .sum()
}

/// Numbers below those asked for, the same for the same seed.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or(0)
    }
}

/// Leaves out, doubles, changes or swaps a letter of the longest word without digits, or of none.
fn mistype(query: &str, seed: u64) -> String {
    let mut random = random(seed);
    let mut words: Vec<String> = query.split(' ').map(str::to_owned).collect();
    let plain =
        |word: &String| word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let eligible: Vec<_> = (0..words.len())
        .filter(|place| plain(&words[*place]))
        .collect();
    let Some(chosen) = eligible.get(random(eligible.len().max(1))).copied() else {
        return query.to_owned();
    };
    let mut letters: Vec<char> = words[chosen].chars().collect();
    let at = 1 + random(letters.len() - 2);
    match random(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = char::from(b'a' + u8::try_from(random(26)).unwrap_or(0)),
        _ => letters.swap(at, at + 1),
    }
    words[chosen] = letters.into_iter().collect();
    words.join(" ")
}

async fn show(searcher: &Searcher, query: &str) -> Outcome<()> {
    let request = SearchRequest {
        query: query.to_owned(),
        ..SearchRequest::default()
    };
    let page = searcher.search(&request).await?;
    println!(
        "\n{query} → {:?}, {} found; suggestions {:?}",
        page.corrected_query,
        page.total,
        searcher.suggest(query).await?
    );
    for hit in page.hits.iter().take(8) {
        println!(
            "  {} | {} | {}",
            hit.brand.as_deref().unwrap_or("-"),
            hit.category,
            hit.name
        );
    }
    Ok(())
}
