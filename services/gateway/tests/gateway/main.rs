//! The gateway in front of real services: small ones, in this process, each on a port of its own.

#![expect(clippy::expect_used, reason = "a test that meets the unexpected fails")]

mod bodies;
mod door;
mod headers;
mod outages;
mod rates;
mod replicas;
mod routing;
mod streaming;
mod upstream;
