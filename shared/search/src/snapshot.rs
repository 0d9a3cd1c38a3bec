//! A version of the index, loaded and ready to be searched.

use std::{path::Path, sync::OnceLock};

use bothways_domain::{Error, Money, Result, search::Hit};
use tantivy::{
    DocSet, Index, Searcher, TERMINATED, TantivyDocument, Term,
    schema::{Field, IndexRecordOption, Value},
};

use crate::{
    analyzer,
    overlay::Overlay,
    postings::Postings,
    reading::Catalogue,
    schema::{self, Card, Fields},
    scoring::{Lengths, Scoring, Weights},
    statistics::Remembered,
    synonyms::Synonyms,
    table::{Ordinal, Table, reader_of},
    vocabulary::Vocabulary,
};

/// What is searched. Never changes; a newer version replaces it whole.
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    pub(crate) table: Table,
    searcher: Searcher,
    fields: Fields,
    lengths: Lengths,
    remembered: Remembered,
    /// The shop's own, if it has any.
    synonyms: Option<Synonyms>,
    /// Which documents are named by a word for accessories; found with the first search.
    accessories: OnceLock<Vec<bool>>,
    /// Only read when somebody misspells or asks for suggestions, so that a cold start needn't wait for it.
    vocabulary: OnceLock<Vocabulary>,
}

impl Snapshot {
    /// Opens the index whose files are in `folder`. Blocks.
    pub(crate) fn open(
        version: u64,
        folder: &Path,
        overlay: &Overlay,
        synonyms: Option<Synonyms>,
    ) -> Result<Self> {
        let index = Index::open_in_dir(folder).map_err(Error::internal)?;
        analyzer::register(&index);
        let (_, fields) = schema::schema();
        let searcher = reader_of(&index).map_err(Error::internal)?.searcher();
        let table = Table::load(&searcher, overlay)?;
        let lengths = Lengths::measure(&searcher, &fields).map_err(Error::internal)?;
        Ok(Self {
            version,
            table,
            searcher,
            fields,
            lengths,
            remembered: Remembered::default(),
            synonyms,
            accessories: OnceLock::new(),
            vocabulary: OnceLock::new(),
        })
    }

    /// How products are found in it.
    pub(crate) fn scoring<'a>(&'a self, weights: &'a Weights) -> Scoring<'a> {
        Scoring {
            searcher: &self.searcher,
            fields: &self.fields,
            table: &self.table,
            lengths: &self.lengths,
            remembered: &self.remembered,
            accessories: &self.accessories,
            weights,
        }
    }

    /// What a list shows of a product.
    pub(crate) fn hit(&self, ordinal: Ordinal) -> Result<Hit> {
        let document: TantivyDocument = self
            .searcher
            .doc(self.table.address(ordinal))
            .map_err(Error::internal)?;
        let card = document
            .get_first(self.fields.card)
            .and_then(|card| card.as_bytes());
        let card = card.ok_or_else(|| Error::internal("a product in the index has no card"))?;
        let card: Card = serde_json::from_slice(card).map_err(Error::internal)?;
        let row = self.table.row(ordinal);
        Ok(Hit {
            id: card.id,
            name: card.name,
            brand: card.brand,
            category: card.category,
            price: Money::new(row.price, card.currency),
            image: card.image,
            availability: row.availability,
            rating: row.rating,
        })
    }

    /// The live products that have this word or phrase, in order.
    fn ordinals_with(&self, phrase: &str) -> tantivy::Result<Vec<Ordinal>> {
        let term = Term::from_field_text(self.fields.phrases, phrase);
        let mut ordinals = Vec::new();
        for (position, segment) in self.searcher.segment_readers().iter().enumerate() {
            if let Some(mut having) = Postings::open(segment, &term, IndexRecordOption::Basic)? {
                let (base, alive) = (self.table.base(position), segment.alive_bitset());
                having.take_all(alive, |doc| ordinals.push(base + doc));
            }
        }
        Ok(ordinals)
    }

    fn has_live(&self, field: Field, text: &str) -> tantivy::Result<bool> {
        let term = Term::from_field_text(field, text);
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let Some(info) = index.get_term_info(&term)? else {
                continue;
            };
            let Some(alive) = segment.alive_bitset() else {
                return Ok(true);
            };
            let mut postings =
                index.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if alive.is_alive(doc) {
                    return Ok(true);
                }
                doc = postings.advance();
            }
        }
        Ok(false)
    }
}

impl Catalogue for Snapshot {
    fn knows(&self, term: &str) -> bool {
        let mut fields = self.fields.text.into_iter();
        fields.any(|field| {
            self.has_live(field, term).unwrap_or_else(|error| {
                tracing::error!(%error, "a term can't be looked up");
                false
            })
        })
    }

    fn having(&self, word: &str) -> Vec<Ordinal> {
        self.ordinals_with(word).unwrap_or_else(|error| {
            tracing::error!(%error, "a word can't be looked up");
            Vec::new()
        })
    }

    fn synonyms(&self) -> &Synonyms {
        self.synonyms
            .as_ref()
            .unwrap_or_else(|| Synonyms::ordinary())
    }

    fn vocabulary(&self) -> &Vocabulary {
        self.vocabulary.get_or_init(|| {
            Vocabulary::load(&self.searcher, self.fields.phrases).unwrap_or_else(|error| {
                tracing::error!(%error, "the vocabulary can't be read");
                Vocabulary::default()
            })
        })
    }
}
