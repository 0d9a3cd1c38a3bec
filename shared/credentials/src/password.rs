//! Password hashes: Argon2id with the crate's defaults, which are OWASP's first recommendation
//! (19 MiB, 2 passes, 1 lane; Password Storage Cheat Sheet).

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    identity::{Password, PasswordHasher},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// A hash of no password anybody has, so that an unknown address costs as much as a known one.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    Argon2::default()
        .hash_password(b"nobody has this password")
        .ok()
        .map(|hash| hash.to_string())
});

/// Hashes on blocking threads, at most one per core at once: each takes 19 MiB and all of a core.
#[derive(Debug, Clone)]
pub struct Argon2Hasher {
    slots: Arc<Semaphore>,
}

impl Default for Argon2Hasher {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            slots: Arc::new(Semaphore::new(cores)),
        }
    }
}

impl Argon2Hasher {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(Error::internal)?;
        // The work goes on when nobody waits for it any more, and so does what it takes.
        let work = move || {
            let _slot = slot;
            work()
        };
        spawn_blocking(work).await.map_err(Error::internal)?
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: &Password) -> Result<String> {
        let password = password.clone();
        self.blocking(move || {
            let hash = Argon2::default().hash_password(password.reveal().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await
    }

    async fn verify(&self, password: &Password, hash: Option<&str>) -> Result<bool> {
        let (password, hash) = (password.clone(), hash.map(str::to_owned));
        self.blocking(move || {
            let known = hash.is_some();
            let hash = hash
                .or_else(|| NOBODY.clone())
                .ok_or_else(|| Error::internal("no hash to compare with"))?;
            let hash =
                PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
            let right = Argon2::default()
                .verify_password(password.reveal().as_bytes(), &hash)
                .is_ok();
            Ok(right && known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_verifies() {
        let hasher = Argon2Hasher::default();
        let password = Password::parse("correct horse", "/password").unwrap();
        let other = Password::parse("battery staple", "/password").unwrap();
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(hasher.verify(&password, Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&other, Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&password, None).await.unwrap());
        let nobody = Password::parse("nobody has this password", "/password").unwrap();
        assert!(!hasher.verify(&nobody, None).await.unwrap());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_slot() {
        let hasher = Argon2Hasher {
            slots: Arc::new(Semaphore::new(1)),
        };
        let (started, working) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let work = hasher.blocking(move || {
            let _ = started.send(());
            let _ = ended.recv();
            Ok(())
        });
        tokio::select! {
            _ = work => panic!("it was not to end yet"),
            _ = working => {}
        }
        assert_eq!(hasher.slots.available_permits(), 0);
        drop(end);
        let slot = hasher.slots.acquire().await;
        assert!(slot.is_ok());
    }
}
