//! The shop's rules, held by properties: for all inputs, and for all ways a checkout can be interrupted.

mod money;
mod orders;
mod relay;
mod saga;
mod validation;
mod world;
