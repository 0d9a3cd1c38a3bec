//! What becomes of photos: of good ones in every format, of turned ones, of broken ones, and of bombs.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod bombs;
mod formats;
mod orientation;
mod photos;
mod refusals;
