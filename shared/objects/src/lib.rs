//! Object stores: a directory, S3 or what speaks its API; and the photos kept in one.

mod http;
mod open;
mod photos;

pub use open::{open, open_with};
pub use photos::Photos;
