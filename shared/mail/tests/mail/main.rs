//! Receipts, as a mail server gets them and as they are refused.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod receipts;
mod server;
