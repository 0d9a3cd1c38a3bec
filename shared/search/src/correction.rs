//! Reads a query: which terms are searched, and what misspelt words are taken for.

use std::collections::HashSet;

use crate::{
    analyzer::{Word, stem, words},
    phrases::is_glue,
    table::Ordinal,
    vocabulary::{Entry, Vocabulary, letters},
};

/// The most words of a query that count.
const MAX_WORDS: usize = 32;
/// Shorter words are never corrected: everything is near them.
const SHORTEST: usize = 3;
/// From this length on, two mistakes are thinkable.
const TWO_MISTAKES: usize = 6;
/// How many candidates are looked at in the company of the query's other words.
const CANDIDATES: usize = 12;
/// What mistakes weigh against how common a word is (the natural logarithm of its products), in tenths of a mistake.
const MISTAKE: f32 = 0.5;
/// Mistakes in tenths: a letter of the word was left out, …
const LEFT_OUT: u32 = 8;
/// … was typed in addition, …
const ADDED: u32 = 10;
/// … was typed twice, …
const DOUBLED: u32 = 8;
/// … was changed, …
const CHANGED: u32 = 11;
/// … changed places with the next.
const SWAPPED: u32 = 9;
/// The first letter is rarely wrong.
const FIRST_LETTER: f32 = 1.5;
/// How much a product counts that has the candidate but none of the query's other words.
const ALONE: f32 = 0.01;

/// What of the catalogue reading a query needs.
pub(crate) trait Catalogue {
    /// Whether any product has the term in any field.
    fn knows(&self, term: &str) -> bool;
    /// The words to correct to.
    fn vocabulary(&self) -> &Vocabulary;
    /// The products that have this word of the vocabulary, in order.
    fn having(&self, word: &str) -> Vec<Ordinal>;
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
    let words = words(query, MAX_WORDS);
    for (place, word) in words.iter().enumerate() {
        let mut term = stem(&word.text);
        let company = || {
            words
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .map(|(_, word)| &*word.text)
        };
        if !catalogue.knows(&term)
            && let Some(better) = correct(&word.text, company(), catalogue)
        {
            term = stem(&better);
            replaced.push((word.clone(), better));
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

/// The likeliest known word that `word` is a misspelling of: few mistakes, and common together with the query's
/// other words.
fn correct<'a>(
    word: &str,
    company: impl Iterator<Item = &'a str>,
    catalogue: &impl Catalogue,
) -> Option<String> {
    let mut candidates = candidates(word, catalogue.vocabulary());
    if candidates.len() > 1 {
        let company: Vec<_> = company
            .filter(|word| !is_glue(word))
            .map(|word| catalogue.having(word))
            .filter(|had| !had.is_empty())
            .collect();
        if !company.is_empty() {
            for (likelihood, entry) in &mut candidates {
                let having = catalogue.having(&entry.text);
                let together: usize = company.iter().map(|other| in_both(&having, other)).sum();
                *likelihood +=
                    commonness(having.len(), together) - commonness(having.len(), having.len());
            }
        }
    }
    let best = candidates
        .into_iter()
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, entry)| entry.text.to_string())
}

/// The likeliest candidates by themselves, in the order of the vocabulary among equals.
fn candidates<'a>(word: &str, vocabulary: &'a Vocabulary) -> Vec<(f32, &'a Entry)> {
    let length = word.chars().count();
    // A model number with a digit changed is another product, not a misspelling.
    if length < SHORTEST || word.chars().any(|letter| letter.is_ascii_digit()) {
        return Vec::new();
    }
    let most = if length < TWO_MISTAKES { 1 } else { 2 };
    let typed = letters(word);
    let near = |entry: &&Entry| {
        (entry.letters ^ typed).count_ones() <= 2 * most
            && entry.text.len().abs_diff(word.len()) <= 4 * most as usize
    };
    let near = vocabulary.words().iter().filter(near);
    let mut candidates: Vec<_> = near
        .filter_map(|entry| {
            Some((
                likelihood(word, entry, mistakes(word, &entry.text, most)?),
                entry,
            ))
        })
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    candidates.truncate(CANDIDATES);
    candidates
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only ever compared, and products are few"
)]
fn commonness(products: usize, together: usize) -> f32 {
    (ALONE * products as f32 + together as f32).ln()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only ever compared, and products are few"
)]
fn likelihood(word: &str, entry: &Entry, tenths: u32) -> f32 {
    let same_start = word.chars().next() == entry.text.chars().next();
    let first = if same_start { 0.0 } else { FIRST_LETTER };
    (entry.products as f32).ln() - MISTAKE * tenths as f32 - first
}

/// How many are in both of two ascending lists.
pub(crate) fn in_both(a: &[Ordinal], b: &[Ordinal]) -> usize {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let mut rest = long;
    let mut both = 0;
    for ordinal in short {
        rest = &rest[rest.partition_point(|other| other < ordinal)..];
        both += usize::from(rest.first() == Some(ordinal));
    }
    both
}

/// How many letters were left out, added, changed or swapped with their neighbour, in tenths (likelier mistakes are
/// smaller ones); `None` for more than `most`.
fn mistakes(typed: &str, meant: &str, most: u32) -> Option<u32> {
    let (typed, meant): (Vec<char>, Vec<char>) = (typed.chars().collect(), meant.chars().collect());
    if typed.len().abs_diff(meant.len()) > most as usize {
        return None;
    }
    let limit = most * CHANGED;
    let mut before: Vec<u32> = Vec::new();
    let mut last: Vec<u32> = (0..)
        .step_by(LEFT_OUT as usize)
        .take(meant.len() + 1)
        .collect();
    for (i, letter) in typed.iter().enumerate() {
        let doubled = i > 0 && typed[i - 1] == *letter;
        let added = if doubled { DOUBLED } else { ADDED };
        let mut row = vec![last[0] + added; meant.len() + 1];
        for (j, other) in meant.iter().enumerate() {
            let changed = if letter == other { 0 } else { CHANGED };
            let mut cost = (last[j] + changed)
                .min(last[j + 1] + added)
                .min(row[j] + LEFT_OUT);
            if i > 0 && j > 0 && *letter == meant[j - 1] && typed[i - 1] == *other {
                cost = cost.min(before[j - 1] + SWAPPED);
            }
            row[j + 1] = cost;
        }
        if row.iter().min().is_none_or(|least| *least > limit) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|cost| *cost <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted_up_to_a_bound() {
        for (a, b, expected) in [
            ("tonr", "toner", Some(LEFT_OUT)),
            ("toenr", "toner", Some(SWAPPED)),
            ("toner", "toner", Some(0)),
            ("tonner", "toner", Some(DOUBLED)),
            ("keybaord", "keyboards", Some(SWAPPED + LEFT_OUT)),
            ("mouse", "house", Some(CHANGED)),
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
