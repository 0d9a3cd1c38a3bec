//! The words and short phrases of a product that suggestions complete and misspelt words are corrected to.

use std::collections::BTreeSet;

use crate::analyzer::words;

/// How many words of a name are looked at; what follows is rarely what a product is called by.
const NAME_WORDS: usize = 24;
/// The most words of a phrase.
const PHRASE_WORDS: usize = 4;
/// Words that may stand inside a phrase but never begin or end one.
const GLUE: [&str; 24] = [
    "a", "an", "and", "as", "at", "by", "de", "for", "from", "in", "into", "is", "it", "la", "of",
    "on", "or", "our", "the", "to", "up", "w", "with", "your",
];

/// Whether a word says nothing by itself.
pub(crate) fn is_glue(word: &str) -> bool {
    GLUE.contains(&word)
}

/// The single words of name, brand and category, the brand and each category level as a whole, and from the
/// name every two neighbouring words with what joins them (`case for iphone`, `usb c hub`).
pub(crate) fn phrases_of(name: &str, brand: Option<&str>, category: &[String]) -> BTreeSet<String> {
    let mut phrases = BTreeSet::new();
    let name: Vec<_> = words(name, NAME_WORDS)
        .into_iter()
        .map(|word| word.text)
        .collect();
    for text in brand.into_iter().chain(category.iter().map(String::as_str)) {
        let words: Vec<_> = words(text, NAME_WORDS)
            .into_iter()
            .map(|word| word.text)
            .collect();
        if words.len() <= PHRASE_WORDS {
            phrases.insert(words.join(" "));
        }
        phrases.extend(words);
    }
    for start in 0..name.len() {
        phrases.extend(phrase_from(&name[start..]));
    }
    phrases.extend(name);
    phrases.remove("");
    phrases
}

/// The phrase of two telling words at the head of `words`, joined by at most two glue or one-letter words.
fn phrase_from(words: &[String]) -> Option<String> {
    let telling = |word: &String| word.len() > 1 && !is_glue(word);
    let (first, rest) = words.split_first()?;
    let next = rest.iter().position(telling)?;
    (telling(first) && next + 2 <= PHRASE_WORDS && rest[next] != *first)
        .then(|| words[..next + 2].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_phrases_and_glue_only_joins_them() {
        let phrases = phrases_of("USB-C Hub for the Laptop", None, &[]);
        let phrases: Vec<_> = phrases.iter().map(String::as_str).collect();
        assert_eq!(
            phrases,
            [
                "c",
                "for",
                "hub",
                "hub for the laptop",
                "laptop",
                "the",
                "usb",
                "usb c hub"
            ]
        );
    }

    #[test]
    fn brands_and_category_levels_are_phrases_as_a_whole() {
        let phrases = phrases_of("", Some("Hewlett Packard"), &["Toner & drums".to_owned()]);
        assert!(
            phrases.contains("hewlett packard")
                && phrases.contains("toner drums")
                && phrases.contains("drums")
        );
    }
}
