//! Reads a query: which terms are searched, and what it says once misspelt words are put right.

use std::collections::HashSet;

use crate::{
    analyzer::{Word, stem, words},
    correction::{correct, in_both},
    phrases::is_glue,
    synonyms::Synonyms,
    table::Ordinal,
    vocabulary::Vocabulary,
};

/// The most words of a query that count.
const MAX_WORDS: usize = 32;
/// The least letters of a word that was run together with another.
const RUN_TOGETHER: usize = 3;
/// What follows this word is not wanted, …
const WITHOUT: &str = "without";
/// … up to this one.
const WITH: &str = "with";

/// What of the catalogue reading a query needs.
pub(crate) trait Catalogue {
    /// Whether any product has the term in any field.
    fn knows(&self, term: &str) -> bool;
    /// Which words mean the same.
    fn synonyms(&self) -> &Synonyms;
    /// The words to correct to.
    fn vocabulary(&self) -> &Vocabulary;
    /// The products that have this word of the vocabulary, in order.
    fn having(&self, word: &str) -> Vec<Ordinal>;
}

/// Something that a query asks for.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// The term, and spellings that count as the same.
    pub(crate) spellings: Vec<String>,
    /// Terms that mean the same, which count less.
    pub(crate) synonyms: Vec<String>,
}

/// A query as it is searched.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// What is asked for.
    pub(crate) terms: Vec<Wanted>,
    /// Terms a product should rather not be named by.
    pub(crate) unwanted: Vec<String>,
    /// The query with the words that were searched instead, if any were.
    pub(crate) corrected: Option<String>,
}

/// Reads the query: words that the catalogue doesn't know are replaced by the likeliest that it does, and a
/// compound is found however it is written (`tn2010`, `tn-2010`, `TN 2010`).
pub(crate) fn read(query: &str, catalogue: &impl Catalogue) -> Reading {
    let (words, unwanted) = wanted(words(query, MAX_WORDS));
    let mut read: Vec<String> = Vec::with_capacity(words.len());
    let mut replaced: Vec<(Word, String)> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if catalogue.knows(&stem(&word.text)) {
            read.push(word.text.clone());
        } else if let Some(parts) = parts(&word.text, catalogue) {
            read.extend(parts);
        } else if let Some(better) = replacement(&words, place, catalogue) {
            read.extend(better.split(' ').map(str::to_owned));
            replaced.push((word.clone(), better));
        } else {
            read.push(word.text.clone());
        }
    }
    Reading {
        terms: terms(&read, catalogue),
        unwanted,
        corrected: rewrite(query, &replaced),
    }
}

/// The words that are asked for, and the terms of those that are not: `water bottle without straw`. A query of nothing
/// but unwanted words means them.
fn wanted(words: Vec<Word>) -> (Vec<Word>, Vec<String>) {
    let (mut wanted, mut unwanted, mut negated) = (Vec::new(), Vec::new(), false);
    for word in &words {
        match word.text.as_str() {
            WITHOUT => negated = true,
            WITH => negated = false,
            text if negated && !is_glue(text) => unwanted.push(stem(text)),
            _ if negated => {}
            _ => wanted.push(word.clone()),
        }
    }
    // What is asked for and refused at once ("silverware box without silverware") is not refused.
    unwanted.retain(|term| wanted.iter().all(|word| stem(&word.text) != *term));
    if wanted.is_empty() {
        return (words, Vec::new());
    }
    (wanted, unwanted)
}

/// The terms of the words, each once; a model number or measure is also found where it is written as one word.
fn terms(words: &[String], catalogue: &impl Catalogue) -> Vec<Wanted> {
    let stems: Vec<_> = words.iter().map(|word| stem(word)).collect();
    let join = |pair: &[String]| {
        let joined = stem(&pair.concat());
        // Only what has digits: shops write "microSD", but who asks for "micro sd" is best served by those words.
        (joined.bytes().any(|byte| byte.is_ascii_digit()) && catalogue.knows(&joined))
            .then_some(joined)
    };
    let joined: Vec<_> = words.windows(2).map(join).collect();
    let mut synonyms = catalogue.synonyms().of(&stems);
    let mut seen = HashSet::new();
    let mut terms = Vec::new();
    for (place, term) in stems.into_iter().enumerate() {
        if seen.insert(term.clone()) {
            let before = place
                .checked_sub(1)
                .and_then(|before| joined.get(before)?.clone());
            let after = joined.get(place).cloned().flatten();
            let synonyms = std::mem::take(&mut synonyms[place]);
            let mut spellings = vec![term];
            spellings.extend(before.into_iter().chain(after));
            terms.push(Wanted {
                spellings,
                synonyms,
            });
        }
    }
    terms
}

/// A model number or measure cut where digits begin and end, if the catalogue knows all its parts.
fn parts(word: &str, catalogue: &impl Catalogue) -> Option<Vec<String>> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = None;
    for letter in word.chars() {
        let is_digit = Some(letter.is_ascii_digit());
        match parts.last_mut() {
            Some(part) if before == is_digit => part.push(letter),
            _ => parts.push(letter.to_string()),
        }
        before = is_digit;
    }
    (parts.len() > 1 && parts.iter().all(|part| catalogue.knows(&stem(part)))).then_some(parts)
}

/// What a word that nobody knows was meant to be: a known one, or two that were run together.
fn replacement(words: &[Word], place: usize, catalogue: &impl Catalogue) -> Option<String> {
    let others = words
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place);
    let word = &words[place].text;
    correct(word, others.map(|(_, word)| &*word.text), catalogue)
        .or_else(|| run_together(word, catalogue))
}

/// The two known words, of most products together, that make up `word`.
fn run_together(word: &str, catalogue: &impl Catalogue) -> Option<String> {
    let cuts = word
        .char_indices()
        .map(|(at, _)| at)
        .filter(|at| *at >= RUN_TOGETHER && word.len() - at >= RUN_TOGETHER);
    let having = |part: &str| catalogue.having(part);
    let pairs = cuts.filter_map(|at| {
        let (first, second) = word.split_at(at);
        let together = in_both(&having(first), &having(second));
        (together > 0).then_some((together, first, second))
    });
    let best = pairs.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, first, second)| format!("{first} {second}"))
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

#[cfg(test)]
mod tests {
    use super::*;

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
