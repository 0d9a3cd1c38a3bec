//! Imports as they are sent on: every line keeps its number.

use bothways_domain::{
    Result,
    import::{ImportLine, ImportReport, RejectedLine},
};

/// An import's body, and the lines that were rejected before it is sent.
pub(super) struct Import {
    pub(super) body: String,
    pub(super) rejected: Vec<RejectedLine>,
}

impl Import {
    /// Writes the good lines, each at the place its number says; what is between them is left blank.
    pub(super) fn of<T>(
        lines: Vec<ImportLine<T>>,
        write: impl Fn(&T) -> Result<String>,
    ) -> Result<Self> {
        let (mut body, mut at, mut rejected) = (String::new(), 1, Vec::new());
        for ImportLine { line, value } in lines {
            let value = match value {
                Ok(value) => value,
                Err(detail) => {
                    rejected.push(RejectedLine { line, detail });
                    continue;
                }
            };
            while at < line {
                body.push('\n');
                at += 1;
            }
            body.push_str(&write(&value)?);
        }
        Ok(Self { body, rejected })
    }
}

/// The report of the whole import.
pub(super) fn merge(mut report: ImportReport, rejected: Vec<RejectedLine>) -> ImportReport {
    report.rejected.extend(rejected);
    report.rejected.sort_by_key(|rejected| rejected.line);
    report
}
