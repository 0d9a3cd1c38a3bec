//! Judged queries: what was asked, and how good each product is as an answer.

use std::{collections::HashMap, fs, path::Path};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::Outcome;

/// Shorter words get no typo.
const MISTYPED: usize = 5;

/// A query with its judgements.
#[derive(Debug, Clone)]
pub(crate) struct JudgedQuery {
    pub(crate) id: String,
    pub(crate) text: String,
    /// By product; who isn't here is no answer.
    pub(crate) gains: HashMap<String, f64>,
}

/// A folder of them.
#[derive(Debug, Clone)]
pub(crate) struct JudgedSet {
    pub(crate) name: String,
    /// Those that some product answers.
    pub(crate) queries: Vec<JudgedQuery>,
}

impl JudgedSet {
    /// Reads `queries.csv` (`query_id,query`) and `labels.csv` (`query_id,product_id,label,gain`).
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let queries = parse(&read("queries.csv")?, &read("labels.csv")?)?;
        if queries.is_empty() {
            return Err(format!("{} has no answered queries", folder.display()).into());
        }
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            queries,
        })
    }

    /// The same with one random mistake in one longer word of each query, where it has one. Equal seeds, equal mistakes.
    pub(crate) fn mistyped(&self, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut set = self.clone();
        for query in &mut set.queries {
            query.text = mistype(&query.text, &mut random);
        }
        set
    }
}

fn parse(queries: &str, labels: &str) -> Outcome<Vec<JudgedQuery>> {
    let mut gains: HashMap<&str, HashMap<String, f64>> = HashMap::new();
    for row in labels.lines().skip(1) {
        let columns: Vec<_> = row.split(',').collect();
        let [query, product, _, gain] = columns[..] else {
            return Err(format!("not a label: {row}").into());
        };
        let judged = gains.entry(query).or_default();
        judged.insert(product.to_owned(), gain.parse()?);
    }
    let mut parsed = Vec::new();
    for row in queries.lines().skip(1) {
        let (id, text) = row.split_once(',').ok_or(format!("not a query: {row}"))?;
        let gains = gains.remove(id).unwrap_or_default();
        if gains.values().any(|gain| *gain > 0.0) {
            parsed.push(JudgedQuery {
                id: id.to_owned(),
                text: unquoted(text),
                gains,
            });
        }
    }
    Ok(parsed)
}

/// A field as RFC 4180 quotes it.
fn unquoted(field: &str) -> String {
    let inner = field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'));
    inner.map_or_else(|| field.to_owned(), |inner| inner.replace("\"\"", "\""))
}

/// Leaves out, doubles, changes or swaps a letter inside a longer word.
fn mistype(query: &str, random: &mut StdRng) -> String {
    let mut words: Vec<String> = query.split(' ').map(str::to_owned).collect();
    let plain =
        |word: &str| word.len() >= MISTYPED && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let eligible: Vec<_> = (0..words.len())
        .filter(|place| plain(&words[*place]))
        .collect();
    if eligible.is_empty() {
        return query.to_owned();
    }
    let word = &mut words[eligible[random.random_range(0..eligible.len())]];
    let mut letters: Vec<char> = word.chars().collect();
    let at = random.random_range(1..letters.len() - 1);
    match random.random_range(0..4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = random.random_range('a'..='z'),
        _ => letters.swap(at, at + 1),
    }
    *word = letters.into_iter().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_without_an_answer_are_left_out_and_quotes_are_read() {
        let queries = "query_id,query\n1,\"17\"\" screen, flat\"\n2,nothing\n3,plain\n";
        let labels = "query_id,product_id,label,gain\n1,a,E,2\n1,b,I,0\n2,a,I,0\n3,c,S,1\n";
        let parsed = parse(queries, labels).unwrap();
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].text, "17\" screen, flat");
        assert!((parsed[0].gains["a"] - 2.0).abs() < f64::EPSILON);
        assert_eq!(parsed[1].text, "plain");
        assert!(parse(queries, "header\n1,2\n").is_err());
    }

    #[test]
    fn a_typo_is_one_change_in_one_long_word() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let mistyped = mistype("hp toner 12345", &mut random);
            let words: Vec<_> = mistyped.split(' ').collect();
            assert_eq!((words[0], words[2]), ("hp", "12345"));
            assert!(words[1].starts_with('t') && words[1].len().abs_diff(5) <= 1);
        }
        assert_eq!(mistype("usb hub", &mut random), "usb hub");
    }
}
