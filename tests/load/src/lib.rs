//! The load generator: shoppers who come when they come, whether or not the shop keeps up.
//!
//! An open model: [`arrivals`] says when a [`journey`] begins, [`run`] begins it then and counts latency from then, so
//! a shop that stops for two seconds is seen to have stopped. Every answer is checked for being what was asked for. It
//! knows the contract and none of the project's crates.

pub mod answer;
pub mod arrivals;
pub mod catalogue;
pub mod ceiling;
pub mod figures;
pub mod journey;
pub mod report;
mod run;
mod shopper;
pub mod stand;

pub use run::{Plan, Progress, run};
