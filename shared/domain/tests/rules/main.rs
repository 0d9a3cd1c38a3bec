//! The shop's rules, held by properties: for all inputs, and for all ways a checkout can be interrupted.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that meets the unexpected should say where"
)]

mod money;
mod neighbours;
mod orders;
mod relay;
mod saga;
mod store;
mod validation;
mod world;
