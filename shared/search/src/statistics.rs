//! In how many products the words of a query are, which is what makes a match rare. Only live products count, so that
//! scores don't depend on what was deleted since the last merge.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tantivy::{Searcher, SegmentReader, Term, schema::IndexRecordOption};

use crate::{
    postings::Postings,
    reading::Wanted,
    schema::{Fields, TEXT_FIELDS},
};

/// Of how many words a snapshot remembers the statistics.
const REMEMBERED: usize = 10_000;

/// How common a word is.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Statistics {
    /// By field, the products that have a spelling of the word, once for each.
    pub(crate) spellings: [usize; TEXT_FIELDS],
    /// The same of its synonyms.
    pub(crate) synonyms: [usize; TEXT_FIELDS],
    /// The products that have a spelling in any field.
    pub(crate) itself: usize,
    /// The products that have a spelling or a synonym in any field.
    pub(crate) all: usize,
}

impl Statistics {
    /// Counts the live products.
    pub(crate) fn count(
        searcher: &Searcher,
        fields: &Fields,
        word: &Wanted,
    ) -> tantivy::Result<Self> {
        let mut counted = Self::default();
        let mut had = Vec::new();
        for segment in searcher.segment_readers() {
            had.clear();
            had.resize((segment.max_doc() as usize).div_ceil(64), 0_u64);
            let spellings = &mut counted.spellings;
            let some = count_terms(segment, fields, &word.spellings, spellings, &mut had)?;
            let itself = if some { distinct(&had) } else { 0 };
            let synonyms = &mut counted.synonyms;
            let more = count_terms(segment, fields, &word.synonyms, synonyms, &mut had)?;
            counted.itself += itself;
            counted.all += if more { distinct(&had) } else { itself };
        }
        Ok(counted)
    }
}

/// Notes in `had` which documents have any of the terms, and counts them by field; whether there is any.
fn count_terms(
    segment: &SegmentReader,
    fields: &Fields,
    terms: &[String],
    counts: &mut [usize; TEXT_FIELDS],
    had: &mut [u64],
) -> tantivy::Result<bool> {
    let mut any = false;
    for (count, field) in counts.iter_mut().zip(fields.text) {
        for text in terms {
            let term = Term::from_field_text(field, text);
            let Some(mut postings) = Postings::open(segment, &term, IndexRecordOption::Basic)?
            else {
                continue;
            };
            any = true;
            postings.take_all(segment.alive_bitset(), |doc| {
                *count += 1;
                had[doc as usize / 64] |= 1 << (doc % 64);
            });
        }
    }
    Ok(any)
}

fn distinct(had: &[u64]) -> usize {
    had.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// The statistics of words that were searched before.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<Wanted, Statistics>>);

impl Remembered {
    /// The word's statistics, counted if need be.
    pub(crate) fn of(
        &self,
        word: &Wanted,
        count: impl FnOnce() -> tantivy::Result<Statistics>,
    ) -> tantivy::Result<Statistics> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(word) {
            return Ok(*known);
        }
        let counted = count()?;
        let mut all = lock();
        // Whoever asks for ever new words shall not fill the memory.
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(word.clone(), counted);
        Ok(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Wanted {
        Wanted {
            spellings: vec![text.to_owned()],
            synonyms: Vec::new(),
        }
    }

    #[test]
    fn a_word_is_counted_once_and_not_remembered_for_ever() {
        let remembered = Remembered::default();
        let counted = |itself| {
            Ok(Statistics {
                itself,
                ..Statistics::default()
            })
        };
        assert_eq!(remembered.of(&word("a"), || counted(1)).unwrap().itself, 1);
        assert_eq!(remembered.of(&word("a"), || counted(2)).unwrap().itself, 1);
        for number in 0..REMEMBERED {
            remembered
                .of(&word(&number.to_string()), || counted(0))
                .unwrap();
        }
        assert_eq!(remembered.of(&word("a"), || counted(3)).unwrap().itself, 3);
        assert!(remembered.0.lock().unwrap().len() <= REMEMBERED);
    }
}
