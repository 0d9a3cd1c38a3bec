//! The experiments, each done to both sides in turns.

mod capacity;
mod measure;
mod runs;

pub use capacity::Search;
pub use measure::{compared, measured};
pub use runs::{Bench, Settings};
