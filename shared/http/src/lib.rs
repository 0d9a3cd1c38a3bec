//! The wire contract, once: a router and a client per bounded context, problems, the edge every
//! deployable has, and the `OpenAPI` document generated from all of it.
//!
//! A router takes its context's port as `Arc<dyn …Api>`; a client implements the same port over HTTP. So a
//! part of the shop can't tell a neighbour in its process from one behind a network, except by outages.

pub mod cart;
pub mod checkout;
pub mod clients;
pub mod connections;
pub mod dead_letters;
mod docs;
pub mod etag;
pub mod extract;
pub mod header;
pub mod identity;
pub mod internal;
pub mod inventory;
pub mod layers;
pub mod media;
pub mod openapi;
pub mod problem;
pub mod product;
pub mod request;
mod routes;
pub mod search;
pub mod system;

pub use problem::{Problem, ProblemType};

/// What a handler answers: a value or a problem.
pub type Answer<T> = Result<T, Problem>;
