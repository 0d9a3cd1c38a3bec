//! The table of docs/fault-isolation.md: what is expected, and where what was measured goes.

use std::{fs, path::PathBuf};

use super::{Row, fault::Fault, shopper::Step};

/// What stands above and below it.
const ABOVE: &str = "<!-- made by the suite: FAULT_TABLE=write -->";
const BELOW: &str = "<!-- until here -->";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/fault-isolation.md")
}

fn document() -> String {
    fs::read_to_string(path()).expect("docs/fault-isolation.md")
}

/// The lines of the table's body, each by its cells.
fn lines() -> Vec<Vec<String>> {
    let document = document();
    let (_, below) = document
        .split_once(ABOVE)
        .expect("the mark above the table");
    let (table, _) = below.split_once(BELOW).expect("the mark below the table");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    rows.map(cells).collect()
}

/// What a shopper can do, as the table words it.
pub(super) fn words(row: &Row) -> Vec<String> {
    let steps = Step::ALL.iter().map(|step| row.verdicts[step]);
    let all = steps.chain([row.news, row.parcel]);
    all.map(|verdict| verdict.word().to_owned()).collect()
}

/// In what a row is not as documented; `None` if it is.
pub(super) fn difference(row: &Row) -> Option<String> {
    let name = row.fault.to_string();
    let (lines, found) = (lines(), words(row));
    let Some(line) = lines.iter().find(|line| line[0] == name) else {
        return Some(format!("{name} is not documented; it is {found:?}"));
    };
    let said = &line[1..=found.len()];
    let agrees = said
        .iter()
        .zip(&found)
        .all(|(said, found)| allows(said, tolerated(row.fault, said, found)));
    (!agrees).then(|| format!("{name}: documented {said:?}, found {found:?}"))
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

/// Puts these rows in the place of those of the same faults, or below the rest.
pub(super) fn write(rows: &[Row]) {
    let mut lines = lines();
    for row in rows {
        let seconds = |time: std::time::Duration| format!("{:.1} s", time.as_secs_f64());
        let mut cells = vec![row.fault.to_string()];
        cells.extend(words(row));
        cells.push(format!("{} of {}", row.failed, row.taken));
        cells.push(row.opened.map_or_else(|| "–".to_owned(), seconds));
        cells.push(seconds(row.healed));
        match lines.iter_mut().find(|line| line[0] == cells[0]) {
            Some(line) => {
                for (cell, found) in line.iter_mut().zip(cells) {
                    if !allows(cell, &found) {
                        *cell = found;
                    }
                }
            }
            None => lines.push(cells),
        }
    }
    let head = [
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
    let rule = head.map(|_| "---");
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = row(&head.map(str::to_owned)) + &row(&rule.map(str::to_owned));
    table.extend(lines.iter().map(|line| row(line)));
    let document = document();
    let (before, rest) = document
        .split_once(ABOVE)
        .expect("the mark above the table");
    let (_, after) = rest.split_once(BELOW).expect("the mark below the table");
    let text = format!("{before}{ABOVE}\n\n{table}\n{BELOW}{after}");
    fs::write(path(), text).expect("docs/fault-isolation.md can be written");
}
