//! The report: one HTML file that needs nothing else, and JSON with every raw figure.

mod html;
mod meaning;
mod scale;
mod svg;

pub use html::html;
pub use meaning::{limits, meaning};
