//! The table of docs/performance.md.

use std::{fmt, fs, path::Path};

use crate::rounds::{Reading, Readings};

const ABOVE: &str =
    "<!-- made by: cargo run --release -p bothways-performance -- --write docs/performance.md -->";
const BELOW: &str = "<!-- until here -->";

/// What a ratio has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Limit {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(limit) => ratio >= limit,
            Self::AtMost(limit) => ratio <= limit,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(limit) => write!(out, "≥ {limit:.2}"),
            Self::AtMost(limit) => write!(out, "≤ {limit:.2}"),
        }
    }
}

/// A ratio that was measured.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ratio: f64,
    pub(crate) limit: Limit,
    /// What it is the ratio of: ours, and the other's.
    pub(crate) figures: [String; 2],
}

impl Row {
    /// The ratio of the rates of ours to another's, which is to be `least` or more.
    pub(crate) fn of_rates(what: &str, ours: &Readings, other: &Readings, least: f64) -> Self {
        let rate = |one: &Reading| one.rate;
        Self {
            what: what.to_owned(),
            ratio: ours.ratio(other, rate),
            limit: Limit::AtLeast(least),
            figures: [ours, other].map(|of| format!("{:.0}/s", of.median(rate))),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            ratio,
            limit,
            figures: [ours, theirs],
        } = self;
        let verdict = if limit.holds(*ratio) {
            "holds"
        } else {
            "missed"
        };
        write!(
            out,
            "| {what} | {ratio:.2} | {limit} | {verdict} | {ours} | {theirs} |"
        )
    }
}

/// The table of these rows.
pub(crate) fn of(rows: &[Row]) -> String {
    let head =
        "| what | ratio | limit | | ours | other |\n| --- | ---: | ---: | --- | ---: | ---: |\n";
    let lines = rows.iter().map(|row| format!("{row}\n"));
    head.to_owned() + &lines.collect::<String>()
}

/// Puts the rows into the document's table, each in the place of the one that it measures again.
pub(crate) fn write(file: &Path, rows: &[Row]) -> Result<(), String> {
    let problem = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| problem(&error))?;
    fs::write(file, placed(&text, rows).map_err(|error| problem(&error))?)
        .map_err(|error| problem(&error))
}

fn placed(text: &str, rows: &[Row]) -> Result<String, String> {
    let (before, rest) = text.split_once(ABOVE).ok_or("no table begins")?;
    let (table, after) = rest.split_once(BELOW).ok_or("the table does not end")?;
    let is_new = |line: &&str| {
        rows.iter()
            .any(|row| line.starts_with(&format!("| {} |", row.what)))
    };
    let known = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let kept = known
        .filter(|line| !is_new(line))
        .map(|line| format!("{line}\n"));
    let table = of(rows) + &kept.collect::<String>();
    Ok(format!("{before}{ABOVE}\n\n{table}\n{BELOW}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: &str, ratio: f64, limit: Limit) -> Row {
        let figures = ["1/s".to_owned(), "2/s".to_owned()];
        Row {
            what: what.to_owned(),
            ratio,
            limit,
            figures,
        }
    }

    #[test]
    fn a_limit_holds_at_the_limit() {
        assert!(Limit::AtLeast(0.8).holds(0.8) && !Limit::AtLeast(0.8).holds(0.79));
        assert!(Limit::AtMost(1.5).holds(1.5) && !Limit::AtMost(1.5).holds(1.51));
        assert!(!Limit::AtMost(1.5).holds(f64::NAN) && !Limit::AtLeast(1.5).holds(f64::NAN));
    }

    #[test]
    fn a_row_measured_again_takes_the_place_of_the_one_before() {
        let empty = format!("Above.\n{ABOVE}\n\n{BELOW}\nBelow.\n");
        let first = [
            row("a", 0.9, Limit::AtLeast(0.8)),
            row("b", 2.0, Limit::AtMost(1.0)),
        ];
        let text = placed(&empty, &first).unwrap();
        assert!(text.contains("| a | 0.90 | ≥ 0.80 | holds | 1/s | 2/s |"));
        let text = placed(&text, &[row("b", 0.5, Limit::AtMost(1.0))]).unwrap();
        assert!(text.contains("| b | 0.50 | ≤ 1.00 | holds |") && !text.contains("missed"));
        assert!(
            text.contains("| a | 0.90") && text.starts_with("Above.") && text.ends_with("Below.\n")
        );
        assert!(placed("no table", &first).is_err());
    }
}
