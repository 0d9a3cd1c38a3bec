//! The words and phrases shoppers could mean, with how many products have each.

use tantivy::{
    DocSet, Searcher, SegmentReader, TERMINATED,
    schema::{Field, IndexRecordOption},
};

/// From so many products on, a phrase has to be of two at least: single ones are mostly model names.
const LARGE: u64 = 50_000;

/// A word that others may be misspellings of.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) text: Box<str>,
    /// Products with it.
    pub(crate) products: u32,
    /// Which letters it has; see [`letters`].
    pub(crate) letters: u32,
}

/// All words and phrases, in order.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    phrases: Vec<(Box<str>, u32)>,
    words: Vec<Entry>,
}

/// A set of the letters of a word, one bit each; all that are neither `a` to `z` share bits.
pub(crate) fn letters(word: &str) -> u32 {
    word.bytes().fold(0, |set, byte| {
        let bit = if byte.is_ascii_lowercase() {
            byte - b'a'
        } else {
            26 + byte % 6
        };
        set | 1 << bit
    })
}

impl Vocabulary {
    /// Reads what the live products have.
    pub(crate) fn load(searcher: &Searcher, field: Field) -> tantivy::Result<Self> {
        let mut all: Vec<(Box<str>, u32)> = Vec::new();
        for segment in searcher.segment_readers() {
            read_segment(segment, field, &mut all)?;
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        let least = if searcher.num_docs() >= LARGE { 2 } else { 1 };
        all.retain(|(text, products)| *products >= least || !text.contains(' '));
        let words = all.iter().filter(|(text, _)| !text.contains(' '));
        let words = words
            .map(|(text, products)| Entry {
                text: text.clone(),
                products: *products,
                letters: letters(text),
            })
            .collect();
        Ok(Self {
            phrases: all,
            words,
        })
    }

    /// The single words.
    pub(crate) fn words(&self) -> &[Entry] {
        &self.words
    }

    /// The single words that begin so, in order.
    pub(crate) fn words_beginning_with(&self, prefix: &str) -> &[Entry] {
        let start = self.words.partition_point(|entry| &*entry.text < prefix);
        let rest = &self.words[start..];
        &rest[..rest.partition_point(|entry| entry.text.starts_with(prefix))]
    }

    /// The words and phrases that begin so, in order.
    pub(crate) fn beginning_with(&self, prefix: &str) -> &[(Box<str>, u32)] {
        let start = self.phrases.partition_point(|(text, _)| &**text < prefix);
        let rest = &self.phrases[start..];
        let end = rest.partition_point(|(text, _)| text.starts_with(prefix));
        &rest[..end]
    }
}

fn read_segment(
    segment: &SegmentReader,
    field: Field,
    all: &mut Vec<(Box<str>, u32)>,
) -> tantivy::Result<()> {
    let index = segment.inverted_index(field)?;
    let mut stream = index.terms().stream()?;
    while stream.advance() {
        let Ok(text) = std::str::from_utf8(stream.key()) else {
            continue;
        };
        let products = match segment.alive_bitset() {
            None => stream.value().doc_freq,
            Some(alive) => {
                let mut postings =
                    index.read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)?;
                let mut products = 0;
                let mut doc = postings.doc();
                while doc != TERMINATED {
                    products += u32::from(alive.is_alive(doc));
                    doc = postings.advance();
                }
                products
            }
        };
        if products > 0 {
            all.push((text.into(), products));
        }
    }
    Ok(())
}
