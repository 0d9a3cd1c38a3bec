//! The engine as the shop uses it: products published to a folder, searched from there.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't be set up fails"
)]

mod any_query;
mod corrections;
mod facets;
mod layout;
mod queries;
mod snapshots;
mod synonyms;
mod world;
