//! What filters, sorting and facets need of every product, as arrays by document.

use std::{cmp::Ordering, collections::HashMap, io};

use bothways_domain::{
    Error, Result,
    inventory::{Availability, Popularity},
    product::Category,
};
use tantivy::{DocId, Index, IndexReader, ReloadPolicy, Searcher, SegmentReader};

use crate::{
    category_tree::{CategoryTree, Node, ROOT},
    facets::price_range,
    overlay::{Overlay, Row},
    schema::{BRAND_LABEL, CATEGORY_PATH, CREATED_AT, ID, NUMBER},
};

/// A document's place over all segments: the documents of earlier segments, deleted ones included, then its own.
pub(crate) type Ordinal = u32;
/// What a product without a brand has.
pub(crate) const NO_BRAND: u32 = u32::MAX;
/// The rank of a deleted document.
const DELETED: u32 = u32::MAX;

/// What a product is counted and filtered by, together, since who needs one of it needs all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    /// The number of its brand.
    pub(crate) brand: u32,
    /// The node of its category.
    pub(crate) category: Node,
    /// The place of its price among the ranges.
    pub(crate) price_range: u8,
    /// Whether it can be had.
    pub(crate) available: bool,
    /// How well it sells.
    pub(crate) popularity: Popularity,
}

/// The arrays.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Where the product stands in the order of ids.
    ranks: Vec<u32>,
    rows: Vec<Row>,
    created_at: Vec<i64>,
    traits: Vec<Traits>,
    brand_names: Vec<String>,
    brand_numbers: HashMap<String, u32>,
    /// The categories.
    pub(crate) tree: CategoryTree,
    /// By segment, its first document's ordinal.
    bases: Vec<Ordinal>,
    live: usize,
}

/// A reader that never looks for changes by itself.
pub(crate) fn reader_of(index: &Index) -> tantivy::Result<IndexReader> {
    index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
}

/// Calls `take` for every live document that has a value in this column of texts.
pub(crate) fn each_text(
    segment: &SegmentReader,
    column: &str,
    mut take: impl FnMut(DocId, &str),
) -> tantivy::Result<()> {
    let Some(texts) = segment.fast_fields().str(column)? else {
        return Ok(());
    };
    let mut values = Vec::with_capacity(texts.num_terms());
    let mut stream = texts.dictionary().stream()?;
    while stream.advance() {
        values.push(String::from_utf8_lossy(stream.key()).into_owned());
    }
    for doc in segment.doc_ids_alive() {
        let value = texts
            .ords()
            .first(doc)
            .and_then(|ord| values.get(usize::try_from(ord).ok()?));
        if let Some(value) = value {
            take(doc, value);
        }
    }
    Ok(())
}

impl Table {
    /// Reads the columns of every segment and joins the overlay.
    pub(crate) fn load(searcher: &Searcher, overlay: &Overlay) -> Result<Self> {
        let mut table = Self::default();
        let mut ids: Vec<(String, Ordinal)> = Vec::new();
        for segment in searcher.segment_readers() {
            table
                .load_segment(segment, overlay, &mut ids)
                .map_err(Error::internal)?;
        }
        ids.sort_unstable();
        table.live = ids.len();
        for (rank, (_, ordinal)) in ids.iter().enumerate() {
            table.ranks[*ordinal as usize] = u32::try_from(rank).unwrap_or(DELETED);
        }
        Ok(table)
    }

    fn load_segment(
        &mut self,
        segment: &SegmentReader,
        overlay: &Overlay,
        ids: &mut Vec<(String, Ordinal)>,
    ) -> tantivy::Result<()> {
        let base = u32::try_from(self.ranks.len()).map_err(io::Error::other)?;
        let end = self.ranks.len() + segment.max_doc() as usize;
        let nothing = Row {
            price: 0,
            availability: Availability::Unknown,
            popularity: Popularity::default(),
            rating: None,
        };
        self.bases.push(base);
        self.ranks.resize(end, DELETED);
        self.rows.resize(end, nothing);
        self.created_at.resize(end, 0);
        let untold = Traits {
            brand: NO_BRAND,
            category: ROOT,
            price_range: 0,
            available: false,
            popularity: Popularity::default(),
        };
        self.traits.resize(end, untold);
        each_text(segment, ID, |doc, id| ids.push((id.to_owned(), base + doc)))?;
        each_text(segment, BRAND_LABEL, |doc, brand| {
            let number = self.brand_number(brand);
            self.traits[(base + doc) as usize].brand = number;
        })?;
        let mut known: HashMap<String, Node> = HashMap::new();
        each_text(segment, CATEGORY_PATH, |doc, path| {
            let node = known.get(path).copied().unwrap_or_else(|| {
                let node = self.tree.insert(&Category::parse_path(path));
                known.insert(path.to_owned(), node);
                node
            });
            self.traits[(base + doc) as usize].category = node;
        })?;
        let created = segment.fast_fields().i64(CREATED_AT)?;
        let numbers = segment.fast_fields().u64(NUMBER)?;
        for doc in segment.doc_ids_alive() {
            let place = (base + doc) as usize;
            let number = numbers
                .first(doc)
                .and_then(|number| usize::try_from(number).ok());
            let row = number.and_then(|number| *overlay.rows.get(number)?);
            let row = row.ok_or_else(|| io::Error::other("the overlay lacks a product"))?;
            self.rows[place] = row;
            self.traits[place].price_range = price_range(row.price);
            self.traits[place].available = row.availability.is_available();
            self.traits[place].popularity = row.popularity;
            self.created_at[place] = created.first(doc).unwrap_or(0);
        }
        Ok(())
    }

    fn brand_number(&mut self, brand: &str) -> u32 {
        if let Some(number) = self.brand_numbers.get(brand) {
            return *number;
        }
        let number = u32::try_from(self.brand_names.len()).unwrap_or(NO_BRAND);
        self.brand_names.push(brand.to_owned());
        self.brand_numbers.insert(brand.to_owned(), number);
        number
    }

    /// How many documents there are, deleted ones included.
    pub(crate) fn len(&self) -> usize {
        self.ranks.len()
    }

    /// How many products there are.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The products' documents.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = Ordinal> {
        (0..)
            .zip(&self.ranks)
            .filter(|(_, rank)| **rank != DELETED)
            .map(|(ordinal, _)| ordinal)
    }

    /// The first document of a segment.
    pub(crate) fn base(&self, segment: usize) -> Ordinal {
        self.bases[segment]
    }

    /// The segment and the document in it.
    pub(crate) fn address(&self, ordinal: Ordinal) -> tantivy::DocAddress {
        let segment = self.bases.partition_point(|base| *base <= ordinal) - 1;
        tantivy::DocAddress::new(
            u32::try_from(segment).unwrap_or(0),
            ordinal - self.bases[segment],
        )
    }

    /// Price, availability, popularity, rating.
    pub(crate) fn row(&self, ordinal: Ordinal) -> &Row {
        &self.rows[ordinal as usize]
    }

    /// What it is counted and filtered by.
    pub(crate) fn traits(&self, ordinal: Ordinal) -> Traits {
        self.traits[ordinal as usize]
    }

    /// Its rank in the order of ids.
    pub(crate) fn rank(&self, ordinal: Ordinal) -> u32 {
        self.ranks[ordinal as usize]
    }

    /// The names of the brands, by number.
    pub(crate) fn brand_names(&self) -> &[String] {
        &self.brand_names
    }

    /// By brand number: whether it is one of these.
    pub(crate) fn brands_among(&self, chosen: &[String]) -> Vec<bool> {
        let mut among = vec![false; self.brand_names.len()];
        for number in chosen
            .iter()
            .filter_map(|brand| self.brand_numbers.get(brand))
        {
            among[*number as usize] = true;
        }
        among
    }

    /// Best rated first, unrated last.
    pub(crate) fn by_rating(&self, a: Ordinal, b: Ordinal) -> Ordering {
        let stars = |ordinal| {
            self.row(ordinal)
                .rating
                .map_or(-1.0, bothways_domain::product::Rating::stars)
        };
        f64::total_cmp(&stars(b), &stars(a))
    }

    /// Newest first.
    pub(crate) fn by_age(&self, a: Ordinal, b: Ordinal) -> Ordering {
        self.created_at[b as usize].cmp(&self.created_at[a as usize])
    }
}
