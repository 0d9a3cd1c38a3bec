//! Fail points: where a test wants a process to die, or events to be refused.
//!
//! With `FAILPOINT_DIR` set, a file in it is a fail point:
//!
//! - `STEP.CART` kills the process right after that step of that cart's checkout was recorded;
//! - `refuse.KIND.SUBJECT` refuses events of this kind and subject for as long as it is there;
//! - `kill-before.KIND.SUBJECT` and `kill-after.KIND.SUBJECT` kill the process before such an event is handled, or when
//!   it was and nobody knows yet;
//! - `slow.SERVICE` has each request to a service wait first, for the milliseconds in the file;
//! - `fail.SERVICE` has each request to a service answered with 500.
//!
//! Without `.SUBJECT` those of events are about events of any subject.
//!
//! To be killed is as by `kill -9`: nothing is flushed, dropped or answered.

#[cfg(any(feature = "nats", feature = "sqs"))]
mod events;
mod requests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bothways_domain::{
    checkout::{NoProbe, SagaProbe, Step},
    id::CartId,
};
use rustix::process::{Signal, getpid, kill_process};

#[cfg(any(feature = "nats", feature = "sqs"))]
pub(crate) use events::handler;
pub(crate) use requests::Marks;

use crate::Settings;

/// The probe the environment asks for: none, unless a test set `FAILPOINT_DIR`.
pub(crate) fn probe(settings: Settings) -> Arc<dyn SagaProbe> {
    match directory(settings) {
        Some(directory) => Arc::new(KillAt { directory }),
        None => Arc::new(NoProbe),
    }
}

fn directory(settings: Settings) -> Option<PathBuf> {
    settings.text("FAILPOINT_DIR").map(PathBuf::from)
}

/// Kills this process if the mark is there. Removing it is what claims it: the restarted process is not killed again.
fn kill_if(mark: &Path) {
    if std::fs::remove_file(mark).is_ok() {
        let killed = kill_process(getpid(), Signal::KILL);
        tracing::error!(?killed, "a fail point could not kill this process");
    }
}

struct KillAt {
    directory: PathBuf,
}

#[async_trait]
impl SagaProbe for KillAt {
    async fn reached(&self, step: Step, cart: &CartId) {
        kill_if(&self.directory.join(format!("{}.{cart}", step.as_str())));
    }
}
