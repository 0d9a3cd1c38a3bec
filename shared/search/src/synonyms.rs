//! Words that mean the same to shoppers.

use std::{collections::HashMap, sync::LazyLock};

use crate::analyzer::{stem, words};

/// The most words of a phrase.
const MAX_PHRASE: usize = 4;

/// Which single terms stand for which terms or phrases.
#[derive(Debug, Default)]
pub(crate) struct Synonyms(HashMap<Vec<String>, Vec<String>>);

impl Synonyms {
    /// Reads groups: one a line, words and phrases apart by commas, `#` begins a comment.
    pub(crate) fn parse(text: &str) -> Self {
        let mut synonyms: HashMap<Vec<String>, Vec<String>> = HashMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let group: Vec<Vec<String>> = line.split(',').map(terms).collect();
            for phrase in group.iter().filter(|phrase| !phrase.is_empty()) {
                let others = synonyms.entry(phrase.clone()).or_default();
                for other in &group {
                    if let [single] = other.as_slice()
                        && !phrase.contains(single)
                        && !others.contains(single)
                    {
                        others.push(single.clone());
                    }
                }
            }
        }
        Self(synonyms)
    }

    /// The shop's own groups, unless it has others.
    pub(crate) fn ordinary() -> &'static Self {
        static ORDINARY: LazyLock<Synonyms> =
            LazyLock::new(|| Synonyms::parse(include_str!("synonyms.txt")));
        &ORDINARY
    }

    /// For each of the terms of a query, the terms that mean the same as it or as a phrase it stands in.
    pub(crate) fn of(&self, query: &[String]) -> Vec<Vec<String>> {
        let mut found: Vec<Vec<String>> = vec![Vec::new(); query.len()];
        for start in 0..query.len() {
            for end in start + 1..=query.len().min(start + MAX_PHRASE) {
                let Some(synonyms) = self.0.get(&query[start..end]) else {
                    continue;
                };
                for place in &mut found[start..end] {
                    let new = synonyms.iter().filter(|new| !query.contains(new));
                    let new: Vec<_> = new.filter(|new| !place.contains(new)).cloned().collect();
                    place.extend(new);
                }
            }
        }
        found
    }
}

fn terms(text: &str) -> Vec<String> {
    let words = words(text, MAX_PHRASE);
    words.into_iter().map(|word| stem(&word.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(synonyms: &Synonyms, query: &str) -> Vec<Vec<String>> {
        synonyms.of(&terms(query))
    }

    #[test]
    fn each_word_of_a_group_stands_for_the_others() {
        let synonyms =
            Synonyms::parse("# comment\nlaptops, Notebook # here, too\n\nnotebook, jotter\n");
        assert_eq!(
            of(&synonyms, "hp laptop"),
            [vec![], vec!["notebook".to_owned()]]
        );
        assert_eq!(of(&synonyms, "notebooks"), [["laptop", "jotter"]]);
        assert_eq!(of(&synonyms, "comment"), [Vec::<String>::new()]);
    }

    #[test]
    fn a_phrase_is_as_good_as_its_word_and_no_word_is_its_own_synonym() {
        let synonyms = Synonyms::parse("camcorder, video camera");
        assert_eq!(
            of(&synonyms, "cheap video camera")[1..],
            [["camcord"], ["camcord"]]
        );
        assert!(of(&synonyms, "camcorder").concat().is_empty());
        assert!(of(&synonyms, "camera").concat().is_empty());
        assert!(of(&synonyms, "camcorder video camera").concat().is_empty());
    }

    #[test]
    fn the_ordinary_groups_are_groups() {
        assert_eq!(
            Synonyms::ordinary().of(&terms("tv"))[0][0],
            stem("television")
        );
    }
}
