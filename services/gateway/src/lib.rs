//! Forwards requests to the service that answers their path: streaming, bounded in time, and honest when a
//! service is gone.

mod client;
mod forward;
mod headers;
mod limits;
mod routes;

pub use forward::Gateway;
pub use limits::Limits;
pub use routes::Upstreams;
