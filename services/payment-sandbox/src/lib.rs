//! Stands in for Stripe: the `PaymentIntents` API as Stripe's API reference describes it, over a database of its own.
//!
//! Both architectures of the shop use it as an outside party, so it shares no code with them. What it does not
//! implement it refuses by name (`parameter_unknown`) rather than ignoring it.
//!
//! A request goes through [`routes`] (what exists, who may ask), [`form`] and [`request`] (what is asked),
//! [`idempotency`] (was it asked before) and [`transition`] (may it happen, and what becomes of the books).

mod app;
mod auth;
mod charge;
mod database;
mod error;
mod form;
pub mod healthcheck;
mod idempotency;
mod identifier;
mod intent;
mod listing;
mod method;
mod refund;
mod request;
mod routes;
mod settings;
pub mod shutdown;
pub mod telemetry;
mod transition;

pub use app::Application;
pub use settings::Settings;
