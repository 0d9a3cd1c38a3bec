//! A service that is slow, or answers with faults.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bothways_http::{Problem, ProblemType};

use super::directory;
use crate::Settings;

/// Where a service's requests look for what is to happen to them.
#[derive(Debug)]
pub(crate) struct Marks {
    slow: PathBuf,
    fail: PathBuf,
}

impl Marks {
    /// Those of `service`, where a test set `FAILPOINT_DIR`.
    pub(crate) fn find(settings: Settings, service: &str) -> Option<Self> {
        directory(settings).map(|directory| Self::of(service, &directory))
    }

    fn of(service: &str, directory: &Path) -> Self {
        Self {
            slow: directory.join(format!("slow.{service}")),
            fail: directory.join(format!("fail.{service}")),
        }
    }

    /// Lets a request wait, and says what it is answered if it is to fail. Whether the service is alive and ready is not
    /// what is put to the test.
    pub(crate) async fn meet(&self, path: &str) -> Option<Problem> {
        if matches!(path, "/healthz" | "/readyz") {
            return None;
        }
        if let Some(delay) = delay(&self.slow) {
            tokio::time::sleep(delay).await;
        }
        let fails = self.fail.exists();
        fails.then(|| Problem::new(ProblemType::Internal, "a fail point is set"))
    }
}

/// How long requests take longer while the mark is there: it says so, in milliseconds.
fn delay(mark: &Path) -> Option<Duration> {
    let said = std::fs::read_to_string(mark).ok()?;
    said.trim().parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_service_that_is_named_fails_and_its_health_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let marks = |service: &str| Marks::of(service, folder.path());
        std::fs::write(&marks("cart").fail, "").expect("a mark");
        let fails = async |service: &str, path: &str| marks(service).meet(path).await.is_some();
        assert!(fails("cart", "/").await);
        assert!(!fails("cart", "/healthz").await);
        assert!(!fails("product", "/").await);
    }

    #[test]
    fn a_mark_says_how_slow_in_milliseconds() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("slow.cart");
        assert_eq!(delay(&mark), None);
        std::fs::write(&mark, "2000\n").expect("a mark");
        assert_eq!(delay(&mark), Some(Duration::from_secs(2)));
    }
}
