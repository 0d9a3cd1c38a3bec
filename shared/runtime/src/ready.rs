//! What has to work before a process says it is ready.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bothways_http::system::Readiness;

use crate::stores::Database;

/// The things `GET /readyz` looks at: the databases this process opened.
#[derive(Clone, Default)]
pub struct Checks {
    databases: Arc<Mutex<Vec<(&'static str, Database)>>>,
}

impl Checks {
    pub(crate) fn add(&self, context: &'static str, database: Database) {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((context, database));
    }

    fn databases(&self) -> Vec<(&'static str, Database)> {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Readiness for Checks {
    async fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (context, database) in self.databases() {
            if let Err(error) = database.ping().await {
                tracing::warn!(%error, context, "not ready");
                missing.push(format!("the {context} database"));
            }
        }
        missing
    }
}
