//! Folders for files that only live as long as the process, also when it is killed.
//!
//! Whoever uses such a folder holds a lock in it, which the operating system lets go of however the process ends; the
//! next one to make a folder removes those that nobody holds.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::Duration,
};

use tempfile::TempDir;

const LOCK: &str = ".in-use";
/// Between making a folder and locking it, it looks abandoned.
const SETTLED: Duration = Duration::from_mins(1);

/// A folder of one's own.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// An empty folder in `parent` whose name begins with `prefix`. Blocks.
    pub(crate) fn create(parent: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        sweep(parent, prefix);
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.try_lock()?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what killed processes left behind. What can't be removed stays.
fn sweep(parent: &Path, prefix: &str) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        let changed = entry.metadata().and_then(|meta| meta.modified());
        let settled = changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED));
        if settled && is_abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(folder: &Path) {
        let long_ago = std::time::SystemTime::now() - 2 * SETTLED;
        File::open(folder).unwrap().set_modified(long_ago).unwrap();
    }

    #[test]
    fn what_nobody_holds_any_more_goes_and_what_is_held_or_foreign_stays() {
        let parent = tempfile::tempdir().unwrap();
        let held = Scratch::create(parent.path(), "mine-").unwrap();
        let abandoned = parent.path().join("mine-left");
        let foreign = parent.path().join("other");
        for folder in [&abandoned, &foreign] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), "").unwrap();
        }
        for folder in [held.path(), &abandoned, &foreign] {
            age(folder);
        }
        let next = Scratch::create(parent.path(), "mine-").unwrap();
        assert!(held.path().exists() && foreign.exists() && next.path().exists());
        assert!(!abandoned.exists());
    }
}
