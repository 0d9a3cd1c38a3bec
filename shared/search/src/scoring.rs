//! How well products match words: term by term, so that statistics can count live products only.
//!
//! Scores must not depend on how segments happen to be laid out. Tantivy's own scorers take document frequencies
//! and average lengths that include deleted documents until a merge; here both are counted from live ones, and a
//! product's sum is always taken in the same order.

use std::sync::OnceLock;

use tantivy::{
    Score, Searcher, SegmentReader, TERMINATED, Term,
    fieldnorm::FieldNormReader,
    schema::{Field, IndexRecordOption},
};

use crate::{
    accessories,
    postings::Postings,
    reading::Wanted,
    schema::{Fields, TEXT_FIELDS},
    statistics::{Remembered, Statistics},
    table::{Ordinal, Table},
    window::{Gain, WINDOW, Window},
};

const K1: Score = 1.2;
const B: Score = 0.75;

/// How much the parts of a score count. The defaults were found on two judged catalogues (see `benches/evaluate.rs`).
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
    /// The part by which a score rises with each step of popularity, that is, each time a product has sold twice as often.
    pub popularity: f32,
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
            popularity: 0.01,
        }
    }
}

/// Per field, what the length of a product's text does to its score, by the code tantivy keeps for the length.
#[derive(Debug)]
pub(crate) struct Lengths([[Score; 256]; TEXT_FIELDS]);

impl Lengths {
    /// Measures how long the fields of the live products are on average.
    pub(crate) fn measure(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Self> {
        let mut lengths = [[0.0; 256]; TEXT_FIELDS];
        for (norms, field) in lengths.iter_mut().zip(fields.text) {
            let (mut tokens, mut products) = (0_u64, 0_u64);
            for segment in searcher.segment_readers() {
                let norms = segment.get_fieldnorms_reader(field)?;
                tokens += segment
                    .doc_ids_alive()
                    .map(|doc| u64::from(norms.fieldnorm(doc)))
                    .sum::<u64>();
                products += u64::from(segment.num_docs());
            }
            let average = (ratio(tokens, products)).max(1.0);
            for (code, norm) in (0..=u8::MAX).zip(norms) {
                let length = FieldNormReader::id_to_fieldnorm(code);
                *norm = K1 * (1.0 - B + B * ratio(u64::from(length), 1) / average);
            }
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
    pub(crate) remembered: &'a Remembered,
    /// By ordinal, whether it is named by a word for accessories; read when first needed.
    pub(crate) accessories: &'a OnceLock<Vec<bool>>,
    pub(crate) weights: &'a Weights,
}

/// A product found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) ordinal: Ordinal,
    /// In steps, which are far above what summing in floating point leaves uncertain.
    pub(crate) score: i64,
}

/// How many steps a score of one has.
const SCORE_STEPS: Score = 10_000.0;

#[expect(
    clippy::cast_possible_truncation,
    reason = "scores are far below 2^63 steps"
)]
fn rounded(score: Score) -> i64 {
    let steps = score * SCORE_STEPS;
    // As `round` does, which is a call of a function where the processor has no instruction for it.
    (steps + 0.5_f32.copysign(steps)) as i64
}

/// Something asked for, with what a match of it counts.
struct Word {
    clauses: Vec<Clause>,
    rarity: Score,
}

/// A term in a field.
struct Clause {
    term: Term,
    /// The field's place among those of texts.
    field: usize,
    /// What the score rises to the more often a text has the term.
    weight: Score,
    /// What it counts of the word itself: less for a synonym.
    counts: Score,
}

/// A clause in a segment.
struct Cursor<'a> {
    clause: &'a Clause,
    postings: Postings,
    norms: &'a FieldNormReader,
}

impl Scoring<'_> {
    /// The products that have any of what is wanted, in order.
    pub(crate) fn find(
        &self,
        wanted: &[Wanted],
        unwanted: &[String],
        mut take: impl FnMut(Found),
    ) -> tantivy::Result<()> {
        let words = wanted.iter().map(|word| self.weigh(word));
        let words: Vec<_> = words.collect::<tantivy::Result<_>>()?;
        let whole = words.iter().map(|word| word.rarity).sum();
        let ending = self.ending(wanted, unwanted, whole)?;
        let mut factors = Factors::new(whole, self.weights.coverage);
        let mut window = Window::new();
        for (position, segment) in self.searcher.segment_readers().iter().enumerate() {
            let base = self.table.base(position);
            let norms = self
                .fields
                .text
                .map(|field| segment.get_fieldnorms_reader(field));
            let norms: Vec<_> = norms.into_iter().collect::<tantivy::Result<_>>()?;
            let mut cursors = words
                .iter()
                .map(|word| Ok((open(segment, word, &norms)?, word.rarity)))
                .collect::<tantivy::Result<Vec<_>>>()?;
            loop {
                let next = cursors.iter().flat_map(|(cursors, _)| cursors);
                let next = next.map(|cursor| cursor.postings.next()).min();
                let Some(next) = next.filter(|next| *next != TERMINATED) else {
                    break;
                };
                let start = next - next % WINDOW;
                for (cursors, rarity) in &mut cursors {
                    self.note(segment, cursors, start, &mut window);
                    window.end_word(|given| Gain {
                        score: given.best
                            + self.weights.tie * (given.sum - given.best)
                            + (self.weights.any * given.said + self.weights.name * given.named)
                                * *rarity,
                        covered: *rarity * given.said,
                    });
                }
                window.end(|place, gain| {
                    let ordinal = base + start + place;
                    if gain.covered >= ending.least {
                        let score =
                            gain.score * factors.of(gain.covered) * self.popularity(ordinal);
                        let score = score - ending.malus(ordinal);
                        let score = rounded(score);
                        take(Found { ordinal, score });
                    }
                });
            }
        }
        Ok(())
    }

    /// What a product's score is multiplied by as it sells; only of what can be had, which comes first among equals.
    fn popularity(&self, ordinal: Ordinal) -> Score {
        let traits = self.table.traits(ordinal);
        let steps = traits.popularity.steps() * u8::from(traits.available);
        1.0 + self.weights.popularity * Score::from(steps)
    }

    /// Notes what a word gives the documents of the window at `start`.
    fn note(
        &self,
        segment: &SegmentReader,
        cursors: &mut [Cursor<'_>],
        start: u32,
        window: &mut Window,
    ) {
        let alive = segment.alive_bitset();
        for Cursor {
            clause,
            postings,
            norms,
        } in cursors
        {
            let by_length = &self.lengths.0[clause.field];
            let named = if clause.field == 0 {
                clause.counts
            } else {
                0.0
            };
            postings.take_until(start + WINDOW, alive, |doc, frequency| {
                let frequency = ratio(u64::from(frequency), 1);
                let norm = by_length[usize::from(norms.fieldnorm_id(doc))];
                let score = clause.weight * frequency / (frequency + norm);
                window.note(doc - start, score, clause.counts, named);
            });
        }
    }

    /// What a match of the word counts.
    fn weigh(&self, word: &Wanted) -> tantivy::Result<Word> {
        let count = || Statistics::count(self.searcher, self.fields, word);
        let counted = self.remembered.of(word, count)?;
        let live = self.table.live();
        let groups = [
            (&word.spellings, 1.0, counted.spellings),
            (&word.synonyms, self.weights.synonym, counted.synonyms),
        ];
        let mut clauses = Vec::new();
        // A synonym is taken as no rarer than the word itself.
        let mut rarities = [Score::INFINITY; TEXT_FIELDS];
        for (terms, counts, having) in groups {
            for (place, field) in self.fields.text.into_iter().enumerate() {
                if counts > 0.0 && having[place] > 0 {
                    let rarest = rarities[place];
                    rarities[place] = rarity(having[place].min(live), live).min(rarest);
                    let weight = self.weights.fields[place] * counts * rarities[place] * (K1 + 1.0);
                    clauses.extend(terms.iter().map(|text| Clause {
                        term: Term::from_field_text(field, text),
                        field: place,
                        weight,
                        counts,
                    }));
                }
            }
        }
        let having = match counted.itself {
            0 if self.weights.synonym > 0.0 => counted.all,
            itself => itself,
        };
        let rarity = rarity(having, live);
        Ok(Word { clauses, rarity })
    }

    /// What else counts besides the words.
    fn ending(
        &self,
        wanted: &[Wanted],
        unwanted: &[String],
        whole: Score,
    ) -> tantivy::Result<Ending<'_>> {
        let unwanted = if unwanted.is_empty() {
            None
        } else {
            Some((self.named_by(unwanted)?, self.weights.unwanted * whole))
        };
        let accessory = self.weights.accessory > 0.0 && !accessories::are_asked_for(wanted);
        let accessories = if accessory {
            Some((self.accessories()?, self.weights.accessory * whole))
        } else {
            None
        };
        Ok(Ending {
            least: whole * self.weights.least,
            unwanted,
            accessories,
        })
    }

    /// By ordinal, whether it is named by a word for accessories.
    fn accessories(&self) -> tantivy::Result<&[bool]> {
        if let Some(accessories) = self.accessories.get() {
            return Ok(accessories);
        }
        let named = self.named_by(accessories::terms())?;
        Ok(self.accessories.get_or_init(|| named))
    }

    /// By ordinal, whether any of the terms is in the name.
    fn named_by<'t>(
        &self,
        terms: impl IntoIterator<Item = &'t String>,
    ) -> tantivy::Result<Vec<bool>> {
        let name: Field = self.fields.text[0];
        let mut named = vec![false; self.table.len()];
        for text in terms {
            let term = Term::from_field_text(name, text);
            for (position, segment) in self.searcher.segment_readers().iter().enumerate() {
                let base = self.table.base(position);
                if let Some(mut having) = Postings::open(segment, &term, IndexRecordOption::Basic)?
                {
                    let alive = segment.alive_bitset();
                    having.take_all(alive, |doc| named[(base + doc) as usize] = true);
                }
            }
        }
        Ok(named)
    }
}

/// The word's clauses, where the segment has their terms.
fn open<'a>(
    segment: &SegmentReader,
    word: &'a Word,
    norms: &'a [FieldNormReader],
) -> tantivy::Result<Vec<Cursor<'a>>> {
    let mut cursors = Vec::with_capacity(word.clauses.len());
    for clause in &word.clauses {
        if let Some(postings) = Postings::open(segment, &clause.term, IndexRecordOption::WithFreqs)?
        {
            cursors.push(Cursor {
                clause,
                postings,
                norms: &norms[clause.field],
            });
        }
    }
    Ok(cursors)
}

/// What counts besides the words: by ordinal whether it takes something off, and how much.
struct Ending<'a> {
    /// What has to be covered at least.
    least: Score,
    unwanted: Option<(Vec<bool>, Score)>,
    accessories: Option<(&'a [bool], Score)>,
}

impl Ending<'_> {
    fn malus(&self, ordinal: Ordinal) -> Score {
        let place = ordinal as usize;
        let mut malus = 0.0;
        if let Some((named, less)) = &self.unwanted
            && named[place]
        {
            malus += less;
        }
        if let Some((named, less)) = &self.accessories
            && named[place]
        {
            malus += less;
        }
        malus
    }
}

/// What remains of a score by how much of the query a product has. Few products differ in that, so powers are kept.
struct Factors {
    whole: Score,
    power: Score,
    known: [(Score, Score); Factors::KNOWN],
}

impl Factors {
    const KNOWN: usize = 64;

    fn new(whole: Score, power: Score) -> Self {
        Self {
            whole,
            power,
            known: [(Score::NAN, 0.0); Self::KNOWN],
        }
    }

    fn of(&mut self, covered: Score) -> Score {
        let mixed = covered.to_bits().wrapping_mul(0x9E37_79B1) >> 26;
        let known = &mut self.known[mixed as usize % Self::KNOWN];
        if known.0.to_bits() != covered.to_bits() {
            *known = (covered, (covered / self.whole).powf(self.power));
        }
        known.1
    }
}
