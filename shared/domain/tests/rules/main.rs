//! The shop's rules, held by properties: for all inputs, and for all ways a checkout can be interrupted.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that meets the unexpected should say where"
)]

mod dead_letters;
mod depot;
mod fulfilment;
mod money;
mod neighbours;
mod orders;
mod photos;
mod relay;
mod saga;
mod shipping;
mod store;
mod studio;
mod validation;
mod world;
