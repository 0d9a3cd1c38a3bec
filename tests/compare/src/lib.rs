//! The two architectures side by side: what was measured, what of it is a difference, what it costs, and a report.
//!
//! [`experiments`] load shops in turns, [`statistics`] says what differs, [`cost`] and [`simulation`] carry it past one
//! machine, and [`report`] writes it down.

pub mod cost;
pub mod experiments;
pub mod processes;
pub mod report;
pub mod results;
pub mod shop;
pub mod simulation;
pub mod stand;
pub mod statistics;
