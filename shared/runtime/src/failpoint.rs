//! Fail points: where a test wants a checkout's process to die.
//!
//! With `FAILPOINT_DIR` set, a file named `STEP.CART` in it kills the process right after that step of that
//! cart's checkout was recorded, as `kill -9` would: nothing is flushed, dropped or answered.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bothways_domain::{
    checkout::{NoProbe, SagaProbe, Step},
    id::CartId,
};
use rustix::process::{Signal, getpid, kill_process};

use crate::Settings;

/// The probe the environment asks for: none, unless a test set `FAILPOINT_DIR`.
pub(crate) fn probe(settings: Settings) -> Arc<dyn SagaProbe> {
    match settings.text("FAILPOINT_DIR") {
        Some(directory) => Arc::new(KillAt {
            directory: directory.into(),
        }),
        None => Arc::new(NoProbe),
    }
}

struct KillAt {
    directory: PathBuf,
}

#[async_trait]
impl SagaProbe for KillAt {
    async fn reached(&self, step: Step, cart: &CartId) {
        let mark = self.directory.join(format!("{}.{cart}", step.as_str()));
        // Removing it is what claims it: the restarted process is not killed again.
        if std::fs::remove_file(&mark).is_ok() {
            let killed = kill_process(getpid(), Signal::KILL);
            tracing::error!(?killed, "a fail point could not kill this process");
        }
    }
}
