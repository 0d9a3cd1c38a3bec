//! What recovery did.

/// Counts of what one pass of recovery did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Checkouts and cancellations brought to their end.
    pub finished: u32,
    /// Checkouts undone as if they had never been.
    pub undone: u32,
    /// Those that could not be brought to an end yet, because another part can't be asked.
    pub postponed: u32,
}
