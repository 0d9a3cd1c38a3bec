//! Between a caller and the replicas of a service: where they are, which of them is asked, how long, how often, and
//! when better not at all. Knows no HTTP client: the caller gives the call itself.
//!
//! [`Upstream::call`] is the whole of it. Time is tokio's, which tests stop; chance comes from a seed.

mod balance;
mod breaker;
mod budget;
mod call;
mod chance;
mod deadline;
mod discovery;
mod endpoint;
mod header;
mod outlier;
mod registry;
mod state;
mod upstream;

pub use breaker::BreakerState;
pub use deadline::Deadline;
pub use discovery::{AddressError, Discovery};
pub use endpoint::Endpoint;
pub use header::{DEADLINE_HEADER, STOPPING_HEADER, UNTOUCHED_HEADER};
pub use registry::Registry;
pub use state::{EndpointState, UpstreamState, exposition};
pub use upstream::{Attempt, CallError, Outcome, Policy, Repeat, Upstream};
