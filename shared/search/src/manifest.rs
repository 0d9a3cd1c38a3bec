//! The manifest: which files, by their hashes, make up a version of the index.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::schema::FORMAT;

/// A file's content. Files are stored under their hash, so one that exists is never written differently.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Blob {
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// Bytes.
    pub(crate) size: u64,
}

/// A file that no current version needs, kept for searchers that are still loading an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retired {
    pub(crate) sha256: String,
    /// Since when, in milliseconds since the epoch.
    pub(crate) since: i64,
}

/// One published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Which code can read it.
    pub(crate) format: u32,
    /// Counts up by one or more.
    pub(crate) version: u64,
    /// Milliseconds since the epoch.
    pub(crate) published_at: i64,
    /// How many products it holds.
    pub(crate) products: usize,
    /// The text index: tantivy's files by name, `meta.json` among them.
    pub(crate) files: BTreeMap<String, Blob>,
    /// Price, availability, popularity and rating, in parts.
    pub(crate) overlay: Vec<Blob>,
    /// The shop's own synonyms, if it has any.
    pub(crate) synonyms: Option<Blob>,
    /// What may be removed a while later.
    pub(crate) retired: Vec<Retired>,
}

impl Manifest {
    /// Whether this code can read the version, and its file names stay inside a folder.
    pub(crate) fn is_readable(&self) -> bool {
        let plain = |name: &String| {
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
        };
        let hashed = |blob: &Blob| {
            blob.sha256.len() == 64 && blob.sha256.bytes().all(|b| b.is_ascii_hexdigit())
        };
        self.format == FORMAT && self.files.keys().all(plain) && self.blobs().all(hashed)
    }

    /// All its files' contents.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.files
            .values()
            .chain(&self.overlay)
            .chain(&self.synonyms)
    }

    /// The hashes of all its files.
    pub(crate) fn hashes(&self) -> HashSet<&str> {
        self.blobs().map(|blob| blob.sha256.as_str()).collect()
    }

    /// What is no longer needed once `self` follows `before`, keeping since when, without what was retired before
    /// `expired`.
    pub(crate) fn retire(&mut self, before: Option<&Self>, expired: i64) {
        let Some(before) = before else { return };
        let live = self.hashes();
        let now = self.published_at;
        let older = before
            .retired
            .iter()
            .filter(|old| old.since >= expired)
            .cloned();
        let newly = before.hashes().into_iter().map(|sha256| Retired {
            sha256: sha256.to_owned(),
            since: now,
        });
        let mut seen = HashSet::new();
        let mut retired: Vec<_> = older
            .chain(newly)
            .filter(|old| !live.contains(old.sha256.as_str()))
            .collect();
        retired.retain(|old| seen.insert(old.sha256.clone()));
        retired.sort_by(|a, b| (a.since, &a.sha256).cmp(&(b.since, &b.sha256)));
        self.retired = retired;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(published_at: i64, files: &[&str]) -> Manifest {
        let blob = |name: &str| Blob {
            sha256: name.to_owned(),
            size: 1,
        };
        Manifest {
            format: FORMAT,
            version: 1,
            published_at,
            products: 0,
            files: files
                .iter()
                .map(|name| ((*name).to_owned(), blob(name)))
                .collect(),
            overlay: vec![blob("overlay")],
            synonyms: None,
            retired: Vec::new(),
        }
    }

    #[test]
    fn a_file_is_retired_once_and_forgotten_after_the_grace_period() {
        let mut second = manifest(20, &["b", "c"]);
        second.retire(Some(&manifest(10, &["a", "b"])), 0);
        assert_eq!(
            second.retired,
            [Retired {
                sha256: "a".to_owned(),
                since: 20
            }]
        );

        let mut third = manifest(30, &["c"]);
        third.retire(Some(&second), 21);
        assert_eq!(
            third.retired,
            [Retired {
                sha256: "b".to_owned(),
                since: 30
            }]
        );
    }

    #[test]
    fn a_file_needed_again_is_not_retired() {
        let mut second = manifest(20, &["b"]);
        second.retire(Some(&manifest(10, &["a"])), 0);
        let mut third = manifest(30, &["a"]);
        third.retire(Some(&second), 0);
        assert_eq!(
            third.retired,
            [Retired {
                sha256: "b".to_owned(),
                since: 30
            }]
        );
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        assert!(!manifest(1, &["../x"]).is_readable());
    }
}
