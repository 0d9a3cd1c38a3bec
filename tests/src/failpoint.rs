//! Fail points: files by which a case lets processes die, or events be refused.

use std::{fs, path::PathBuf};

use crate::shop::Shop;

/// A fail point of a shop, gone with this at the latest.
#[derive(Debug)]
pub struct FailPoint {
    mark: PathBuf,
}

impl FailPoint {
    /// Sets the fail point `name`, as the runtime's `failpoint` module reads it.
    pub fn set(shop: &Shop, name: &str) -> Self {
        Self::saying(shop, name, "")
    }

    /// Sets a fail point that says something, such as how long.
    pub fn saying(shop: &Shop, name: &str, says: &str) -> Self {
        let folder = shop.access().failpoints.as_deref();
        let mark = folder.expect("the folder of fail points").join(name);
        fs::write(&mark, says).expect("a fail point");
        Self { mark }
    }

    /// Whether a process died of it.
    pub fn has_struck(&self) -> bool {
        !self.mark.exists()
    }

    /// Takes it away.
    pub fn lift(self) {
        drop(self);
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.mark);
    }
}
