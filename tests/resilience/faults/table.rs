//! The table of docs/fault-isolation.md: what is expected, and where what was measured goes.

use std::{fs, path::PathBuf, time::Duration};

use super::{Row, fault::Fault, shopper::Step};

/// What stands above and below it.
const ABOVE: &str = "<!-- made by the suite: FAULT_TABLE=write -->";
const BELOW: &str = "<!-- until here -->";

const HEAD: [&str; 14] = [
    "fault",
    "home page",
    "search",
    "product page",
    "cart",
    "buy",
    "sign in",
    "orders",
    "photo",
    "news",
    "parcel",
    "not well",
    "breaker",
    "well after",
];

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/fault-isolation.md")
}

/// The document that the table is in.
pub(super) struct Document {
    before: String,
    /// The table's body, each line by its cells.
    lines: Vec<Vec<String>>,
    after: String,
}

impl Document {
    pub(super) fn read() -> Self {
        let text = fs::read_to_string(path()).expect("docs/fault-isolation.md");
        let (before, rest) = text.split_once(ABOVE).expect("the mark above the table");
        let (table, after) = rest.split_once(BELOW).expect("the mark below the table");
        let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
        let cells = |row: &str| {
            let cells = row.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        };
        Self {
            before: before.to_owned(),
            lines: rows.map(cells).collect(),
            after: after.to_owned(),
        }
    }

    /// In what a row is not as documented; `None` if it is.
    pub(super) fn difference(&self, row: &Row) -> Option<String> {
        let (name, found) = (row.fault.to_string(), words(row));
        let Some(line) = self.lines.iter().find(|line| line[0] == name) else {
            return Some(format!("{name} is not documented; it is {found:?}"));
        };
        let said = &line[1..=found.len()];
        let agrees = said
            .iter()
            .zip(&found)
            .all(|(said, found)| allows(said, tolerated(row.fault, said, found)));
        (!agrees).then(|| format!("{name}: documented {said:?}, found {found:?}"))
    }

    /// Puts these rows in the place of those of the same faults, or below the rest.
    pub(super) fn write(mut self, rows: &[Row]) {
        for row in rows {
            let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
            let mut cells = vec![row.fault.to_string()];
            cells.extend(words(row));
            cells.push(format!("{} of {}", row.failed, row.taken));
            cells.push(row.opened.map_or_else(|| "–".to_owned(), seconds));
            cells.push(seconds(row.healed));
            match self.lines.iter_mut().find(|line| line[0] == cells[0]) {
                Some(line) => {
                    for (cell, found) in line.iter_mut().zip(cells) {
                        if !allows(cell, &found) {
                            *cell = found;
                        }
                    }
                }
                None => self.lines.push(cells),
            }
        }
        let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = HEAD.map(|_| "---".to_owned());
        let mut table = row(&HEAD.map(str::to_owned)) + &row(&rule);
        table.extend(self.lines.iter().map(|line| row(line)));
        let (before, after) = (self.before, self.after);
        let text = format!("{before}{ABOVE}\n\n{table}\n{BELOW}{after}");
        fs::write(path(), text).expect("docs/fault-isolation.md can be written");
    }
}

/// What a shopper can do, as the table words it.
fn words(row: &Row) -> Vec<String> {
    let steps = Step::ALL.iter().map(|step| row.verdicts[step]);
    let all = steps.chain([row.news, row.parcel]);
    all.map(|verdict| verdict.word().to_owned()).collect()
}

/// What a cell has to allow. How quick what works is, is the machine's affair as much as the shop's; and a 500 is passed
/// on until a breaker has opened, which takes a slow machine longer.
fn tolerated<'a>(fault: Fault, said: &'a str, found: &'a str) -> &'a str {
    match (fault, said, found) {
        (_, "works", "slow") => "works",
        (Fault::Failing(_), "refused", "fails") => "refused",
        _ => found,
    }
}

/// Whether a cell, which may name alternatives, names this one.
fn allows(said: &str, found: &str) -> bool {
    said.split(" or ").any(|one| one == found)
}
