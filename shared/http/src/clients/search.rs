//! Search over HTTP.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    search::{SearchApi, SearchPage, SearchRequest},
};

use super::Remote;
use crate::search::{Suggestions, query_pairs};

/// Search as another process runs it.
#[derive(Debug, Clone)]
pub struct SearchClient(Remote);

impl SearchClient {
    /// Search at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }
}

#[async_trait]
impl SearchApi for SearchClient {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        let call = self.0.get(&["api", "search"])?;
        call.query(&query_pairs(request)).send().await?.json()
    }

    async fn suggest(&self, prefix: &str) -> Result<Vec<String>> {
        let call = self.0.get(&["api", "search", "suggest"])?;
        let found: Suggestions = call.query(&[("q", prefix)]).send().await?.json()?;
        Ok(found.suggestions)
    }
}
