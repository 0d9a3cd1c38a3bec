//! Measured figures, and the table of them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::judged::Outcome;

/// What was measured, by name.
#[derive(Debug, Default, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn note(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn lacks(&self, name: &str) -> bool {
        !self.0.contains_key(name)
    }

    /// Takes in other figures, whose names then begin so.
    pub(crate) fn add(&mut self, prefix: &str, other: Self) {
        let named = other
            .0
            .into_iter()
            .map(|(name, value)| (format!("{prefix}{name}"), value));
        self.0.extend(named);
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// How long something took, each time.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Waits for a query's rows, of which there is a total at least; how long that took counts if `counts` says so.
    pub(crate) async fn of_rows(
        &mut self,
        counts: bool,
        query: &str,
        rows: impl Future<Output = Outcome<usize>>,
    ) -> Outcome<()> {
        let started = Instant::now();
        let rows = rows.await?;
        if counts {
            self.add(started.elapsed());
        }
        if rows == 0 {
            return Err(format!("{query}: not even a total").into());
        }
        Ok(())
    }

    /// Notes the median and what one of a hundred queries takes longer than.
    pub(crate) fn note(&self, figures: &mut Figures) {
        figures.note("p50_ms", self.quantile(0.5));
        figures.note("p99_ms", self.quantile(0.99));
    }

    /// In milliseconds, by nearest rank.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place among few"
        )]
        let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
        sorted
            .get(place)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// A row of the table: what it says, the figure, its digits after the point and the factor for its unit.
type Row = (&'static str, &'static str, usize, f64);

const ROWS: &[Row] = &[
    ("index build, products a second", "build_rate", 0, 1.0),
    ("index build, s", "build_s", 0, 1.0),
    (
        "import of 10 000 changed products in batches of 1 000, each published, products a second",
        "import_rate",
        0,
        1.0,
    ),
    ("… the slowest batch, s", "slowest_batch_ms", 2, 1e-3),
    ("indexer's memory at its peak, MB", "index_peak_mb", 0, 1.0),
    ("snapshot, MB", "size_mb", 1, 1.0),
    ("a change of a price transfers, kB", "price_kb", 1, 1.0),
    ("… % of the snapshot", "price_bytes_share", 3, 100.0),
    ("… is found after, ms at most", "price_seen_ms", 0, 1.0),
    ("a change of a name transfers, kB", "name_kb", 1, 1.0),
    ("… % of the snapshot", "name_bytes_share", 3, 100.0),
    ("… is found after, ms at most", "name_seen_ms", 0, 1.0),
    (
        "cold start: snapshot fetched, verified and opened, ms",
        "open_ms",
        0,
        1.0,
    ),
    ("… and the first query answered, ms", "cold_ms", 0, 1.0),
    ("resident memory then, MB", "memory_cold_mb", 0, 1.0),
    ("resident memory after all queries, MB", "memory_mb", 0, 1.0),
    (
        "… of which not files of the snapshot, MB",
        "memory_private_mb",
        0,
        1.0,
    ),
    ("**query p50, ms**", "p50_ms", 2, 1.0),
    ("**query p99, ms**", "p99_ms", 2, 1.0),
    ("suggestions p50, ms", "suggest_p50_ms", 2, 1.0),
    ("suggestions p99, ms", "suggest_p99_ms", 2, 1.0),
    ("SQLite FTS5: build, s", "sqlite_build_s", 0, 1.0),
    ("SQLite FTS5: query p50, ms", "sqlite_p50_ms", 1, 1.0),
    ("SQLite FTS5: query p99, ms", "sqlite_p99_ms", 1, 1.0),
    ("PostgreSQL: build, s", "postgres_build_s", 0, 1.0),
    ("PostgreSQL: query p50, ms", "postgres_p50_ms", 1, 1.0),
    ("PostgreSQL: query p99, ms", "postgres_p99_ms", 1, 1.0),
];

/// The figures by size, as a table in Markdown; what was not measured is a dash.
pub(crate) fn table(columns: &[(usize, Figures)]) -> String {
    let sizes: Vec<String> = columns.iter().map(|(size, _)| grouped(*size)).collect();
    let rule = " ---: |".repeat(columns.len());
    let mut lines = vec![
        format!("| products | {} |", sizes.join(" | ")),
        format!("| --- |{rule}"),
    ];
    for (title, name, digits, factor) in ROWS {
        let cells = columns.iter().map(|(_, figures)| {
            let figure = figures.get(name);
            figure.map_or_else(
                || "–".to_owned(),
                |value| format!("{:.digits$}", value * factor),
            )
        });
        lines.push(format!(
            "| {title} | {} |",
            cells.collect::<Vec<_>>().join(" | ")
        ));
    }
    lines.join("\n") + "\n"
}

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}
