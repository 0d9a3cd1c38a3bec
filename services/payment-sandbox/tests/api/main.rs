//! The sandbox's API, sentence by sentence, against the real application on a port of its own.

#![expect(clippy::expect_used, reason = "a test that meets the unexpected fails")]

mod app;
mod declines;
mod durability;
mod idempotency;
mod intents;
mod listings;
mod money_back;
mod protocol;
mod troubles;
