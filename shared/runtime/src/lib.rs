//! What every deployable needs to run, so that its `main.rs` only says which part of the shop it is.
//!
//! [`service`] runs a microservice, [`function`] an HTTP function, `event` (feature `sqs`) functions that follow queues
//! and schedules. [`Shop`] opens a context over its own database; [`Remote`] reaches the same ports over HTTP.

mod admin;
mod admission;
#[cfg(any(feature = "rds-iam", feature = "sqs"))]
mod aws;
mod background;
mod config;
mod cores;
mod deployment;
mod entry;
#[cfg(feature = "sqs")]
pub mod event;
#[cfg(feature = "nats")]
mod events;
mod failpoint;
mod front;
pub mod function;
mod healthcheck;
#[cfg(feature = "sqs")]
mod message;
#[cfg(feature = "nats")]
mod nats;
mod neighbours;
#[cfg(feature = "sqs")]
mod packing;
#[cfg(feature = "rds-iam")]
mod rds_iam;
mod ready;
mod service;
mod shop;
mod sources;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "sqs")]
mod sqs_client;
mod stores;
mod telemetry;
mod worker;

pub use background::Background;
pub use config::{ConfigError, Settings};
pub use deployment::deployment_function;
#[cfg(feature = "nats")]
pub use events::{Events, Follow};
pub use front::Front;
pub use function::function;
pub use neighbours::Remote;
pub use ready::Checks;
pub use service::{Service, service};
pub use shop::Shop;
pub use worker::Relays;

/// A request to a service is some hundred allocations; with the C library's they are a fifth of its instructions.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The result of wiring: whatever went wrong is printed and ends the process.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
