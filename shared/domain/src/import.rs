//! Bulk imports: good lines land, bad lines are named.

use serde::{Deserialize, Serialize};

/// The most lines one import request may have.
pub const MAX_LINES: usize = 1_000;

/// One line of an import after parsing: a value, or what is wrong with it.
#[derive(Debug, Clone)]
pub struct ImportLine<T> {
    /// Its number in the request, from 1.
    pub line: u32,
    /// The line's content.
    pub value: Result<T, String>,
}

/// A line that did not land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RejectedLine {
    /// Its number in the request, from 1.
    pub line: u32,
    /// Why.
    pub detail: String,
}

/// What an import did; lines that change nothing are in neither count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// Lines that created something.
    pub created: u32,
    /// Lines that changed something.
    pub updated: u32,
    /// Lines that did not land.
    pub rejected: Vec<RejectedLine>,
}

impl ImportReport {
    /// Counts what a line did.
    pub fn count(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => {}
        }
    }
}

/// What writing a thing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was new.
    Created,
    /// It became different.
    Updated,
    /// It was like that already; nothing was written and no event told.
    Unchanged,
}
