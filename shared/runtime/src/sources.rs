//! Where time and randomness really come from.

use std::time::{SystemTime, UNIX_EPOCH};

use bothways_domain::time::{Clock, Entropy, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The thread's cryptographically secure generator, seeded by the operating system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecureEntropy;

impl Entropy for SecureEntropy {
    fn bits(&self) -> [u8; 16] {
        rand::random()
    }
}
