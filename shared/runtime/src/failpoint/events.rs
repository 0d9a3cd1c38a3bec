//! Fail points of those who follow events.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bothways_domain::{
    Result,
    event::{Event, EventHandler},
};

use super::{directory, kill_if};
use crate::Settings;

/// `handler` itself, unless a test set `FAILPOINT_DIR`.
pub(crate) fn handler(settings: Settings, handler: Arc<dyn EventHandler>) -> Arc<dyn EventHandler> {
    match directory(settings) {
        Some(directory) => Arc::new(Disturbed { directory, handler }),
        None => handler,
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
