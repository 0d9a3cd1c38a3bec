//! What callers and services tell each other in headers, beside the request.

/// The header that carries the milliseconds that are left. Milliseconds rather than a time of day: clocks differ.
pub const DEADLINE_HEADER: &str = "x-deadline-ms";

/// An answer with this header says that nothing was done, so that even what must not be done twice may be asked again.
pub const UNTOUCHED_HEADER: &str = "x-untouched";

/// An answer with this header comes from a replica that is about to stop ([`crate::Endpoint::stops`]).
pub const STOPPING_HEADER: &str = "x-stopping";
