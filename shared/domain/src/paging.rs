//! Pages of lists.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How many entries a page has unless asked otherwise.
pub const DEFAULT_PER_PAGE: u32 = 24;
/// The most entries a page can have.
pub const MAX_PER_PAGE: u32 = 100;
/// How deep a list can be paged: `page * per_page` at most.
pub const MAX_DEPTH: u32 = 10_000;

/// Which page of a list, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    page: u32,
    per_page: u32,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            page: 1,
            per_page: DEFAULT_PER_PAGE,
        }
    }
}

impl Paging {
    /// Takes a page from 1 and a size from 1 to 100, no deeper than 10 000 entries.
    pub fn parse(page: Option<u32>, per_page: Option<u32>) -> Result<Self> {
        let (page, per_page) = (page.unwrap_or(1), per_page.unwrap_or(DEFAULT_PER_PAGE));
        if page < 1 {
            return Err(Error::invalid("?page", "pages count from 1"));
        }
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            let detail = format!("a page has 1 to {MAX_PER_PAGE} entries");
            return Err(Error::invalid("?per_page", detail));
        }
        if page
            .checked_mul(per_page)
            .is_none_or(|depth| depth > MAX_DEPTH)
        {
            let detail = format!("lists can be paged through to entry {MAX_DEPTH}");
            return Err(Error::invalid("?page", detail));
        }
        Ok(Self { page, per_page })
    }

    /// The page, from 1.
    pub fn page(self) -> u32 {
        self.page
    }

    /// Entries on a page.
    pub fn per_page(self) -> u32 {
        self.per_page
    }

    /// Entries before this page.
    pub fn offset(self) -> u32 {
        (self.page - 1) * self.per_page
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries of this page.
    pub entries: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}
