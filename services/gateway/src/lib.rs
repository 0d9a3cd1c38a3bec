//! Forwards requests to the service that answers their path: streaming, bounded in time, and honest when a
//! service is gone.
//!
//! Request ids, traces, body limits and security headers are the edge's, which every deployable has
//! (`bothways_http::layers::edge`); here is what only the one door needs.

mod answer;
mod body;
mod exchange;
mod forward;
mod headers;
mod limits;
mod patience;
mod ready;
mod routes;

pub use answer::Reply;
pub use forward::{Door, Gateway};
pub use headers::Client;
pub use limits::Limits;
pub use patience::Patience;
pub use routes::Upstreams;
