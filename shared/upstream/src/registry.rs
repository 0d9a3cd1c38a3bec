//! The upstreams of a process: each service once, whoever calls it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{AddressError, Discovery, Policy, Upstream, UpstreamState};

/// The upstreams of a process.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    policy: Policy,
    upstreams: Arc<Mutex<BTreeMap<String, Arc<Upstream>>>>,
}

impl Registry {
    /// A registry whose upstreams all have this policy.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// The upstream `name` at `address`; the one there is already, if it has the same address.
    pub fn upstream(&self, name: &str, address: &str) -> Result<Arc<Upstream>, AddressError> {
        let discovery = Discovery::parse(address)?;
        let mut all = self
            .upstreams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(name).filter(|one| *one.discovery() == discovery) {
            return Ok(known.clone());
        }
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), name);
        let upstream = Arc::new(Upstream::new(name, discovery, self.policy, seed));
        all.insert(name.to_owned(), upstream.clone());
        Ok(upstream)
    }

    /// How each of them is.
    pub fn states(&self) -> Vec<UpstreamState> {
        let all = self
            .upstreams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.values().map(|upstream| upstream.state()).collect()
    }
}
