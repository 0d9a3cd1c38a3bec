//! What a misspelt word is taken for.

use std::collections::BTreeMap;

use crate::{
    phrases::is_glue,
    reading::Catalogue,
    table::Ordinal,
    vocabulary::{Entry, Vocabulary, letters},
};

/// Shorter words are never corrected: everything is near them.
const SHORTEST: usize = 3;
/// Shorter beginnings of words are never corrected.
const SHORTEST_BEGINNING: usize = 4;
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

/// The likeliest known word that `word` is a misspelling of: few mistakes, and common together with the query's
/// other words.
pub(crate) fn correct<'a>(
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

/// The likeliest beginning of known words that `typed` is with one mistake: of words that many products have. The first
/// letter is taken as right.
pub(crate) fn correct_beginning(typed: &str, vocabulary: &Vocabulary) -> Option<String> {
    let length = typed.chars().count();
    if length < SHORTEST_BEGINNING || typed.chars().any(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let first: String = typed.chars().take(1).collect();
    let had = letters(typed);
    let mut typed = Typed::new(typed);
    let mut beginnings: BTreeMap<&str, (u32, f32)> = BTreeMap::new();
    // Neighbours in the vocabulary mostly begin in the same way: what their beginnings are is asked once.
    let (mut before, mut near): (&str, Vec<(&str, u32)>) = ("", Vec::new());
    for entry in vocabulary.words_beginning_with(&first) {
        let ends = entry.text.char_indices().map(|(at, _)| at);
        let mut ends = ends.chain([entry.text.len()]).skip(length - 1).take(3);
        let (least, most) = (ends.next(), ends.last());
        let Some(least) = least else { continue };
        let longest = &entry.text[..most.unwrap_or(least)];
        if longest != before {
            before = longest;
            near.clear();
            if (had & !letters(longest)).count_ones() <= 1 {
                let places = longest.char_indices().map(|(at, _)| at);
                let ends = places.chain([longest.len()]).skip(length - 1);
                let costs = typed.mistakes_up_to(longest, 1);
                let costs = costs.unwrap_or_default().iter().skip(length - 1);
                let costs = ends.zip(costs).filter(|(_, cost)| **cost <= CHANGED);
                near.extend(costs.map(|(end, cost)| (&longest[..end], *cost)));
            }
        }
        for (beginning, tenths) in &near {
            beginnings.entry(beginning).or_insert((*tenths, 0.0)).1 += small(entry.products);
        }
    }
    let likeliest = beginnings
        .into_iter()
        .map(|(beginning, (tenths, products))| {
            (products.ln() - MISTAKE * small(tenths), beginning)
        });
    likeliest
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, beginning)| beginning.to_owned())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only ever compared, and products are few"
)]
fn small(number: u32) -> f32 {
    number as f32
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
    let mut misspelt = Typed::new(word);
    let mut candidates: Vec<_> = near
        .filter_map(|entry| {
            Some((
                likelihood(word, entry, misspelt.mistakes(&entry.text, most)?),
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

/// What was typed, and room to compare it with many words.
struct Typed {
    word: Vec<char>,
    meant: Vec<char>,
    before: Vec<u32>,
    last: Vec<u32>,
    row: Vec<u32>,
}

impl Typed {
    fn new(typed: &str) -> Self {
        Self {
            word: typed.chars().collect(),
            meant: Vec::new(),
            before: Vec::new(),
            last: Vec::new(),
            row: Vec::new(),
        }
    }

    /// How many letters were left out, added, changed or swapped with their neighbour, in tenths (likelier mistakes are
    /// smaller ones); `None` for more than `most`.
    fn mistakes(&mut self, meant: &str, most: u32) -> Option<u32> {
        if self.word.len().abs_diff(meant.chars().count()) > most as usize {
            return None;
        }
        let costs = self.mistakes_up_to(meant, most)?;
        let cost = costs.last().copied();
        cost.filter(|cost| *cost <= most * CHANGED)
    }

    /// The same for every beginning of `meant`, from the empty one on; `None` where all are more than `most`.
    fn mistakes_up_to(&mut self, meant: &str, most: u32) -> Option<&[u32]> {
        let Self {
            word: typed,
            meant: letters,
            before,
            last,
            row,
        } = self;
        letters.clear();
        letters.extend(meant.chars());
        last.clear();
        last.extend((0..).step_by(LEFT_OUT as usize).take(letters.len() + 1));
        for (i, letter) in typed.iter().enumerate() {
            let doubled = i > 0 && typed[i - 1] == *letter;
            let added = if doubled { DOUBLED } else { ADDED };
            row.clear();
            row.push(last[0] + added);
            for (j, other) in letters.iter().enumerate() {
                let changed = if letter == other { 0 } else { CHANGED };
                let mut cost = (last[j] + changed)
                    .min(last[j + 1] + added)
                    .min(row[j] + LEFT_OUT);
                if i > 0 && j > 0 && *letter == letters[j - 1] && typed[i - 1] == *other {
                    cost = cost.min(before[j - 1] + SWAPPED);
                }
                row.push(cost);
            }
            if row.iter().min().is_none_or(|least| *least > most * CHANGED) {
                return None;
            }
            std::mem::swap(before, last);
            std::mem::swap(last, row);
        }
        Some(last)
    }
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
            ("mouse", "mousepads", None),
        ] {
            assert_eq!(Typed::new(a).mistakes(b, 2), expected, "{a} {b}");
        }
    }
}
