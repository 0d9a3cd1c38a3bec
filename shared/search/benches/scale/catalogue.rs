//! A catalogue of any size made of judged ones: first these as they are, then copies with other ids, words, brands and
//! prices. Words are exchanged for others of the same field, so that a word stays as common as it was, and a few are
//! new, so that the vocabulary grows with the catalogue.

use std::path::Path;

use bothways_domain::{Money, id::ProductId, product::Rating, search::IndexedProduct};

use crate::judged::{self, Outcome};

/// Of so many words of a name, one is exchanged; …
const NAME_EVERY: usize = 4;
/// … of a description, …
const DESCRIPTION_EVERY: usize = 10;
/// … and one of so many exchanged words is a new one.
const NEW_EVERY: usize = 12;
/// Of so many copies, one is of another brand.
const BRAND_EVERY: usize = 3;
/// How often the queries are asked and measured.
pub(crate) const ROUNDS: usize = 5;
/// New words and brands are made of three of these.
const SYLLABLES: [&str; 32] = [
    "ba", "bel", "cor", "dan", "do", "fen", "gal", "gri", "hel", "ix", "jo", "kan", "ker", "lan",
    "lo", "mar", "mi", "nor", "ol", "pan", "qui", "ras", "ren", "sol", "sta", "tem", "tri", "ul",
    "vel", "wen", "yar", "zo",
];

/// The judged products and queries, and what copies are varied with.
pub(crate) struct Catalogue {
    judged: Vec<IndexedProduct>,
    name_words: Vec<String>,
    description_words: Vec<String>,
    brands: Vec<String>,
    pub(crate) queries: Vec<String>,
}

impl Catalogue {
    /// Reads the judged folders.
    pub(crate) fn read(folders: &[String]) -> Outcome<Self> {
        let mut judged = Vec::new();
        for folder in folders.iter().map(Path::new) {
            for product in judged::products(folder)? {
                judged.push(product?);
            }
        }
        if judged.is_empty() {
            return Err("the folders have no products".into());
        }
        let drafts = || judged.iter().map(|indexed| &indexed.product.draft);
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Ok(Self {
            name_words: drafts().flat_map(|draft| words(&draft.name)).collect(),
            description_words: drafts()
                .flat_map(|draft| words(&draft.description))
                .collect(),
            brands: drafts().filter_map(|draft| draft.brand.clone()).collect(),
            queries: queries(folders)?,
            judged,
        })
    }

    /// The product at a place of the endless catalogue, the same each time.
    pub(crate) fn product(&self, place: usize) -> Outcome<IndexedProduct> {
        let mut made = self.judged[place % self.judged.len()].clone();
        let copy = place / self.judged.len();
        if copy == 0 {
            return Ok(made);
        }
        let mut random = Random::new(place as u64);
        let product = &mut made.product;
        let id = format!("{}-{copy}", product.id);
        product.id = ProductId::parse(&id).ok_or_else(|| format!("{id} is no id"))?;
        let draft = &mut product.draft;
        draft.name = vary(&draft.name, &self.name_words, NAME_EVERY, &mut random);
        draft.description = vary(
            &draft.description,
            &self.description_words,
            DESCRIPTION_EVERY,
            &mut random,
        );
        if random.one_of(BRAND_EVERY) {
            let known = random.below(self.brands.len().max(1));
            draft.brand = if random.one_of(NEW_EVERY) {
                Some(new_word(&mut random))
            } else {
                self.brands.get(known).cloned()
            };
        }
        let percent = i64::try_from(50 + random.below(150))?;
        draft.price = Money::new(
            (draft.price.amount() * percent / 100).max(1),
            draft.price.currency(),
        );
        draft.rating = Rating::parse(f64::from(u32::try_from(10 + random.below(41))?) / 10.0);
        Ok(made)
    }
}

/// The folders' queries.
pub(crate) fn queries(folders: &[String]) -> Outcome<Vec<String>> {
    let mut queries = Vec::new();
    for folder in folders.iter().map(Path::new) {
        queries.extend(
            judged::queries(folder)?
                .into_iter()
                .map(|judged| judged.query),
        );
    }
    Ok(queries)
}

/// The values of a product's attributes.
pub(crate) fn attributes(indexed: &IndexedProduct) -> String {
    let values = indexed.product.draft.attributes.values();
    values.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The words of a query, each in the form an engine wants, any of which shall do.
pub(crate) fn any_word(query: &str, form: impl Fn(&str) -> String, or: &str) -> String {
    let words = query.split(|letter: char| !letter.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(form)
        .collect::<Vec<_>>()
        .join(or)
}

fn vary(text: &str, words: &[String], every: usize, random: &mut Random) -> String {
    let varied = text.split_whitespace().map(|word| {
        if !random.one_of(every) {
            word.to_owned()
        } else if random.one_of(NEW_EVERY) {
            new_word(random)
        } else {
            words[random.below(words.len())].clone()
        }
    });
    varied.collect::<Vec<_>>().join(" ")
}

fn new_word(random: &mut Random) -> String {
    (0..3)
        .map(|_| SYLLABLES[random.below(SYLLABLES.len())])
        .collect()
}

/// Numbers that are the same for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap_or(0)
    }

    fn one_of(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}
