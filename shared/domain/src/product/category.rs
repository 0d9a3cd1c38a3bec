//! Category paths, from broad to narrow.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What separates the levels where a path is one text (filters and facets).
pub(crate) const SEPARATOR: &str = " > ";
/// The most levels a path has.
pub(crate) const MAX_LEVELS: usize = 6;
/// The most characters a level's name has.
pub(crate) const MAX_LEVEL_LENGTH: usize = 200;

/// A path such as `Printing > Toner & drums`; empty for a product without a category.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Category(Vec<String>);

impl Category {
    /// The path of these levels, broadest first.
    pub fn new(levels: Vec<String>) -> Self {
        Self(levels)
    }

    /// Reads `A > B`; blank text is the empty path.
    pub fn parse_path(text: &str) -> Self {
        let levels = text
            .split(SEPARATOR)
            .map(str::trim)
            .filter(|level| !level.is_empty());
        Self(levels.map(str::to_owned).collect())
    }

    /// The levels, broadest first.
    pub fn levels(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The path of the first `depth` levels.
    pub fn prefix(&self, depth: usize) -> Self {
        Self(self.0.iter().take(depth).cloned().collect())
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(SEPARATOR))
    }
}
