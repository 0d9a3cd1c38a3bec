//! Work that a service does beside answering requests.

use std::{future::Future, pin::Pin, time::Duration};

use bothways_domain::Result;
use bothways_http::problem::causes;

/// One round of background work: whether there may be more to do right away.
type Round = Pin<Box<dyn Future<Output = Result<bool>> + Send>>;

/// Work done again and again until the service stops.
pub struct Background {
    name: &'static str,
    pause: Duration,
    round: Box<dyn FnMut() -> Round + Send>,
}

impl Background {
    /// Does `work` with `pause` between rounds; a round that answers `true` is followed by another at once.
    pub fn new<F, W>(name: &'static str, pause: Duration, mut work: W) -> Self
    where
        W: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<bool>> + Send + 'static,
    {
        Self {
            name,
            pause,
            round: Box::new(move || Box::pin(work())),
        }
    }

    /// Goes on until it is dropped. A round that fails is logged and tried again after a pause.
    pub(crate) async fn run(mut self) {
        let mut failing = false;
        loop {
            match (self.round)().await {
                Ok(more) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!(task = self.name, "works again");
                    }
                    if more {
                        continue;
                    }
                }
                // Said once per outage, not once per round.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(task = self.name, error = %causes(&error), "fails, will be tried again");
                }
                Err(_) => {}
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}
