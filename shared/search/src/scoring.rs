//! How well products match words: term by term, so that statistics can count live products only.
//!
//! Scores must not depend on how segments happen to be laid out. Tantivy's own scorers take document frequencies
//! and average lengths that include deleted documents until a merge; here both are counted from live ones, and a
//! product's sum is always taken in the same order.

use tantivy::{
    DocSet, Score, Searcher, TERMINATED, Term,
    fieldnorm::FieldNormReader,
    postings::Postings,
    schema::{Field, IndexRecordOption},
};

use crate::{
    schema::{Fields, TEXT_FIELDS},
    table::{Ordinal, Table},
};

const K1: Score = 1.2;
const B: Score = 0.75;

/// How much the parts of a score count. The defaults were found on two judged catalogues (see `examples/evaluate.rs`).
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// BM25 in name, brand, category, description, attributes.
    pub fields: [f32; 5],
    /// The part of the weaker fields' scores that is added to the best one's.
    pub tie: f32,
    /// Times the word's rarity, when any field has it.
    pub any: f32,
    /// Times the word's rarity, when the name has it.
    pub name: f32,
    /// The part of the query's rarity that a product must match to be found at all.
    pub least: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            fields: [1.75, 3.5, 1.1, 1.0, 0.75],
            tie: 0.1,
            any: 3.5,
            name: 1.0,
            least: 0.0,
        }
    }
}

/// Per field, how long it is on average in live products.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths([Score; TEXT_FIELDS]);

impl Lengths {
    /// Measures the live products.
    pub(crate) fn measure(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Self> {
        let mut lengths = [0.0; TEXT_FIELDS];
        for (length, field) in lengths.iter_mut().zip(fields.text) {
            let (mut tokens, mut products) = (0_u64, 0_u64);
            for segment in searcher.segment_readers() {
                let norms = segment.get_fieldnorms_reader(field)?;
                tokens += segment
                    .doc_ids_alive()
                    .map(|doc| u64::from(norms.fieldnorm(doc)))
                    .sum::<u64>();
                products += u64::from(segment.num_docs());
            }
            *length = (ratio(tokens, products)).max(1.0);
        }
        Ok(Self(lengths))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "statistics don't need more than 24 bits"
)]
fn ratio(part: u64, whole: u64) -> Score {
    part as Score / whole.max(1) as Score
}

#[expect(
    clippy::cast_precision_loss,
    reason = "statistics don't need more than 24 bits"
)]
fn rarity(having: usize, all: usize) -> Score {
    let (having, all) = (having as Score, all as Score);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

/// Finds and scores products.
pub(crate) struct Scoring<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) fields: &'a Fields,
    pub(crate) table: &'a Table,
    pub(crate) lengths: &'a Lengths,
    pub(crate) weights: &'a Weights,
}

/// A product found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) ordinal: Ordinal,
    pub(crate) score: Score,
}

/// What one word gives a product.
#[derive(Clone, Copy, Default)]
struct Match {
    best: Score,
    sum: Score,
    named: bool,
    matched: bool,
}

impl Scoring<'_> {
    /// The products that have any of the terms, each term being a list of spellings that count as the same.
    pub(crate) fn find(&self, terms: &[Vec<String>]) -> tantivy::Result<Vec<Found>> {
        let mut scores: Vec<Score> = vec![0.0; self.table.len()];
        let mut covered: Vec<Score> = vec![0.0; self.table.len()];
        let mut matches = vec![Match::default(); self.table.len()];
        let mut found: Vec<Ordinal> = Vec::new();
        let mut whole = 0.0;
        for spellings in terms {
            let matching = self.match_term(spellings, &mut matches)?;
            let rarity = rarity(matching.len(), self.table.live());
            whole += rarity;
            for ordinal in matching {
                let place = ordinal as usize;
                let Match {
                    best, sum, named, ..
                } = std::mem::take(&mut matches[place]);
                if covered[place] == 0.0 {
                    found.push(ordinal);
                }
                covered[place] += rarity;
                let bonus = self.weights.any + if named { self.weights.name } else { 0.0 };
                scores[place] += best + self.weights.tie * (sum - best) + bonus * rarity;
            }
        }
        let least = whole * self.weights.least;
        let enough = found
            .into_iter()
            .filter(|ordinal| covered[*ordinal as usize] >= least);
        Ok(enough
            .map(|ordinal| Found {
                ordinal,
                score: scores[ordinal as usize],
            })
            .collect())
    }

    /// Notes in `matches` what the term gives; which products have it.
    fn match_term(
        &self,
        spellings: &[String],
        matches: &mut [Match],
    ) -> tantivy::Result<Vec<Ordinal>> {
        let mut matching = Vec::new();
        for (position, field) in self.fields.text.into_iter().enumerate() {
            let weight = self.weights.fields[position];
            let mut hits = Vec::new();
            for spelling in spellings {
                self.read(field, spelling, &mut hits)?;
            }
            let rarity = rarity(hits.len().min(self.table.live()), self.table.live());
            let average = self.lengths.0[position];
            for (ordinal, frequency, length) in hits {
                let norm = K1 * (1.0 - B + B * length / average);
                let score = weight * rarity * (K1 + 1.0) * frequency / (frequency + norm);
                let entry = &mut matches[ordinal as usize];
                if !std::mem::replace(&mut entry.matched, true) {
                    matching.push(ordinal);
                }
                entry.best = entry.best.max(score);
                entry.sum += score;
                entry.named |= position == 0;
            }
        }
        Ok(matching)
    }

    /// The live products that have the term in the field: how often, in how long a text.
    #[expect(
        clippy::cast_precision_loss,
        reason = "texts have far fewer than 2^24 words"
    )]
    fn read(
        &self,
        field: Field,
        text: &str,
        hits: &mut Vec<(Ordinal, Score, Score)>,
    ) -> tantivy::Result<()> {
        let term = Term::from_field_text(field, text);
        for (position, segment) in self.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(field)?;
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::WithFreqs)?
            else {
                continue;
            };
            let norms: FieldNormReader = segment.get_fieldnorms_reader(field)?;
            let base = self.table.base(position);
            let alive = segment.alive_bitset();
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if alive.is_none_or(|alive| alive.is_alive(doc)) {
                    hits.push((
                        base + doc,
                        postings.term_freq() as Score,
                        norms.fieldnorm(doc) as Score,
                    ));
                }
                doc = postings.advance();
            }
        }
        Ok(())
    }
}
