//! The files of snapshots on this machine: each is fetched once, verified, and linked into a folder per version.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use bothways_domain::{Error, Result};
use tokio::task::spawn_blocking;

use crate::{
    manifest::{Blob, Manifest},
    overlay::Overlay,
    scratch::Scratch,
    snapshot::Snapshot,
    snapshot_store::SnapshotStore,
    synonyms::Synonyms,
};

/// A folder of this process, removed in the end.
pub(crate) struct SnapshotCache {
    folder: Scratch,
}

impl SnapshotCache {
    /// Makes an empty one in `parent`. Blocks.
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        let folder = Scratch::create(parent, "bothways-search-").map_err(Error::internal)?;
        fs::create_dir(folder.path().join("files")).map_err(Error::internal)?;
        Ok(Self { folder })
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.folder.path().join("files").join(sha256)
    }

    fn version(&self, version: u64) -> PathBuf {
        self.folder.path().join(format!("version-{version}"))
    }

    /// Fetches what is missing of a version, verifies it and opens the version.
    pub(crate) async fn load(&self, store: &SnapshotStore, manifest: Manifest) -> Result<Snapshot> {
        let missing = manifest
            .blobs()
            .map(|blob| (blob.clone(), self.file(&blob.sha256)));
        let mut seen = HashSet::new();
        let missing: Vec<_> = missing
            .filter(|(blob, path)| seen.insert(blob.sha256.clone()) && !path.exists())
            .collect();
        let bytes: u64 = missing.iter().map(|(blob, _)| blob.size).sum();
        let started = Instant::now();
        store.fetch_to(missing).await?;
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        tracing::debug!(
            version = manifest.version,
            bytes,
            milliseconds,
            "a snapshot was fetched"
        );
        let folder = self.version(manifest.version);
        let files: Vec<_> = manifest
            .files
            .iter()
            .map(|(name, blob)| (self.file(&blob.sha256), folder.join(name)))
            .collect();
        let path = |blob: &Blob| self.file(&blob.sha256);
        let overlay: Vec<_> = manifest.overlay.iter().map(path).collect();
        let synonyms = manifest.synonyms.as_ref().map(path);
        let opened = spawn_blocking(move || {
            let parts: std::io::Result<Vec<_>> = overlay.into_iter().map(fs::read).collect();
            let parts = parts.map_err(Error::internal)?;
            let overlay = Overlay::decode(parts.iter().map(Vec::as_slice))
                .ok_or_else(|| Error::internal("the overlay can't be read"))?;
            let synonyms = synonyms
                .map(fs::read)
                .transpose()
                .map_err(Error::internal)?;
            let synonyms = synonyms.map(|text| Synonyms::parse(&String::from_utf8_lossy(&text)));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).map_err(Error::internal)?;
            for (file, name) in files {
                fs::hard_link(&file, &name)
                    .or_else(|_| fs::copy(&file, &name).map(|_| ()))
                    .map_err(Error::internal)?;
            }
            Snapshot::open(manifest.version, &folder, &overlay, synonyms)
        });
        opened.await.map_err(Error::internal)?
    }

    /// Removes the files that only other versions need. Searches still running in one keep theirs open.
    pub(crate) fn keep_only(&self, manifest: &Manifest) {
        let live = manifest.hashes();
        let version = self.version(manifest.version);
        let entries = |folder: &Path| {
            fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
        };
        for path in entries(&self.folder.path().join("files")) {
            let kept = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| live.contains(name));
            if !kept {
                let _ = fs::remove_file(path);
            }
        }
        for path in entries(self.folder.path()) {
            if path != version
                && path.is_dir()
                && path.file_name().is_some_and(|name| name != "files")
            {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}
