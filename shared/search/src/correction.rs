//! Reads a query: which terms are searched, and what misspelt words are taken for.

use std::collections::HashSet;

use crate::{
    analyzer::{Word, stem, words},
    vocabulary::{Entry, Vocabulary, letters},
};

/// The most words of a query that count.
const MAX_WORDS: usize = 32;
/// Shorter words are never corrected: everything is near them.
const SHORTEST: usize = 3;
/// From this length on, two mistakes are thinkable.
const TWO_MISTAKES: usize = 6;
/// What a mistake weighs against a ten times as common word, and one in the first letter.
const MISTAKE: f32 = 4.0;
const FIRST_LETTER: f32 = 1.5;

/// What of the catalogue reading a query needs.
pub(crate) trait Catalogue {
    /// Whether any product has the term in any field.
    fn knows(&self, term: &str) -> bool;
    /// The words to correct to.
    fn vocabulary(&self) -> &Vocabulary;
}

/// A query as it is searched.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Terms, each with the spellings that count as the same.
    pub(crate) terms: Vec<Vec<String>>,
    /// The query with the words that were searched instead, if any were.
    pub(crate) corrected: Option<String>,
}

/// Reads the query: words that the catalogue doesn't know are replaced by the likeliest that it does.
pub(crate) fn read(query: &str, catalogue: &impl Catalogue) -> Reading {
    let mut seen = HashSet::new();
    let mut terms = Vec::new();
    let mut replaced: Vec<(Word, String)> = Vec::new();
    for word in words(query, MAX_WORDS) {
        let mut term = stem(&word.text);
        if !catalogue.knows(&term)
            && let Some(better) = correct(&word.text, catalogue.vocabulary())
        {
            term = stem(&better);
            replaced.push((word, better));
        }
        if seen.insert(term.clone()) {
            terms.push(vec![term]);
        }
    }
    Reading {
        terms,
        corrected: rewrite(query, &replaced),
    }
}

/// The query with words replaced; everything else stays as the shopper wrote it.
fn rewrite(query: &str, replaced: &[(Word, String)]) -> Option<String> {
    if replaced.is_empty() {
        return None;
    }
    let mut rewritten = String::with_capacity(query.len() + 8);
    let mut end = 0;
    for (word, better) in replaced {
        rewritten.push_str(query.get(end..word.at.start).unwrap_or_default());
        rewritten.push_str(better);
        end = word.at.end;
    }
    rewritten.push_str(query.get(end..).unwrap_or_default());
    Some(rewritten)
}

/// The likeliest known word that `word` is a misspelling of: few mistakes, and common.
fn correct(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    let length = word.chars().count();
    // A model number with a digit changed is another product, not a misspelling.
    if length < SHORTEST || word.chars().any(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let most = if length < TWO_MISTAKES { 1 } else { 2 };
    let typed = letters(word);
    let near = |entry: &&Entry| {
        (entry.letters ^ typed).count_ones() <= 2 * most
            && entry.text.len().abs_diff(word.len()) <= 4 * most as usize
    };
    let mut best: Option<(f32, &Entry)> = None;
    for entry in vocabulary.words().iter().filter(near) {
        let Some(mistakes) = mistakes(word, &entry.text, most as usize) else {
            continue;
        };
        let likelihood = likelihood(word, entry, mistakes);
        if best.is_none_or(|(least, _)| likelihood > least) {
            best = Some((likelihood, entry));
        }
    }
    best.map(|(_, entry)| entry.text.to_string())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only ever compared, and products are few"
)]
fn likelihood(word: &str, entry: &Entry, mistakes: usize) -> f32 {
    let same_start = word.chars().next() == entry.text.chars().next();
    let first = if same_start { 0.0 } else { FIRST_LETTER };
    (entry.products as f32).ln() - MISTAKE * mistakes as f32 - first
}

/// How many letters were left out, added, changed or swapped with their neighbour; `None` for more than `most`.
fn mistakes(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, other) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(letter != other))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                cost = cost.min(before[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        if row.iter().min().is_none_or(|least| *least > most) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted_up_to_a_bound() {
        for (a, b, expected) in [
            ("tonr", "toner", Some(1)),
            ("toenr", "toner", Some(1)),
            ("toner", "toner", Some(0)),
            ("keybaord", "keyboards", Some(2)),
            ("mouse", "house", Some(1)),
            ("mouse", "cable", None),
        ] {
            assert_eq!(mistakes(a, b, 2), expected, "{a} {b}");
        }
    }

    #[test]
    fn rewriting_keeps_the_rest_of_the_query() {
        let query = "HP  tonr, black";
        let word = words(query, 9)[1].clone();
        assert_eq!(
            rewrite(query, &[(word, "toner".to_owned())]).as_deref(),
            Some("HP  toner, black")
        );
        assert_eq!(rewrite(query, &[]), None);
    }
}
