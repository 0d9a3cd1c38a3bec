//! How well products match words: term by term, so that statistics can count live products only.
//!
//! Scores must not depend on how segments happen to be laid out. Tantivy's own scorers take document frequencies
//! and average lengths that include deleted documents until a merge; here both are counted from live ones, and a
//! product's sum is always taken in the same order.

use std::sync::OnceLock;

use tantivy::{
    DocSet, Score, Searcher, TERMINATED, Term,
    fieldnorm::FieldNormReader,
    postings::Postings,
    schema::{Field, IndexRecordOption},
};

use crate::{
    accessories,
    reading::Wanted,
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
    /// What a synonym counts of the word itself.
    pub synonym: f32,
    /// The part of the query's rarity that a product loses when its name has what the query is without.
    pub unwanted: f32,
    /// The part of the query's rarity that an accessory loses when none was asked for.
    pub accessory: f32,
    /// How much a product suffers from the words it lacks: the power to which the part it has is raised.
    pub coverage: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            fields: [1.75, 3.5, 1.375, 1.0, 0.75],
            tie: 0.12,
            any: 4.5,
            name: 1.5,
            least: 0.0,
            synonym: 0.5,
            unwanted: 0.3,
            accessory: 0.6,
            coverage: 0.1,
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
    /// By ordinal, whether it is named by a word for accessories; read when first needed.
    pub(crate) accessories: &'a OnceLock<Vec<bool>>,
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
    /// How well the name says it: 1 by the word itself, less by a synonym.
    named: Score,
    /// How well any field says it.
    said: Score,
}

impl Scoring<'_> {
    /// The products that have any of what is wanted.
    pub(crate) fn find(
        &self,
        wanted: &[Wanted],
        unwanted: &[String],
    ) -> tantivy::Result<Vec<Found>> {
        let mut scores: Vec<Score> = vec![0.0; self.table.len()];
        let mut covered: Vec<Score> = vec![0.0; self.table.len()];
        let mut matches = vec![Match::default(); self.table.len()];
        let mut found: Vec<Ordinal> = Vec::new();
        let mut whole = 0.0;
        for word in wanted {
            let (matching, rarity) = self.match_word(word, &mut matches)?;
            whole += rarity;
            for ordinal in matching {
                let place = ordinal as usize;
                let given = std::mem::take(&mut matches[place]);
                if covered[place] == 0.0 {
                    found.push(ordinal);
                }
                covered[place] += rarity * given.said;
                let bonus = self.weights.any * given.said + self.weights.name * given.named;
                scores[place] +=
                    given.best + self.weights.tie * (given.sum - given.best) + bonus * rarity;
            }
        }
        if self.weights.coverage > 0.0 {
            // Most products have the same words as the one before.
            let (mut before, mut factor) = (Score::NAN, 0.0);
            for ordinal in &found {
                let place = *ordinal as usize;
                if covered[place].to_bits() != before.to_bits() {
                    before = covered[place];
                    factor = (before / whole).powf(self.weights.coverage);
                }
                scores[place] *= factor;
            }
        }
        let less = self.weights.unwanted * whole;
        self.punish(unwanted.iter(), less, &mut scores)?;
        if self.weights.accessory > 0.0 && !accessories::are_asked_for(wanted) {
            let less = self.weights.accessory * whole;
            let accessories = self.accessories()?;
            for ordinal in found.iter().map(|ordinal| *ordinal as usize) {
                if accessories[ordinal] {
                    scores[ordinal] -= less;
                }
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

    /// By ordinal, whether it is named by a word for accessories.
    fn accessories(&self) -> tantivy::Result<&[bool]> {
        if let Some(accessories) = self.accessories.get() {
            return Ok(accessories);
        }
        let (mut named, mut hits) = (vec![false; self.table.len()], Vec::new());
        for term in accessories::terms() {
            self.read(self.fields.text[0], term, &mut hits)?;
            for (ordinal, ..) in hits.drain(..) {
                named[ordinal as usize] = true;
            }
        }
        Ok(self.accessories.get_or_init(|| named))
    }

    /// Takes `less` from the products that are named by what is not wanted, once each.
    fn punish<'t>(
        &self,
        unwanted: impl Iterator<Item = &'t String>,
        less: Score,
        scores: &mut [Score],
    ) -> tantivy::Result<()> {
        let mut hits = Vec::new();
        for term in unwanted {
            self.read(self.fields.text[0], term, &mut hits)?;
        }
        hits.sort_unstable_by_key(|(ordinal, ..)| *ordinal);
        hits.dedup_by_key(|(ordinal, ..)| *ordinal);
        for (ordinal, ..) in hits {
            scores[ordinal as usize] -= less;
        }
        Ok(())
    }

    /// Notes in `matches` what the word gives; which products have it or a synonym, and how rare it is.
    fn match_word(
        &self,
        word: &Wanted,
        matches: &mut [Match],
    ) -> tantivy::Result<(Vec<Ordinal>, Score)> {
        let mut matching = Vec::new();
        let any = [Score::INFINITY; TEXT_FIELDS];
        let rarities = self.match_terms(&word.spellings, (1.0, any), matches, &mut matching)?;
        let itself = matching.len();
        if self.weights.synonym > 0.0 {
            let less = (self.weights.synonym, rarities);
            self.match_terms(&word.synonyms, less, matches, &mut matching)?;
        }
        let having = if itself > 0 { itself } else { matching.len() };
        Ok((matching, rarity(having, self.table.live())))
    }

    /// Notes what terms give that count as the same, times `counts`, in no field taken as rarer than `most`; how rare they
    /// are in each field, infinitely where they aren't.
    fn match_terms(
        &self,
        terms: &[String],
        (counts, most): (Score, [Score; TEXT_FIELDS]),
        matches: &mut [Match],
        matching: &mut Vec<Ordinal>,
    ) -> tantivy::Result<[Score; TEXT_FIELDS]> {
        let mut rarities = [Score::INFINITY; TEXT_FIELDS];
        for (position, field) in self.fields.text.into_iter().enumerate() {
            let mut hits = Vec::new();
            for term in terms {
                self.read(field, term, &mut hits)?;
            }
            if hits.is_empty() {
                continue;
            }
            let live = self.table.live();
            let rarity = rarity(hits.len().min(live), live).min(most[position]);
            rarities[position] = rarity;
            let weight = self.weights.fields[position] * counts * rarity * (K1 + 1.0);
            let average = self.lengths.0[position];
            for (ordinal, frequency, length) in hits {
                let norm = K1 * (1.0 - B + B * length / average);
                let score = weight * frequency / (frequency + norm);
                let entry = &mut matches[ordinal as usize];
                if entry.said == 0.0 {
                    matching.push(ordinal);
                }
                entry.said = entry.said.max(counts);
                if position == 0 {
                    entry.named = entry.named.max(counts);
                }
                entry.best = entry.best.max(score);
                entry.sum += score;
            }
        }
        Ok(rarities)
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
