//! Where snapshots are kept: files by their hash under `files/`, a manifest per version under `manifests/`, both in a folder
//! of the index's format (`format-4/`).
//!
//! Programs of different formats share nothing, so that while a new one is rolled out its indexer builds beside the
//! old index, which is published and searched on.
//!
//! A manifest is only ever created, never overwritten, and creating is atomic in every store, so of two
//! indexers that publish the same version one is told. A version's files are all there before its manifest.

use std::{path::Path, sync::Arc};

use bothways_domain::{Error, Result, id::hex};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, path::Path as Key};
use sha2::{Digest, Sha256};

use crate::{
    manifest::{Blob, Manifest},
    schema::FORMAT,
};

/// How many files are on their way at once.
const AT_ONCE: usize = 8;
/// What the folders of formats begin with.
const FORMAT_FOLDER: &str = "format-";
/// The shop's own synonyms, which whoever runs it may put beside the formats' folders and change at any time.
const SYNONYMS: &str = "synonyms.txt";
/// A longer file of synonyms is none.
const MAX_SYNONYMS: u64 = 1 << 20;
/// The digits of a version in a manifest's name, so that names sort like versions.
const DIGITS: usize = 20;

/// An object store with snapshots in it.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotStore {
    store: Arc<dyn ObjectStore>,
    /// Where all formats have their folders.
    place: Key,
    root: Key,
}

/// What came of publishing a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Published,
    /// Somebody else published this version.
    Conflict,
}

/// A snapshot is not whole, or not one this program can read: an older one has to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damaged(String);

fn damaged(what: impl Into<String>) -> Error {
    Error::internal(Damaged(what.into()))
}

/// Whether the snapshot is to blame, and neither the store nor this machine.
pub(crate) fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Internal(source) if source.is::<Damaged>())
}

/// The store can't be asked.
fn outage(error: impl std::fmt::Display) -> Error {
    tracing::warn!(%error, "the snapshot store can't be used");
    Error::unavailable("search")
}

/// SHA-256 and size.
pub(crate) fn blob_of(bytes: &[u8]) -> Blob {
    Blob {
        sha256: hex(&Sha256::digest(bytes)),
        size: bytes.len() as u64,
    }
}

impl SnapshotStore {
    /// The store at `file:///directory` or `s3://bucket/prefix`.
    pub(crate) fn open(url: &str) -> Result<Self> {
        let (store, place) = bothways_objects::open(url)?;
        let root = place.clone().join(format!("{FORMAT_FOLDER}{FORMAT}"));
        Ok(Self { store, place, root })
    }

    /// Whether there are snapshots of other formats: the shop has an index, if none for this program yet.
    pub(crate) async fn has_other_formats(&self) -> Result<bool> {
        let listed = self.store.list_with_delimiter(Some(&self.place)).await;
        let folders = listed.map_err(outage)?.common_prefixes;
        Ok(folders.iter().any(|folder| {
            *folder != self.root
                && folder
                    .filename()
                    .is_some_and(|name| name.starts_with(FORMAT_FOLDER))
        }))
    }

    fn manifests(&self) -> Key {
        self.root.clone().join("manifests")
    }

    fn manifest_key(&self, version: u64) -> Key {
        self.manifests().join(format!("{version:0DIGITS$}.json"))
    }

    fn files(&self) -> Key {
        self.root.clone().join("files")
    }

    fn file_key(&self, sha256: &str) -> Key {
        self.files().join(sha256)
    }

    /// The versions after `version`, newest first.
    pub(crate) async fn versions_after(&self, version: u64) -> Result<Vec<u64>> {
        let listed = self
            .store
            .list_with_offset(Some(&self.manifests()), &self.manifest_key(version));
        let listed: Vec<_> = listed.try_collect().await.map_err(outage)?;
        let number = |name: &str| name.strip_suffix(".json")?.parse().ok();
        let found = listed
            .iter()
            .filter_map(|meta| number(meta.location.filename()?));
        let mut versions: Vec<u64> = found.filter(|found| *found > version).collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(versions)
    }

    /// The manifest of a version; damaged when it is none that this code can read.
    pub(crate) async fn manifest(&self, version: u64) -> Result<Manifest> {
        let bytes = self.read(&self.manifest_key(version)).await?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
            damaged(format!(
                "the manifest of version {version} can't be read: {error}"
            ))
        })?;
        if manifest.version == version && manifest.is_readable() {
            Ok(manifest)
        } else {
            Err(damaged(format!(
                "the manifest of version {version} is not for this program"
            )))
        }
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        let fetched = self.store.get(key).await.map_err(|error| match error {
            object_store::Error::NotFound { path, .. } => damaged(format!("{path} is missing")),
            error => outage(error),
        })?;
        fetched.bytes().await.map_err(outage)
    }

    /// A file's content; damaged when it is not what the manifest says.
    pub(crate) async fn fetch(&self, blob: &Blob) -> Result<Bytes> {
        let bytes = self.read(&self.file_key(&blob.sha256)).await?;
        if blob_of(&bytes) == *blob {
            Ok(bytes)
        } else {
            Err(damaged(format!(
                "the snapshot file {} is not what it was",
                blob.sha256
            )))
        }
    }

    /// The shop's own synonyms, if it has any.
    pub(crate) async fn synonyms(&self) -> Result<Option<(Blob, Bytes)>> {
        let fetched = match self.store.get(&self.place.clone().join(SYNONYMS)).await {
            Ok(fetched) => fetched,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(outage(error)),
        };
        if fetched.meta.size > MAX_SYNONYMS {
            return Err(Error::internal(format!(
                "{SYNONYMS} has more than {MAX_SYNONYMS} bytes"
            )));
        }
        let bytes = fetched.bytes().await.map_err(outage)?;
        if std::str::from_utf8(&bytes).is_err() {
            return Err(Error::internal(format!("{SYNONYMS} is not UTF-8")));
        }
        Ok(Some((blob_of(&bytes), bytes)))
    }

    /// Fetches these files to these paths, each whole or not at all.
    pub(crate) async fn fetch_to(&self, files: Vec<(Blob, std::path::PathBuf)>) -> Result<()> {
        let fetches = files.into_iter().map(|(blob, path)| async move {
            let bytes = self.fetch(&blob).await?;
            tokio::task::spawn_blocking(move || write_whole(&path, &bytes))
                .await
                .map_err(Error::internal)?
        });
        futures::stream::iter(fetches)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Stores files under their hashes.
    pub(crate) async fn upload(&self, files: Vec<(Blob, Bytes)>) -> Result<()> {
        let uploads = files.into_iter().map(|(blob, bytes)| async move {
            let key = self.file_key(&blob.sha256);
            self.store
                .put(&key, PutPayload::from_bytes(bytes))
                .await
                .map(|_| ())
                .map_err(outage)
        });
        futures::stream::iter(uploads)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Publishes the manifest, unless its version exists.
    pub(crate) async fn publish(&self, manifest: &Manifest) -> Result<Put> {
        let bytes = serde_json::to_vec(manifest).map_err(Error::internal)?;
        let key = self.manifest_key(manifest.version);
        match self
            .store
            .put_opts(&key, bytes.into(), PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(Put::Published),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(Put::Conflict),
            Err(error) => Err(outage(error)),
        }
    }

    /// Removes files; that one is gone already is fine. Failing is harmless, they are swept later.
    pub(crate) async fn remove(&self, hashes: Vec<String>) {
        let keys: Vec<_> = hashes
            .iter()
            .map(|sha256| Ok(self.file_key(sha256)))
            .collect();
        self.delete(keys).await;
    }

    async fn delete(&self, keys: Vec<object_store::Result<Key>>) {
        let mut deleted = self
            .store
            .delete_stream(futures::stream::iter(keys).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => tracing::warn!(%error, "an old snapshot file stays for now"),
            }
        }
    }

    /// Removes manifests before `current` that are older than `before` (milliseconds since the epoch).
    pub(crate) async fn sweep_manifests(&self, current: u64, before: i64) -> Result<()> {
        let newest = self.manifest_key(current);
        self.sweep(&self.manifests(), before, |key| *key < newest)
            .await
    }

    /// Removes files older than `before` that nothing refers to: what a crashed indexer left behind.
    pub(crate) async fn sweep_orphans(&self, manifest: &Manifest, before: i64) -> Result<()> {
        let mut kept = manifest.hashes();
        kept.extend(
            manifest
                .retired
                .iter()
                .map(|retired| retired.sha256.as_str()),
        );
        self.sweep(&self.files(), before, |key| {
            key.filename().is_some_and(|name| !kept.contains(name))
        })
        .await
    }

    async fn sweep(&self, prefix: &Key, before: i64, is_old: impl Fn(&Key) -> bool) -> Result<()> {
        let listed: Vec<_> = self
            .store
            .list(Some(prefix))
            .try_collect()
            .await
            .map_err(outage)?;
        let old = listed
            .into_iter()
            .filter(|meta| meta.last_modified.timestamp_millis() < before);
        let old = old
            .map(|meta| meta.location)
            .filter(is_old)
            .map(Ok)
            .collect();
        self.delete(old).await;
        Ok(())
    }
}

/// Writes a file under another name first, so that it is never seen half-written.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_added_extension("partial");
    std::fs::write(&partial, bytes)
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(Error::internal)
}
