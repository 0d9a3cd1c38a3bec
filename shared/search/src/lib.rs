//! The shop's search engine: tantivy in process over snapshots in an object store.
//!
//! One indexer holds a [`Publisher`]: it applies products to a working index, uploads the new immutable
//! files and then a manifest. Any number of [`Searcher`]s follow: they look for a newer manifest, fetch
//! the files they lack, verify them and swap. What changes often (price, availability, popularity, rating) travels
//! as a small overlay beside the text index.

mod accessories;
mod analyzer;
mod category_tree;
mod correction;
mod facets;
mod listing;
mod manifest;
mod overlay;
mod phrases;
mod postings;
mod publisher;
mod reading;
mod schema;
mod scoring;
mod scratch;
mod searcher;
mod snapshot;
mod snapshot_cache;
mod snapshot_store;
mod statistics;
mod suggestions;
mod synonyms;
mod table;
mod vocabulary;
mod window;
mod working_index;

pub use publisher::{Publisher, PublisherOptions};
pub use scoring::Weights;
pub use searcher::{Searcher, SearcherOptions};
