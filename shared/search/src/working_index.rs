//! The indexer's own copy of the index: tantivy in a folder, and what it knows of every product.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use bothways_domain::{Error, Result, id::ProductId, search::IndexedProduct};
use bytes::Bytes;
use tantivy::{
    Index, IndexWriter, Term,
    indexer::{LogMergePolicy, MergePolicy, NoMergePolicy},
};

use crate::{
    analyzer,
    manifest::{Blob, Manifest},
    overlay::{Overlay, Row},
    schema::{self, DIGEST, Fields, ID, NUMBER},
    scratch::Scratch,
    snapshot_store::blob_of,
    table::{each_text, reader_of},
};

/// What the writer may hold in memory before it writes a segment by itself.
const WRITER_MEMORY: usize = 64 << 20;
/// Segments of about the same size are merged when there are so many.
const MERGE_AT: usize = 6;
/// Segments smaller than this count as the same size. Few, so that a change of one product never has an import's
/// segments merged, and transferred, with it.
const SMALL_SEGMENT: u32 = 16;
/// From this many times as large on, it is another size, as a power of two.
const SAME_SIZE: f64 = 2.0;
/// A segment is rewritten when this part of it is deleted.
const MOSTLY_DELETED: f32 = 0.3;

/// Tantivy's list of segments.
const SEGMENT_LIST: &str = "meta.json";

/// What is known of an indexed product.
#[derive(Debug, Clone, Copy)]
struct Known {
    number: u32,
    digest: u64,
    row: Row,
}

/// The index as this indexer has it.
pub(crate) struct WorkingIndex {
    /// Goes when the index does.
    folder: Scratch,
    index: Index,
    fields: Fields,
    writer: IndexWriter,
    known: HashMap<ProductId, Known>,
    free: Vec<u32>,
    next: u32,
}

/// Everything a new version consists of.
pub(crate) struct Contents {
    pub(crate) products: usize,
    pub(crate) files: BTreeMap<String, Blob>,
    pub(crate) overlay: Vec<Blob>,
    /// What the version before did not have.
    pub(crate) new: Vec<(Blob, Bytes)>,
}

impl WorkingIndex {
    /// An index without products in an empty folder.
    pub(crate) fn create(folder: Scratch) -> Result<Self> {
        let (schema, _) = schema::schema();
        let index = Index::create_in_dir(folder.path(), schema).map_err(Error::internal)?;
        Self::with(folder, index, HashMap::new())
    }

    /// The index whose files are in `folder`.
    pub(crate) fn open(folder: Scratch, manifest: &Manifest, overlay: &Overlay) -> Result<Self> {
        // Tantivy removes what it no longer needs of the files that this list names.
        let names: Vec<_> = manifest.files.keys().collect();
        let names = serde_json::to_vec(&names).map_err(Error::internal)?;
        std::fs::write(folder.path().join(".managed.json"), names).map_err(Error::internal)?;
        let index = Index::open_in_dir(folder.path()).map_err(Error::internal)?;
        analyzer::register(&index);
        let known = known_products(&index, overlay)?;
        Self::with(folder, index, known)
    }

    fn with(folder: Scratch, index: Index, known: HashMap<ProductId, Known>) -> Result<Self> {
        analyzer::register(&index);
        let (_, fields) = schema::schema();
        let writer: IndexWriter = index
            .writer_with_num_threads(1, WRITER_MEMORY)
            .map_err(Error::internal)?;
        // Merging happens between commit and publication, where nothing else touches the files.
        writer.set_merge_policy(Box::new(NoMergePolicy));
        let next = known
            .values()
            .map(|known| known.number + 1)
            .max()
            .unwrap_or(0);
        let mut used = vec![false; next as usize];
        for known in known.values() {
            used[known.number as usize] = true;
        }
        let free = (0..next).filter(|number| !used[*number as usize]).collect();
        Ok(Self {
            folder,
            index,
            fields,
            writer,
            known,
            free,
            next,
        })
    }

    /// How many products it holds.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Makes the index hold exactly this of the named products; whether anything changed.
    pub(crate) fn apply(
        &mut self,
        present: &[IndexedProduct],
        absent: &[ProductId],
    ) -> Result<bool> {
        let (mut changed, mut text_changed) = (false, false);
        for indexed in present {
            let (row, text) = self.put(indexed)?;
            changed |= row;
            text_changed |= text;
        }
        for id in absent {
            if let Some(known) = self.known.remove(id) {
                self.writer
                    .delete_term(Term::from_field_text(self.fields.id, id.as_str()));
                self.free.push(known.number);
                text_changed = true;
            }
        }
        if text_changed {
            self.writer.commit().map_err(Error::internal)?;
            self.merge()?;
        }
        Ok(changed || text_changed)
    }

    /// Whether its row and whether its text changed.
    fn put(&mut self, indexed: &IndexedProduct) -> Result<(bool, bool)> {
        let product = &indexed.product;
        let row = Row {
            price: product.draft.price.amount(),
            availability: indexed.availability,
            popularity: indexed.popularity,
            rating: product.draft.rating,
        };
        let digest = schema::digest(product).map_err(Error::internal)?;
        let before = self.known.get(&product.id).copied();
        if let Some(before) = before
            && before.digest == digest
        {
            self.known
                .insert(product.id.clone(), Known { row, ..before });
            return Ok((before.row != row, false));
        }
        let number = match before {
            Some(before) => before.number,
            None => self.new_number(),
        };
        let document =
            schema::document(&self.fields, product, number, digest).map_err(Error::internal)?;
        if before.is_some() {
            self.writer
                .delete_term(Term::from_field_text(self.fields.id, product.id.as_str()));
        }
        self.writer
            .add_document(document)
            .map_err(Error::internal)?;
        self.known.insert(
            product.id.clone(),
            Known {
                number,
                digest,
                row,
            },
        );
        Ok((true, true))
    }

    fn new_number(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// Keeps the number of segments logarithmic in the number of products.
    fn merge(&mut self) -> Result<()> {
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(MERGE_AT);
        policy.set_min_layer_size(SMALL_SEGMENT);
        policy.set_level_log_size(SAME_SIZE);
        policy.set_del_docs_ratio_before_merge(MOSTLY_DELETED);
        let segments = self
            .index
            .searchable_segment_metas()
            .map_err(Error::internal)?;
        for candidate in policy.compute_merge_candidates(&segments) {
            self.writer
                .merge(&candidate.0)
                .wait()
                .map_err(Error::internal)?;
        }
        Ok(())
    }

    /// Merges everything into one segment, which gives the same results faster.
    pub(crate) fn compact(&mut self) -> Result<()> {
        let segments = self
            .index
            .searchable_segment_ids()
            .map_err(Error::internal)?;
        if segments.len() > 1 {
            self.writer
                .merge(&segments)
                .wait()
                .map_err(Error::internal)?;
        }
        Ok(())
    }

    /// What a new version consists of, after the version `before`.
    pub(crate) fn contents(&self, before: Option<&Manifest>) -> Result<Contents> {
        let meta = self.index.load_metas().map_err(Error::internal)?;
        let mut names: Vec<_> = meta.list_segment_files().into_iter().collect();
        names.retain(|name| self.folder.path().join(name).is_file());
        names.push(PathBuf::from(SEGMENT_LIST));
        let (mut files, mut new) = (BTreeMap::new(), Vec::new());
        for name in names {
            let path = self.folder.path().join(&name);
            let name = name.to_string_lossy().into_owned();
            let known = before.and_then(|before| before.files.get(&name));
            // Tantivy never writes a segment's file again; only its list of segments changes.
            if let Some(blob) = known.filter(|_| name != SEGMENT_LIST) {
                files.insert(name, blob.clone());
                continue;
            }
            let bytes = Bytes::from(std::fs::read(path).map_err(Error::internal)?);
            let blob = blob_of(&bytes);
            if known != Some(&blob) {
                new.push((blob.clone(), bytes));
            }
            files.insert(name, blob);
        }
        let mut overlay = Vec::new();
        for bytes in self.overlay().encode() {
            let blob = blob_of(&bytes);
            if before.is_none_or(|before| !before.overlay.contains(&blob)) {
                new.push((blob.clone(), Bytes::from(bytes)));
            }
            overlay.push(blob);
        }
        Ok(Contents {
            products: self.len(),
            files,
            overlay,
            new,
        })
    }

    fn overlay(&self) -> Overlay {
        let mut rows = vec![None; self.next as usize];
        for known in self.known.values() {
            rows[known.number as usize] = Some(known.row);
        }
        Overlay { rows }
    }
}

/// Reads back what was known of every product when the version was published.
fn known_products(index: &Index, overlay: &Overlay) -> Result<HashMap<ProductId, Known>> {
    let searcher = reader_of(index).map_err(Error::internal)?.searcher();
    let mut products = HashMap::with_capacity(overlay.rows.len());
    for segment in searcher.segment_readers() {
        let columns = segment.fast_fields();
        let numbers = columns.u64(NUMBER).map_err(Error::internal)?;
        let digests = columns.u64(DIGEST).map_err(Error::internal)?;
        let mut damaged = false;
        each_text(segment, ID, |doc, id| {
            let number = numbers
                .first(doc)
                .and_then(|number| u32::try_from(number).ok());
            let row = number.and_then(|number| *overlay.rows.get(number as usize)?);
            match (ProductId::parse(id), number, digests.first(doc), row) {
                (Some(id), Some(number), Some(digest), Some(row)) => {
                    products.insert(
                        id,
                        Known {
                            number,
                            digest,
                            row,
                        },
                    );
                }
                _ => damaged = true,
            }
        })
        .map_err(Error::internal)?;
        if damaged {
            return Err(Error::internal(
                "the text index and its overlay don't fit together",
            ));
        }
    }
    Ok(products)
}
