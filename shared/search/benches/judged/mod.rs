//! Judged catalogues: a folder with `products.ndjson.gz` in the contract's import form, `queries.csv` and `labels.csv`.

use std::{
    collections::HashMap,
    error::Error,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use bothways_domain::{
    id::ProductId,
    inventory::{Availability, Popularity},
    product::{Product, ProductDraft},
    search::IndexedProduct,
    time::Timestamp,
};
use flate2::read::GzDecoder;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(serde::Deserialize)]
struct Line {
    id: ProductId,
    #[serde(flatten)]
    draft: serde_json::Map<String, serde_json::Value>,
}

/// What the program was asked for. Cargo adds that it is a bench.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
}

/// A query, and what each judged product is worth as an answer to it.
pub(crate) struct Judged {
    pub(crate) query: String,
    pub(crate) gains: HashMap<String, f64>,
}

/// The folder's products, all in stock.
pub(crate) fn products(folder: &Path) -> Outcome<impl Iterator<Item = Outcome<IndexedProduct>>> {
    let file = File::open(folder.join("products.ndjson.gz"))?;
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    Ok(lines.map(|line| product(&line?)))
}

fn product(line: &str) -> Outcome<IndexedProduct> {
    let line: Line = serde_json::from_str(line)?;
    let draft: ProductDraft = serde_json::from_value(serde_json::Value::Object(line.draft))?;
    let at = Timestamp::from_millis(0);
    let product = Product {
        id: line.id,
        draft,
        images: None,
        created_at: at,
        updated_at: at,
    };
    Ok(IndexedProduct {
        product,
        availability: Availability::InStock,
        popularity: Popularity::default(),
    })
}

/// The folder's queries that have a right answer.
pub(crate) fn queries(folder: &Path) -> Outcome<Vec<Judged>> {
    let rows = |name: &str| -> Outcome<Vec<String>> {
        Ok(fs::read_to_string(folder.join(name))?
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect())
    };
    let mut gains: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for row in rows("labels.csv")? {
        let columns: Vec<_> = row.split(',').collect();
        let [query, product, _, gain] = columns[..] else {
            return Err(format!("not a label: {row}").into());
        };
        gains
            .entry(query.to_owned())
            .or_default()
            .insert(product.to_owned(), gain.parse()?);
    }
    let queries = rows("queries.csv")?.into_iter().filter_map(|row| {
        let (id, query) = row.split_once(',')?;
        let gains = gains
            .remove(id)
            .filter(|gains| gains.values().any(|gain| *gain > 0.0))?;
        Some(Judged {
            query: query.trim_matches('"').replace("\"\"", "\""),
            gains,
        })
    });
    Ok(queries.collect())
}
