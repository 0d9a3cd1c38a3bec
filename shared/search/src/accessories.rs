//! Products that go with others: who asks for a laptop does not ask for a laptop's bag, though its name has the word.

use std::{collections::HashSet, sync::LazyLock};

use crate::{analyzer::stem, reading::Wanted};

/// What accessories are called.
const WORDS: [&str; 24] = [
    "accessory",
    "bag",
    "backpack",
    "case",
    "charger",
    "cleaner",
    "cover",
    "dock",
    "filter",
    "holder",
    "lock",
    "mount",
    "pad",
    "pouch",
    "protector",
    "refill",
    "replacement",
    "skin",
    "sleeve",
    "spare",
    "stand",
    "strap",
    "tripod",
    "wrap",
];

/// The terms that name accessories.
pub(crate) fn terms() -> &'static HashSet<String> {
    static TERMS: LazyLock<HashSet<String>> =
        LazyLock::new(|| WORDS.iter().map(|word| stem(word)).collect());
    &TERMS
}

/// Whether a query asks for an accessory.
pub(crate) fn are_asked_for(wanted: &[Wanted]) -> bool {
    let mut asked = wanted
        .iter()
        .flat_map(|word| word.spellings.iter().chain(&word.synonyms));
    asked.any(|term| terms().contains(term))
}
