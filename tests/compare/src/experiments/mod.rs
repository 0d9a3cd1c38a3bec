//! The experiments, each done to both sides in turns.

mod capacity;
mod measure;
mod runs;
mod scale;

pub use capacity::Search;
pub use measure::{compared, measured};
pub use runs::{Bench, Settings};
pub use scale::scaled;
