//! The comparison is right about what it says: on figures that are known, and on bills that AWS worked out itself.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod cost;
mod report;
mod simulation;
mod statistics;
