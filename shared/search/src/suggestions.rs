//! Completions of what a shopper has typed so far.

use bothways_domain::search::MAX_SUGGESTIONS;

use crate::{
    analyzer::words,
    correction::{correct, correct_beginning, in_both},
    phrases::is_glue,
    reading::Catalogue,
    table::Ordinal,
};

/// How many words of what was typed are looked at.
const PREFIX_WORDS: usize = 8;
/// How many completions of the last words are tried behind the first ones.
const TRIED: usize = 40;
/// A phrase says more than a word, so it needs fewer products to be as good a suggestion.
const PHRASE: usize = 3;

/// Words and phrases that begin as typed, those of most products first; then, to fill up, completions of the last
/// words that products have together with the first. Where there is nothing of all that, the same with the words put
/// right that nobody knows.
pub(crate) fn complete(catalogue: &impl Catalogue, typed: &str) -> Vec<String> {
    let mut parts: Vec<_> = words(typed, PREFIX_WORDS + 1)
        .into_iter()
        .map(|word| word.text)
        .collect();
    if parts.is_empty() || parts.len() > PREFIX_WORDS {
        return Vec::new();
    }
    if typed
        .chars()
        .last()
        .is_some_and(|last| !last.is_alphanumeric())
    {
        parts.push(String::new());
    }
    let suggestions = completions(catalogue, &parts);
    if !suggestions.is_empty() {
        return suggestions;
    }
    put_right(catalogue, &parts).map_or_else(Vec::new, |parts| completions(catalogue, &parts))
}

/// The words with those replaced that nobody knows; `None` without any, or when one is beyond help.
fn put_right(catalogue: &impl Catalogue, parts: &[String]) -> Option<Vec<String>> {
    let (last, head) = parts.split_last()?;
    let mut right = Vec::with_capacity(parts.len());
    for (place, word) in head.iter().enumerate() {
        if catalogue.having(word).is_empty() {
            let others = head.iter().enumerate();
            let others = others.filter(|(other, _)| *other != place);
            let company = others.map(|(_, word)| word.as_str());
            right.push(correct(word, company, catalogue)?);
        } else {
            right.push(word.clone());
        }
    }
    let vocabulary = catalogue.vocabulary();
    if vocabulary.beginning_with(last).is_empty() {
        right.push(correct_beginning(last, vocabulary)?);
    } else {
        right.push(last.clone());
    }
    (right != parts).then_some(right)
}

/// The completions of the last of these words.
fn completions(catalogue: &impl Catalogue, parts: &[String]) -> Vec<String> {
    let mut suggestions: Vec<String> = Vec::new();
    let mut company: Option<Vec<Ordinal>> = None;
    for start in 0..parts.len() {
        let (head, tail) = parts.split_at(start);
        if let Some(word) = head.last() {
            let having = catalogue.having(word);
            company = Some(match company {
                None => having,
                Some(company) => company
                    .into_iter()
                    .filter(|ordinal| having.binary_search(ordinal).is_ok())
                    .collect(),
            });
        }
        if tail == [""] || company.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
        for completion in best(catalogue, head, &tail.join(" "), company.as_deref()) {
            let suggestion = [head, &[completion]].concat().join(" ");
            if suggestions.len() < MAX_SUGGESTIONS && !suggestions.contains(&suggestion) {
                suggestions.push(suggestion);
            }
        }
        if suggestions.len() == MAX_SUGGESTIONS {
            break;
        }
    }
    suggestions
}

/// The best completions of `prefix` among the products in `company` (all without), best first.
fn best(
    catalogue: &impl Catalogue,
    head: &[String],
    prefix: &str,
    company: Option<&[Ordinal]>,
) -> Vec<String> {
    let repeats = |text: &str| {
        text.split(' ')
            .any(|word| head.iter().any(|before| before == word))
    };
    let limit = if company.is_some() {
        TRIED
    } else {
        MAX_SUGGESTIONS
    };
    // Most are worth less than those there are already, and need no closer look; among equals the order of the
    // vocabulary counts.
    let mut ranked: Vec<(usize, &str)> = Vec::with_capacity(limit);
    for (text, products) in catalogue.vocabulary().beginning_with(prefix) {
        let worth = worth(text, *products as usize);
        let full = ranked.len() == limit;
        let enough = full && ranked.last().is_some_and(|(least, _)| worth <= *least);
        if enough || is_glue(text) || repeats(text) {
            continue;
        }
        if full {
            ranked.pop();
        }
        let place = ranked.partition_point(|(other, _)| *other >= worth);
        ranked.insert(place, (worth, text));
    }
    if let Some(company) = company {
        for (worth_of, text) in &mut ranked {
            *worth_of = worth(text, in_both(&catalogue.having(text), company));
        }
        ranked.retain(|(worth, _)| *worth > 0);
        ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    }
    ranked
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, text)| text.to_owned())
        .collect()
}

fn worth(text: &str, products: usize) -> usize {
    products * if text.contains(' ') { PHRASE } else { 1 }
}
