//! Waiting for what happens eventually: ask again until it holds or the deadline passes.

use std::time::{Duration, Instant};

/// The contract's 5 s for a change to reach search, with room for a busy machine of two cores.
pub const SEARCH_LAG: Duration = Duration::from_secs(30);
/// For pictures, which are made after an upload is answered.
pub const PICTURES: Duration = Duration::from_secs(45);
/// The contract's 60 s for recovery, with room for a busy machine of two cores.
pub const RECOVERY: Duration = Duration::from_mins(3);
/// For what follows an answer at once but is not promised to be done before it.
pub const SOON: Duration = Duration::from_secs(20);

/// Asks `probe` until it says `Ok`, and fails with its last complaint when `within` has passed.
pub async fn eventually<T>(
    within: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(complaint) => assert!(
                started.elapsed() < within,
                "not within {} s: {what}; last: {complaint}",
                within.as_secs()
            ),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
}
