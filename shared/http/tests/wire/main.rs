//! The wire contract, held where it is written: in process against small stand-ins for the use cases, and over a
//! socket where a client talks to its router.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should say where"
)]

mod ask;
mod edge;
mod fake;
mod hops;
mod internal;
mod openapi;
mod payments;
mod reading;
mod round_trip;
mod values;
mod writing;
