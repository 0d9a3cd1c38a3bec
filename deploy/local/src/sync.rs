//! Locking that survives a panic elsewhere: state guarded here is whole between statements, so a
//! poisoned lock carries no danger, and a launcher has to be able to stop its children regardless.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, poisoned or not.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
