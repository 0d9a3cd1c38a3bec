//! The indexer's side: applies products to its working index and publishes what came of it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    id::ProductId,
    search::{IndexedProduct, SearchIndex},
};
use bytes::Bytes;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{
    manifest::{Blob, Manifest},
    overlay::Overlay,
    schema::FORMAT,
    scratch::Scratch,
    snapshot_store::{Put, SnapshotStore, is_damage},
    working_index::{Contents, WorkingIndex},
};

/// How often another indexer may get ahead before the batch is refused.
const ATTEMPTS: u32 = 5;
/// How many of the newest versions are tried when the newest are damaged.
const FALLBACKS: usize = 3;

/// Something done to the index, again if another indexer was faster; whether it changed anything.
type Change = dyn Fn(&mut WorkingIndex) -> Result<bool> + Send + Sync;

/// How a publisher works.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// Where it makes its working folder, which it removes in the end; the system's temporary folder by default.
    pub folder: Option<PathBuf>,
    /// How long files that no current version needs are kept for those who still load an older one.
    pub grace: Duration,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            folder: None,
            grace: Duration::from_mins(5),
        }
    }
}

/// Publishes snapshots. One at a time is meant to; a second one is noticed and does no harm.
pub struct Publisher {
    store: SnapshotStore,
    grace: Duration,
    folder: PathBuf,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    /// Nothing before the first use, and after a fault.
    current: Option<Current>,
    swept: Option<Instant>,
}

struct Current {
    index: WorkingIndex,
    /// The version the index started from or was last published as.
    manifest: Option<Arc<Manifest>>,
    /// The newest version that is known to exist, damaged ones included.
    version: u64,
    /// Whether the index holds anything that is not published.
    dirty: bool,
}

impl Publisher {
    /// Publishes to `file:///directory` or `s3://bucket/prefix`, going on from what is there.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, PublisherOptions::default()).await
    }

    /// As [`Publisher::open`], but what is there is loaded with the first change. A function is started for the sake of one,
    /// so it would come no sooner.
    pub fn open_on_demand(url: &str) -> Result<Self> {
        Self::create(url, PublisherOptions::default())
    }

    /// As [`Publisher::open`], with options.
    pub async fn open_with(url: &str, options: PublisherOptions) -> Result<Self> {
        let publisher = Self::create(url, options)?;
        let loaded = publisher.load().await?;
        publisher.work.lock().await.current = Some(loaded);
        Ok(publisher)
    }

    /// A publisher that has loaded nothing yet.
    fn create(url: &str, options: PublisherOptions) -> Result<Self> {
        Ok(Self {
            store: SnapshotStore::open(url)?,
            grace: options.grace,
            folder: options.folder.unwrap_or_else(std::env::temp_dir),
            work: Mutex::default(),
        })
    }

    /// Merges all segments into one and publishes it. Never needed; results stay the same.
    pub async fn compact(&self) -> Result<()> {
        self.change(Arc::new(|index: &mut WorkingIndex| {
            index.compact().map(|()| true)
        }))
        .await
    }

    /// Looks whether the shop's synonyms were changed, and publishes them if so. Every other change takes them along.
    pub async fn refresh_synonyms(&self) -> Result<()> {
        // Before the first snapshot there is nothing that they could be published with.
        if self.is_empty().await? {
            return Ok(());
        }
        self.change(Arc::new(|_: &mut WorkingIndex| Ok(false)))
            .await
    }

    /// The synonyms to publish: those the shop has now, or if these can't be read, those it had.
    async fn synonyms(&self, published: Option<&Manifest>) -> Result<Option<(Blob, Bytes)>> {
        let error = match self.store.synonyms().await {
            Ok(synonyms) => return Ok(synonyms),
            Err(error) => error,
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the shop's synonyms can't be read"
        );
        match published.and_then(|published| published.synonyms.as_ref()) {
            Some(blob) => Ok(Some((blob.clone(), self.store.fetch(blob).await?))),
            None => Ok(None),
        }
    }

    fn grace_millis(&self) -> i64 {
        i64::try_from(self.grace.as_millis()).unwrap_or(i64::MAX)
    }

    /// Takes out the working index, brought up to the newest version that exists.
    async fn newest(&self, work: &mut Work) -> Result<Current> {
        let current = work.current.take();
        let version = current.as_ref().map_or(0, |current| current.version);
        let newer = self.store.versions_after(version).await;
        match (current, newer) {
            (Some(current), Ok(newer)) if newer.is_empty() => Ok(current),
            (current, Err(error)) => {
                work.current = current;
                Err(error)
            }
            (_, Ok(_)) => self.load().await,
        }
    }

    /// Starts from the newest version that can be read; without any, from nothing. Sweeps what a crash may have left behind.
    async fn load(&self) -> Result<Current> {
        let versions = self.store.versions_after(0).await?;
        for version in versions.iter().take(FALLBACKS) {
            match self.load_version(*version).await {
                Ok((index, manifest)) => {
                    let before = now() - self.grace_millis();
                    if let Err(error) = self.store.sweep_orphans(&manifest, before).await {
                        tracing::warn!(%error, "what a crash left behind stays for now");
                    }
                    let version = versions[0];
                    let dirty = manifest.version != version;
                    return Ok(Current {
                        index,
                        manifest: Some(Arc::new(manifest)),
                        version,
                        dirty,
                    });
                }
                Err(error) if !is_damage(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(
                        version,
                        error = &error as &dyn std::error::Error,
                        "a snapshot can't be used"
                    );
                }
            }
        }
        if !versions.is_empty() {
            tracing::error!(
                "no snapshot can be used: the index starts from nothing and needs to be rebuilt"
            );
        }
        let folder = self.new_folder()?;
        let index = in_background(move || WorkingIndex::create(folder)).await?;
        Ok(Current {
            index,
            manifest: None,
            version: versions.first().copied().unwrap_or(0),
            dirty: true,
        })
    }

    async fn load_version(&self, version: u64) -> Result<(WorkingIndex, Manifest)> {
        let manifest = self.store.manifest(version).await?;
        let folder = self.new_folder()?;
        let files = manifest
            .files
            .iter()
            .map(|(name, blob)| (blob.clone(), folder.path().join(name)))
            .collect();
        self.store.fetch_to(files).await?;
        let parts = manifest.overlay.iter().map(|part| self.store.fetch(part));
        let parts = futures::future::try_join_all(parts).await?;
        in_background(move || {
            let overlay = Overlay::decode(parts.iter().map(AsRef::as_ref))
                .ok_or_else(|| Error::internal("the overlay can't be read"))?;
            Ok((WorkingIndex::open(folder, &manifest, &overlay)?, manifest))
        })
        .await
    }

    fn new_folder(&self) -> Result<Scratch> {
        Scratch::create(&self.folder, "bothways-index-").map_err(Error::internal)
    }

    /// Makes a change to the newest version and publishes the outcome, again if another indexer was faster.
    async fn change(&self, change: Arc<Change>) -> Result<()> {
        let mut work = self.work.lock().await;
        for _ in 0..ATTEMPTS {
            let mut current = self.newest(&mut work).await?;
            let change = change.clone();
            // A fault leaves no working index behind, so that the next call starts from what is published.
            let mut current = in_background(move || {
                current.dirty |= change(&mut current.index)?;
                Ok(current)
            })
            .await?;
            let published = current.manifest.as_deref();
            let synonyms = self.synonyms(published).await?;
            if published.is_some_and(|published| {
                published.synonyms.as_ref() != synonyms.as_ref().map(|(blob, _)| blob)
            }) {
                current.dirty = true;
            }
            if current.dirty {
                current = match self.publish(current, synonyms).await? {
                    Ok(current) => current,
                    Err(_overtaken) => continue,
                };
                self.tidy(&mut work, &current).await;
            }
            work.current = Some(current);
            return Ok(());
        }
        Err(Error::unavailable("search"))
    }

    /// Uploads what is new, then the manifest. `Err` inside is the index when somebody else was first.
    async fn publish(
        &self,
        mut current: Current,
        synonyms: Option<(Blob, Bytes)>,
    ) -> Result<Result<Current, Current>> {
        let (mut current, contents) = in_background(move || {
            let contents = current.index.contents(current.manifest.as_deref())?;
            current.dirty = true;
            Ok((current, contents))
        })
        .await?;
        let Contents {
            products,
            files,
            overlay,
            mut new,
        } = contents;
        let synonyms = synonyms.map(|(blob, bytes)| {
            let before = current.manifest.as_ref();
            if before.is_none_or(|before| before.synonyms.as_ref() != Some(&blob)) {
                new.push((blob.clone(), bytes));
            }
            blob
        });
        self.store.upload(new).await?;
        let mut manifest = Manifest {
            format: FORMAT,
            version: current.version + 1,
            published_at: now(),
            products,
            files,
            overlay,
            synonyms,
            retired: Vec::new(),
        };
        manifest.retire(current.manifest.as_deref(), now() - self.grace_millis());
        if self.store.publish(&manifest).await? == Put::Conflict {
            return Ok(Err(current));
        }
        let before = current.manifest.replace(Arc::new(manifest.clone()));
        current.version = manifest.version;
        current.dirty = false;
        self.remove_expired(before.as_deref(), &manifest).await;
        Ok(Ok(current))
    }

    /// Removes what was retired so long ago that the new manifest no longer lists it.
    async fn remove_expired(&self, before: Option<&Manifest>, manifest: &Manifest) {
        let mut kept = manifest.hashes();
        kept.extend(
            manifest
                .retired
                .iter()
                .map(|retired| retired.sha256.as_str()),
        );
        let retired = before.map_or(&[][..], |before| &before.retired);
        let expired = retired
            .iter()
            .map(|retired| &retired.sha256)
            .filter(|sha256| !kept.contains(sha256.as_str()));
        let expired: Vec<_> = expired.cloned().collect();
        if !expired.is_empty() {
            self.store.remove(expired).await;
        }
    }

    /// Removes old manifests now and then.
    async fn tidy(&self, work: &mut Work, current: &Current) {
        if work.swept.is_some_and(|swept| swept.elapsed() < self.grace) {
            return;
        }
        work.swept = Some(Instant::now());
        if let Err(error) = self
            .store
            .sweep_manifests(current.version, now() - self.grace_millis())
            .await
        {
            tracing::warn!(%error, "old manifests stay for now");
        }
    }
}

#[async_trait]
impl SearchIndex for Publisher {
    async fn apply(&self, present: Vec<IndexedProduct>, absent: Vec<ProductId>) -> Result<()> {
        self.change(Arc::new(move |index: &mut WorkingIndex| {
            index.apply(&present, &absent)
        }))
        .await
    }

    async fn stage(&self, present: Vec<IndexedProduct>) -> Result<()> {
        let mut work = self.work.lock().await;
        let mut current = self.newest(&mut work).await?;
        let staged = in_background(move || {
            current.dirty |= current.index.apply(&present, &[])?;
            Ok(current)
        });
        work.current = Some(staged.await?);
        Ok(())
    }

    async fn is_empty(&self) -> Result<bool> {
        let mut work = self.work.lock().await;
        let current = self.newest(&mut work).await?;
        let published = current.manifest.as_ref();
        let empty = published.is_none_or(|manifest| manifest.products == 0);
        work.current = Some(current);
        Ok(empty)
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.map_err(Error::internal)?
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
