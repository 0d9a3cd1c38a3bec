//! The searching side: follows the published snapshots and answers from the newest that is whole.

use std::{
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    search::{SearchApi, SearchPage, SearchRequest},
};
use tokio::{
    sync::{Mutex, OnceCell},
    task::spawn_blocking,
};

use crate::{
    listing::{empty_page, list},
    scoring::Weights,
    snapshot::Snapshot,
    snapshot_cache::SnapshotCache,
    snapshot_store::{SnapshotStore, is_damage},
    suggestions::complete,
};

/// How many of the newest versions are tried when nothing is loaded and the newest are damaged.
const FALLBACKS: usize = 3;

/// How long a snapshot is good enough where requests look for newer ones.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long what is loaded beside a function's start leaves that alone: until it has asked for its first event.
const AFTER_ASKING: Duration = Duration::from_millis(1);

/// How a searcher works.
#[derive(Debug, Clone)]
pub struct SearcherOptions {
    /// Where it makes the folder for fetched files, which it removes in the end; the system's temporary folder by
    /// default.
    pub folder: Option<PathBuf>,
    /// How long [`Searcher::follow`] waits between looks for a newer snapshot.
    pub interval: Duration,
    /// How scores are made up.
    pub weights: Weights,
}

impl Default for SearcherOptions {
    fn default() -> Self {
        Self {
            folder: None,
            interval: Duration::from_millis(500),
            weights: Weights::default(),
        }
    }
}

/// Searches the newest snapshot. Clones share it.
#[derive(Clone)]
pub struct Searcher {
    shared: Arc<Shared>,
    /// Set where nothing follows in the background.
    refresh_after: Option<Duration>,
}

struct Shared {
    store: SnapshotStore,
    interval: Duration,
    weights: Weights,
    state: RwLock<State>,
    /// Whether the newest snapshot can't be used, and how many couldn't since the start.
    damaged: AtomicBool,
    damages: AtomicU64,
    /// Held while looking for a newer snapshot.
    looking: Mutex<Looking>,
}

#[derive(Clone)]
enum State {
    /// The store could not be asked yet, or has nothing whole.
    Unknown,
    /// There is no snapshot yet.
    Nothing,
    Loaded(Arc<Snapshot>),
}

struct Looking {
    /// Where the cache is made once there is something to keep in it.
    folder: PathBuf,
    cache: OnceCell<SnapshotCache>,
    last: Option<Instant>,
    /// The newest version found damaged, so that it is said once.
    damaged: u64,
}

impl Looking {
    async fn cache(&self) -> Result<&SnapshotCache> {
        let make = async || {
            let folder = self.folder.clone();
            let made = spawn_blocking(move || SnapshotCache::create(&folder)).await;
            made.map_err(Error::internal)?
        };
        self.cache.get_or_try_init(make).await
    }
}

impl Searcher {
    /// Follows the snapshots at `file:///directory` or `s3://bucket/prefix`, loading the newest if it can be had. A
    /// store that can't be asked right now is no error: searching is unavailable until it can.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, SearcherOptions::default()).await
    }

    /// As [`Searcher::open`] for functions, in which nothing runs between requests: every search begins with a look for a
    /// newer snapshot, unless the last was less than a second ago; the first search with loading one.
    pub fn open_on_demand(url: &str) -> Result<Self> {
        Ok(Self {
            refresh_after: Some(LOOK_AGAIN_AFTER),
            ..Self::create(url, SearcherOptions::default())?
        })
    }

    /// As [`Searcher::open_on_demand`], but the newest snapshot is loaded beside whatever else is done, and who asks first
    /// waits for it.
    pub fn open_beside(url: &str) -> Result<Self> {
        let searcher = Self::open_on_demand(url)?;
        let ahead = searcher.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AFTER_ASKING).await;
            // On the heap, and only now: a start takes no memory for it. What is wrong is logged where it is found, and
            // whoever asks is told.
            let _ = Box::pin(ahead.refresh_if_older(LOOK_AGAIN_AFTER)).await;
        });
        Ok(searcher)
    }

    /// As [`Searcher::open`], with options.
    pub async fn open_with(url: &str, options: SearcherOptions) -> Result<Self> {
        let searcher = Self::create(url, options)?;
        if let Err(error) = searcher.refresh().await {
            tracing::warn!(%error, "no snapshot could be loaded yet");
        }
        Ok(searcher)
    }

    /// A searcher that has looked for nothing yet.
    fn create(url: &str, options: SearcherOptions) -> Result<Self> {
        let folder = options.folder.unwrap_or_else(std::env::temp_dir);
        let looking = Looking {
            folder,
            cache: OnceCell::new(),
            last: None,
            damaged: 0,
        };
        let shared = Shared {
            store: SnapshotStore::open(url)?,
            interval: options.interval,
            weights: options.weights,
            state: RwLock::new(State::Unknown),
            damaged: AtomicBool::new(false),
            damages: AtomicU64::new(0),
            looking: Mutex::new(looking),
        };
        Ok(Self {
            shared: Arc::new(shared),
            refresh_after: None,
        })
    }

    /// How long to wait between calls of [`Searcher::refresh`].
    pub fn interval(&self) -> Duration {
        self.shared.interval
    }

    /// Looks for newer snapshots for ever, for a task of its own.
    pub async fn follow(self) {
        loop {
            tokio::time::sleep(self.shared.interval).await;
            // What is wrong is logged where it is found; the next look may succeed.
            let _ = self.refresh().await;
        }
    }

    /// Looks for a newer snapshot and loads it; whether there was one. On an error the one before stays.
    pub async fn refresh(&self) -> Result<bool> {
        let mut looking = self.shared.looking.lock().await;
        self.look(&mut looking).await
    }

    /// As [`Searcher::refresh`], unless somebody looked within the last `age`.
    pub async fn refresh_if_older(&self, age: Duration) -> Result<bool> {
        let mut looking = self.shared.looking.lock().await;
        if looking.last.is_some_and(|last| last.elapsed() < age) {
            return Ok(false);
        }
        self.look(&mut looking).await
    }

    /// Whether searching is possible.
    pub fn is_ready(&self) -> bool {
        !matches!(self.state(), State::Unknown)
    }

    /// The version of the snapshot that is searched; 0 before the first.
    pub fn version(&self) -> u64 {
        match self.state() {
            State::Loaded(snapshot) => snapshot.version,
            State::Unknown | State::Nothing => 0,
        }
    }

    /// How it is, as Prometheus reads it (text exposition format 0.0.4).
    pub fn metrics(&self) -> String {
        let shared = &self.shared;
        let version = self.version();
        let damaged = u64::from(shared.damaged.load(Ordering::Relaxed));
        let in_all = shared.damages.load(Ordering::Relaxed);
        format!(
            "# HELP search_snapshot_version The version that is searched, 0 before the first.\n\
             # TYPE search_snapshot_version gauge\n\
             search_snapshot_version {version}\n\
             # HELP search_snapshot_damaged 1 while the newest snapshot is damaged and an older one is searched.\n\
             # TYPE search_snapshot_damaged gauge\n\
             search_snapshot_damaged {damaged}\n\
             # HELP search_snapshots_damaged_total Snapshots found damaged.\n\
             # TYPE search_snapshots_damaged_total counter\n\
             search_snapshots_damaged_total {in_all}\n"
        )
    }

    fn state(&self) -> State {
        self.shared
            .state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, state: State) {
        *self
            .shared
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn look(&self, looking: &mut Looking) -> Result<bool> {
        let current = self.version();
        let versions = self.shared.store.versions_after(current).await?;
        looking.last = Some(Instant::now());
        let Some(newest) = versions.first().copied() else {
            self.shared.damaged.store(false, Ordering::Relaxed);
            if current == 0 {
                // An index of another format is no empty shop: rather no answer than that nothing is found.
                if self.shared.store.has_other_formats().await? {
                    self.set(State::Unknown);
                    return Err(Error::unavailable("search"));
                }
                self.set(State::Nothing);
            }
            return Ok(false);
        };
        // With a snapshot to go on with, only the newest is of interest.
        let tried = if current == 0 { FALLBACKS } else { 1 };
        let mut outcome = Ok(false);
        for version in versions.into_iter().take(tried) {
            outcome = self.load(looking, version).await.map(|()| true);
            match &outcome {
                Ok(_) => {
                    let damaged = version != newest;
                    self.shared.damaged.store(damaged, Ordering::Relaxed);
                    return outcome;
                }
                Err(error) if !is_damage(error) => return outcome,
                Err(error) if looking.damaged < newest => {
                    self.shared.damaged.store(true, Ordering::Relaxed);
                    self.shared.damages.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(
                        version,
                        error = error as &dyn std::error::Error,
                        "a snapshot can't be used"
                    );
                }
                Err(_) => {}
            }
        }
        looking.damaged = newest;
        outcome
    }

    async fn load(&self, looking: &Looking, version: u64) -> Result<()> {
        let manifest = self.shared.store.manifest(version).await?;
        let cache = looking.cache().await?;
        let snapshot = cache.load(&self.shared.store, manifest.clone()).await?;
        tracing::debug!(
            version,
            products = manifest.products,
            "a snapshot was loaded"
        );
        self.set(State::Loaded(Arc::new(snapshot)));
        cache.keep_only(&manifest);
        Ok(())
    }

    /// The snapshot to answer from; `None` before the first was published.
    async fn snapshot(&self) -> Result<Option<Arc<Snapshot>>> {
        if let Some(age) = self.refresh_after
            && let Err(error) = self.refresh_if_older(age).await
        {
            tracing::warn!(%error, "no newer snapshot could be looked for");
        }
        match self.state() {
            State::Loaded(snapshot) => Ok(Some(snapshot)),
            State::Nothing => Ok(None),
            State::Unknown => Err(Error::unavailable("search")),
        }
    }
}

#[async_trait]
impl SearchApi for Searcher {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        request.check()?;
        let Some(snapshot) = self.snapshot().await? else {
            return Ok(empty_page(request));
        };
        let (request, shared) = (request.clone(), self.shared.clone());
        spawn_blocking(move || list(&snapshot, &request, &shared.weights))
            .await
            .map_err(Error::internal)?
    }

    async fn suggest(&self, prefix: &str) -> Result<Vec<String>> {
        let Some(snapshot) = self.snapshot().await? else {
            return Ok(Vec::new());
        };
        let prefix = prefix.to_owned();
        let completed = spawn_blocking(move || complete(snapshot.as_ref(), &prefix));
        completed.await.map_err(Error::internal)
    }
}
