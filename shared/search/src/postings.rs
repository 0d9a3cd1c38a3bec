//! The documents of a segment that have a term, block by block.

use tantivy::{
    DocId, SegmentReader, TERMINATED, Term, fastfield::AliveBitSet, postings::BlockSegmentPostings,
    schema::IndexRecordOption,
};

/// A place in the ascending list of a term's documents.
pub(crate) struct Postings {
    blocks: BlockSegmentPostings,
    /// The place in the present block.
    at: usize,
}

impl Postings {
    /// Where the list begins; `None` if no document of the segment has the term.
    pub(crate) fn open(
        segment: &SegmentReader,
        term: &Term,
        option: IndexRecordOption,
    ) -> tantivy::Result<Option<Self>> {
        let index = segment.inverted_index(term.field())?;
        let blocks = index.read_block_postings(term, option)?;
        Ok(blocks.map(|blocks| Self { blocks, at: 0 }))
    }

    /// The next document, deleted or not; `TERMINATED` after the last.
    pub(crate) fn next(&self) -> DocId {
        let next = self.blocks.docs().get(self.at);
        next.copied().unwrap_or(TERMINATED)
    }

    /// Takes the documents before `end` that are not deleted, each with how often it has the term. Only for lists opened
    /// with frequencies.
    pub(crate) fn take_until(
        &mut self,
        end: DocId,
        alive: Option<&AliveBitSet>,
        mut take: impl FnMut(DocId, u32),
    ) {
        loop {
            let docs = &self.blocks.docs()[self.at..];
            let upto = docs.partition_point(|doc| *doc < end);
            let frequencies = &self.blocks.freqs()[self.at..];
            for (doc, frequency) in docs[..upto].iter().zip(frequencies) {
                if alive.is_none_or(|alive| alive.is_alive(*doc)) {
                    take(*doc, *frequency);
                }
            }
            self.at += upto;
            if upto < docs.len() || !self.next_block() {
                return;
            }
        }
    }

    /// Takes the rest of the documents that are not deleted.
    pub(crate) fn take_all(&mut self, alive: Option<&AliveBitSet>, mut take: impl FnMut(DocId)) {
        loop {
            for doc in &self.blocks.docs()[self.at..] {
                if alive.is_none_or(|alive| alive.is_alive(*doc)) {
                    take(*doc);
                }
            }
            if !self.next_block() {
                return;
            }
        }
    }

    /// Whether there is one.
    fn next_block(&mut self) -> bool {
        if !self.blocks.docs().is_empty() {
            self.blocks.advance();
        }
        self.at = 0;
        !self.blocks.docs().is_empty()
    }
}
