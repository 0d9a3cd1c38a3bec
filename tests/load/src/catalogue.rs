//! What the shop sells, as far as shoppers have to know it before they come: products in stock, categories, words to
//! search for. Read once, before the run.

use std::collections::BTreeSet;

use rand::{Rng, RngExt as _};
use serde_json::Value;

use crate::answer::{Failure, ask};

/// How many pages of 100 products are read at most.
const PAGES: u32 = 5;

/// A product as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) id: String,
    pub(crate) name: String,
    /// From broad to narrow, joined as filters have it.
    pub(crate) category: String,
    /// In minor units.
    pub(crate) price: i64,
    pub(crate) in_stock: bool,
}

impl Hit {
    /// The hit that this JSON is; `None` if something is missing.
    pub(crate) fn from(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let levels = value["category"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str);
        Some(Self {
            id: text("id")?,
            name: text("name")?,
            category: levels.collect::<Vec<_>>().join(" > "),
            price: value["price"]["amount"].as_i64()?,
            in_stock: matches!(value["availability"].as_str()?, "in_stock" | "low_stock"),
        })
    }
}

/// What shoppers know before they come.
#[derive(Debug)]
pub struct Catalogue {
    products: Vec<Hit>,
    categories: Vec<String>,
    words: Vec<String>,
}

impl Catalogue {
    /// Reads it from the shop at `url`.
    pub(crate) async fn read(client: &reqwest::Client, url: &str) -> Result<Self, String> {
        let (mut products, mut categories) = (Vec::new(), Vec::new());
        for page in 1..=PAGES {
            let path = format!("/api/search?in_stock=true&per_page=100&page={page}");
            let (_, answer) = ask(format!("GET {path}"), client.get(format!("{url}{path}"))).await;
            let failed = |failure: Failure| format!("{url}: {}", failure.detail);
            let body = answer.map_err(failed)?.json(200).map_err(failed)?;
            let hits = body["hits"].as_array().map_or(&[][..], Vec::as_slice);
            products.extend(hits.iter().filter_map(Hit::from));
            if page == 1 {
                let facet = body["facets"]["category"]
                    .as_array()
                    .map_or(&[][..], Vec::as_slice);
                categories.extend(
                    facet
                        .iter()
                        .filter_map(|entry| entry["value"].as_str().map(str::to_owned)),
                );
            }
            if hits.len() < 100 {
                break;
            }
        }
        if products.is_empty() || categories.is_empty() {
            return Err(format!(
                "{url}: nothing is in stock there, or in no category; shoppers have nothing to come for"
            ));
        }
        let words: BTreeSet<String> = products
            .iter()
            .filter_map(|hit| longest_word(&hit.name))
            .collect();
        let words = words.into_iter().collect::<Vec<_>>();
        if words.is_empty() {
            Err(format!("{url}: no product has a name"))
        } else {
            Ok(Self {
                products,
                categories,
                words,
            })
        }
    }

    pub(crate) fn product(&self, rng: &mut impl Rng) -> &Hit {
        &self.products[rng.random_range(0..self.products.len())]
    }

    pub(crate) fn category(&self, rng: &mut impl Rng) -> &str {
        &self.categories[rng.random_range(0..self.categories.len())]
    }

    pub(crate) fn word(&self, rng: &mut impl Rng) -> &str {
        &self.words[rng.random_range(0..self.words.len())]
    }
}

/// The longest word of a name: what somebody who looks for that product would type, and no stop word.
fn longest_word(name: &str) -> Option<String> {
    let words = name
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty());
    words
        .max_by_key(|word| word.chars().count())
        .map(str::to_lowercase)
}
