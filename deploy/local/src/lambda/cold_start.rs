//! Cold starts, measured: how long a function's process takes until it first asks for an event, and the memory it has
//! then.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Host;
use super::instance::Instance;
use super::invocation::Concurrency;
use super::pool::{HostSettings, Pool, admitted};
use super::report::resident_kb;

/// The function that only says hello, `tests/hello/src/hello.rs`.
const HELLO: &str = "hello";
/// How long an instance is left alone before its memory is read, so that what it opens meanwhile counts.
const SETTLE: Duration = Duration::from_millis(250);

/// What the starts of one function came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColdStart {
    /// The function's name.
    pub(crate) name: String,
    /// From the start of the process to its first request for an event: the median.
    pub(crate) start: Duration,
    /// Resident memory soon after, in KB: the median.
    pub(crate) memory_kb: u64,
}

impl Host {
    /// Starts `built/NAME/bootstrap` of each of the host's functions, and of the one that only says hello, which comes
    /// first in the answer. Each is started `starts` times, and all of them in turn, so that whatever else the machine
    /// does disturbs them alike; a first round, which fills caches, doesn't count.
    pub(crate) async fn cold_starts(
        &self,
        built: &Path,
        starts: usize,
    ) -> Result<Vec<ColdStart>, String> {
        let pools = self.pools_of(built);
        let mut seen: Vec<Vec<(Duration, u64)>> = vec![Vec::new(); pools.len()];
        for round in 0..=starts.max(1) {
            for (pool, seen) in pools.iter().zip(&mut seen) {
                let start = start(pool, u64::try_from(round).unwrap_or_default()).await;
                let start = start.map_err(|reason| format!("{}: {reason}", pool.spec.binary))?;
                if round > 0 {
                    seen.push(start);
                }
            }
        }
        let measured = pools.iter().zip(seen).map(|(pool, seen)| ColdStart {
            name: name(&pool.spec.binary).to_owned(),
            start: median(seen.iter().map(|(start, _)| *start)),
            memory_kb: median(seen.iter().map(|(_, memory)| *memory)),
        });
        Ok(measured.collect())
    }

    /// Pools apart from those that serve, so that no instance gets an event.
    fn pools_of(&self, built: &Path) -> Vec<Arc<Pool>> {
        let Some(any) = self.pools.values().next() else {
            return Vec::new();
        };
        let settings = Arc::new(HostSettings {
            binaries: built.to_owned(),
            environment: any.settings.environment.clone(),
            account: Concurrency::new(0),
            instances_per_function: 1,
            starts: Arc::new(Semaphore::new(1)),
            reaper: None,
            idle: any.settings.idle,
        });
        let pool = |of: &Arc<Pool>, name: &str| {
            let mut spec = of.spec.clone();
            spec.binary = format!("{name}/bootstrap");
            Pool::new(spec, Arc::clone(&settings), Arc::clone(&of.log))
        };
        let functions = self.pools.values().map(|of| pool(of, &of.spec.binary));
        [pool(any, HELLO)].into_iter().chain(functions).collect()
    }
}

fn name(binary: &str) -> &str {
    binary.trim_end_matches("/bootstrap")
}

/// One start: the time it took, and the memory in KB.
async fn start(pool: &Arc<Pool>, id: u64) -> Result<(Duration, u64), String> {
    let launched = Instance::launch(Arc::clone(pool), id).await;
    let (instance, ready) = launched.map_err(|error| error.to_string())?;
    admitted(&instance, ready).await?;
    tokio::time::sleep(SETTLE).await;
    let memory = resident_kb(instance.pid());
    pool.kill_instances().await;
    let init = instance.init().unwrap_or_default();
    Ok((init, memory.ok_or("its memory can't be read")?))
}

fn median<T: Ord + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let middle = values.len() / 2;
    values.into_iter().nth(middle).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_and_of_nothing_nothing() {
        assert_eq!(median([9, 1, 5].into_iter()), 5);
        assert_eq!(median([4].into_iter()), 4);
        assert_eq!(median(std::iter::empty::<u64>()), 0);
    }
}
