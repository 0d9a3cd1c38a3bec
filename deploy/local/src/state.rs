//! What one run leaves on disk: the lock that keeps a second one out, `state.json` for whoever wants
//! to talk to it, and the secrets that outlive it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything under the data folder.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Makes the folder if need be, and its path absolute.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let made = std::fs::create_dir_all(path).and_then(|()| path.canonicalize());
        let path = made.map_err(|error| format!("the data folder {}: {error}", path.display()))?;
        Ok(Self { path })
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder of one architecture, made if need be.
    pub(crate) fn of(&self, architecture: &str) -> Result<PathBuf, String> {
        let folder = self.join(architecture);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// Deletes what a run made: databases, snapshots, queues, logs, secrets. Nothing else, whatever
    /// folder the user named.
    pub(crate) fn start_over(&self) -> Result<(), String> {
        for name in [
            "microservices",
            "serverless",
            "logs",
            "import",
            "secrets.json",
            "state.json",
        ] {
            let path = self.join(name);
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else if path.exists() {
                std::fs::remove_file(&path)
            } else {
                Ok(())
            };
            removed.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Takes the folder for this process; says who has it otherwise.
    pub(crate) fn lock(&self) -> Result<Lock, String> {
        let path = self.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let mut file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        match patiently_locked(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = self
                    .holder()
                    .map_or_else(String::new, |pid| format!(" (process {pid})"));
                return Err(format!(
                    "the shop already runs from {}{pid}; end it with `bothways down`, or use another --data",
                    self.path.display()
                ));
            }
            Err(TryLockError::Error(error)) => return Err(format!("{}: {error}", path.display())),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Lock { _file: file })
    }

    /// The process that holds the folder, if one does.
    pub(crate) fn holder(&self) -> Option<i32> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.join("lock"))
            .ok()?;
        if file.try_lock().is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// Writes `state.json`: complete or not at all, and for its owner only.
    pub(crate) fn write_state(&self, state: &State) -> Result<(), String> {
        let text = serde_json::to_string_pretty(state).map_err(|error| error.to_string())?;
        write_private(&self.join("state.json"), text.as_bytes())
    }

    /// Reads `state.json`.
    pub(crate) fn read_state(&self) -> Option<State> {
        serde_json::from_slice(&std::fs::read(self.join("state.json")).ok()?).ok()
    }

    /// Removes `state.json`, as nothing runs any more.
    pub(crate) fn remove_state(&self) {
        let _ = std::fs::remove_file(self.join("state.json"));
    }

    /// The secrets of this folder, made the first time.
    pub(crate) fn secrets(&self) -> Result<Secrets, String> {
        let path = self.join("secrets.json");
        if let Ok(text) = std::fs::read(&path) {
            return serde_json::from_slice(&text)
                .map_err(|error| format!("{}: {error}", path.display()));
        }
        let secrets = Secrets::random();
        let text = serde_json::to_string_pretty(&secrets).map_err(|error| error.to_string())?;
        write_private(&path, text.as_bytes())?;
        Ok(secrets)
    }
}

/// Tries for a moment: whoever asks for the holder has the lock for an instant.
fn patiently_locked(file: &File) -> Result<(), TryLockError> {
    for _ in 0..10 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            outcome => return outcome,
        }
    }
    file.try_lock()
}

/// The data folder is this process's until this is dropped, or the process ends in any way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let fresh = path.with_extension("new");
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&fresh, path));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// What `state.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The launcher.
    pub(crate) pid: u32,
    /// Base URL of the control API.
    pub(crate) control: String,
    /// Bearer token of the control API.
    pub(crate) control_token: String,
    /// The shops by architecture.
    pub(crate) architectures: BTreeMap<String, ShopState>,
}

/// One running shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShopState {
    pub(crate) url: String,
    pub(crate) payment_url: String,
    pub(crate) payment_key: String,
    pub(crate) admin_email: String,
    pub(crate) admin_password: String,
    pub(crate) snapshot_dir: PathBuf,
}

/// Made at random the first time, kept with the data they protect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) admin_email: String,
    pub(crate) admin_password: String,
    pub(crate) payment_key: String,
    pub(crate) internal_token: String,
    pub(crate) control_token: String,
}

impl Secrets {
    fn random() -> Self {
        Self {
            admin_email: "admin@bothways.example".to_owned(),
            admin_password: readable(),
            payment_key: format!("sk_test_{}", hex()),
            internal_token: hex(),
            control_token: hex(),
        }
    }
}

pub(crate) fn hex() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// About 100 random bits that can be typed: five groups of four, without letters that look alike.
pub(crate) fn readable() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = |_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    let groups: Vec<String> = (0..5).map(|_| (0..4).map(letter).collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_who_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        assert_eq!(data.holder(), None);
        let lock = data.lock().unwrap();
        assert_eq!(data.holder(), i32::try_from(std::process::id()).ok());
        assert!(data.lock().unwrap_err().contains("bothways down"));
        drop(lock);
        assert_eq!(data.holder(), None);
    }

    #[test]
    fn secrets_are_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let first = data.secrets().unwrap();
        assert_eq!(first.admin_password, data.secrets().unwrap().admin_password);
        let mode = std::fs::metadata(data.join("secrets.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        data.start_over().unwrap();
        assert_ne!(first.admin_password, data.secrets().unwrap().admin_password);
    }
}
