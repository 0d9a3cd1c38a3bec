//! How long the gateway waits.

use std::time::Duration;

/// How long a service is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins, from when the request was taken in. How long it then takes is not limited: it streams.
    pub answer: Duration,
}

impl Default for Patience {
    /// API Gateway, on the other side, gives up after 30 s; the last second is for saying so in the contract's form.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(29),
        }
    }
}
