//! Completions of what a shopper has typed so far.

use std::collections::HashSet;

use bothways_domain::search::MAX_SUGGESTIONS;

use crate::{analyzer::words, phrases::is_glue, vocabulary::Vocabulary};

/// How many words of what was typed are looked at.
const PREFIX_WORDS: usize = 8;

/// Words and phrases that begin as typed, those of most products first. Where nothing begins with all of it, the
/// last words are completed and the first are kept.
pub(crate) fn complete(vocabulary: &Vocabulary, typed: &str) -> Vec<String> {
    let typed_words: Vec<_> = words(typed, PREFIX_WORDS + 1)
        .into_iter()
        .map(|word| word.text)
        .collect();
    if typed_words.is_empty() || typed_words.len() > PREFIX_WORDS {
        return Vec::new();
    }
    let word_is_over = typed
        .chars()
        .last()
        .is_some_and(|last| !last.is_alphanumeric());
    let mut suggestions = Vec::new();
    let mut seen = HashSet::new();
    for start in 0..typed_words.len() {
        let (head, tail) = typed_words.split_at(start);
        if head.iter().any(|word| vocabulary.products(word) == 0) {
            break;
        }
        let prefix = tail.join(" ") + if word_is_over { " " } else { "" };
        let head = if head.is_empty() {
            String::new()
        } else {
            head.join(" ") + " "
        };
        for completion in best(vocabulary, &prefix) {
            let suggestion = format!("{head}{completion}");
            if suggestions.len() < MAX_SUGGESTIONS && seen.insert(suggestion.clone()) {
                suggestions.push(suggestion);
            }
        }
        if !suggestions.is_empty() {
            break;
        }
    }
    suggestions
}

fn best<'a>(vocabulary: &'a Vocabulary, prefix: &str) -> Vec<&'a str> {
    let begins = vocabulary
        .beginning_with(prefix)
        .iter()
        .filter(|(text, _)| !is_glue(text));
    let mut ranked: Vec<_> = begins
        .map(|(text, products)| (worth(text, *products), &**text))
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked.truncate(MAX_SUGGESTIONS);
    ranked.into_iter().map(|(_, text)| text).collect()
}

/// A phrase says more than a word, so it needs fewer products to be as good a suggestion.
fn worth(text: &str, products: u32) -> u64 {
    u64::from(products) * if text.contains(' ') { 3 } else { 1 }
}
