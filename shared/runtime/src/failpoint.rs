//! Fail points: where a test wants a process to die, or events to be refused.
//!
//! With `FAILPOINT_DIR` set, a file in it is a fail point:
//!
//! - `STEP.CART` kills the process right after that step of that cart's checkout was recorded;
//! - `refuse.KIND.SUBJECT` refuses events of this kind and subject for as long as it is there;
//! - `kill-before.KIND.SUBJECT` and `kill-after.KIND.SUBJECT` kill the process before such an event is handled, or when
//!   it was and nobody knows yet.
//!
//! Without `.SUBJECT` they are about events of any subject.
//!
//! To be killed is as by `kill -9`: nothing is flushed, dropped or answered.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bothways_domain::{
    Result,
    checkout::{NoProbe, SagaProbe, Step},
    event::{Event, EventHandler},
    id::CartId,
};
use rustix::process::{Signal, getpid, kill_process};

use crate::Settings;

/// The probe the environment asks for: none, unless a test set `FAILPOINT_DIR`.
pub(crate) fn probe(settings: Settings) -> Arc<dyn SagaProbe> {
    match directory(settings) {
        Some(directory) => Arc::new(KillAt { directory }),
        None => Arc::new(NoProbe),
    }
}

/// `handler` itself, unless a test set `FAILPOINT_DIR`.
pub(crate) fn handler(settings: Settings, handler: Arc<dyn EventHandler>) -> Arc<dyn EventHandler> {
    match directory(settings) {
        Some(directory) => Arc::new(Disturbed { directory, handler }),
        None => handler,
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

/// A handler with fail points before and after it.
struct Disturbed {
    directory: PathBuf,
    handler: Arc<dyn EventHandler>,
}

impl Disturbed {
    /// The marks that are about this event.
    fn marks(&self, what: &str, event: &Event) -> [PathBuf; 2] {
        let kind = format!("{what}.{}", event.kind.as_str());
        let subject = format!("{kind}.{}", event.subject);
        [kind, subject].map(|name| self.directory.join(name))
    }

    fn kill_at(&self, when: &str, events: &[Event]) {
        for event in events {
            for mark in self.marks(when, event) {
                kill_if(&mark);
            }
        }
    }
}

#[async_trait]
impl EventHandler for Disturbed {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        self.kill_at("kill-before", events);
        let refused = |event: &Event| self.marks("refuse", event).iter().any(|mark| mark.exists());
        let (refused, accepted): (Vec<usize>, Vec<usize>) =
            (0..events.len()).partition(|index| events.get(*index).is_some_and(refused));
        let taken: Vec<Event> = accepted
            .iter()
            .filter_map(|index| events.get(*index).cloned())
            .collect();
        let handled = self.handler.handle(&taken).await?;
        self.kill_at("kill-after", &taken);
        let failed = handled
            .into_iter()
            .filter_map(|(index, reason)| Some((*accepted.get(index)?, reason)));
        let refused = refused.into_iter();
        Ok(refused
            .map(|index| (index, "a fail point refuses it".to_owned()))
            .chain(failed)
            .collect())
    }
}
