//! Reading NDJSON files, plain or gzip, in chunks an import request takes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Most lines in one request. The contract allows 1 000; fewer keep a request well within a
/// function's 29 s on a small machine.
const MOST_LINES: usize = 500;
/// Most bytes in one request: what fits into Lambda's 6 MB as base64, with room for the rest.
pub(crate) const MOST_BYTES: usize = 3_500_000;
/// Most levels of a product's category, from the contract.
const MOST_LEVELS: usize = 6;

/// What a file's lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Products.
    Products,
    /// Stock counts.
    Stock,
}

impl Kind {
    /// The API's path for lines of this kind.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Products => "/api/products/import",
            Self::Stock => "/api/inventory/import",
        }
    }
}

/// Lines of one request, with their numbers in the file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Chunk {
    pub(crate) lines: Vec<(u64, String)>,
}

impl Chunk {
    /// The request's body.
    pub(crate) fn body(&self) -> String {
        let mut body =
            String::with_capacity(self.lines.iter().map(|(_, line)| line.len() + 1).sum());
        for (_, line) in &self.lines {
            body.push_str(line);
            body.push('\n');
        }
        body
    }

    /// Cuts categories that are deeper than the shop's to the levels it has, the broad ones; of how many products.
    pub(crate) fn shorten_categories(&mut self) -> u64 {
        let mut shortened = 0;
        for (_, line) in &mut self.lines {
            if let Some(short) = with_shorter_category(line) {
                *line = short;
                shortened += 1;
            }
        }
        shortened
    }

    /// Two halves, for a server that takes less at once.
    pub(crate) fn halves(mut self) -> (Self, Self) {
        let second = self.lines.split_off(self.lines.len() / 2);
        (self, Self { lines: second })
    }
}

/// What one look through a file says.
#[derive(Debug)]
pub(crate) struct Survey {
    /// SHA-256 of the file as it is on disk.
    pub(crate) digest: String,
    /// Lines, empty ones too.
    pub(crate) lines: u64,
    /// Lines with something on them.
    pub(crate) entries: u64,
    pub(crate) kind: Kind,
}

/// Looks through a file.
pub(crate) fn survey(path: &Path) -> io::Result<Survey> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
    }
    let (mut lines, mut entries, mut kind) = (0, 0, None);
    for line in open(path)?.lines() {
        let line = line?;
        lines += 1;
        if !line.trim().is_empty() {
            entries += 1;
            kind.get_or_insert_with(|| kind_of(&line));
        }
    }
    let digest = crate::hex::encode(&digest.finalize());
    Ok(Survey {
        digest,
        lines,
        entries,
        kind: kind.unwrap_or(Kind::Products),
    })
}

fn kind_of(line: &str) -> Kind {
    match serde_json::from_str::<Value>(line) {
        Ok(value) if value.get("product_id").is_some() && value.get("on_hand").is_some() => {
            Kind::Stock
        }
        _ => Kind::Products,
    }
}

/// The product of `line` with the broad levels of its category, if it has more than the shop takes.
fn with_shorter_category(line: &str) -> Option<String> {
    let mut product: Value = serde_json::from_str(line).ok()?;
    let levels = product.get_mut("category")?.as_array_mut()?;
    if levels.len() <= MOST_LEVELS {
        return None;
    }
    levels.truncate(MOST_LEVELS);
    Some(product.to_string())
}

/// Opens a file, unpacking it when its first bytes say gzip.
fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(BufReader::with_capacity(
            256 * 1024,
            MultiGzDecoder::new(file),
        )))
    } else {
        Ok(Box::new(file))
    }
}

/// Gives the chunks of a file.
pub(crate) struct Chunks {
    reader: Box<dyn BufRead + Send>,
    number: u64,
    held: Option<(u64, String)>,
}

impl Chunks {
    /// The chunks after the first `skip` lines.
    pub(crate) fn open(path: &Path, skip: u64) -> io::Result<Self> {
        let mut chunks = Self {
            reader: open(path)?,
            number: 0,
            held: None,
        };
        while chunks.number < skip && chunks.line()?.is_some() {}
        Ok(chunks)
    }

    fn line(&mut self) -> io::Result<Option<(u64, String)>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        line.truncate(line.trim_end().len());
        Ok(Some((self.number, line)))
    }

    /// The next chunk, `None` at the end, and the number of the last line it covers.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Chunk, u64)>> {
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        let mut last = None;
        loop {
            let next = match self.held.take() {
                Some(held) => Some(held),
                None => self.line()?,
            };
            let Some((number, line)) = next else { break };
            let full = chunk.lines.len() == MOST_LINES || bytes + line.len() + 1 > MOST_BYTES;
            if full && !chunk.lines.is_empty() {
                self.held = Some((number, line));
                break;
            }
            last = Some(number);
            if !line.trim().is_empty() {
                bytes += line.len() + 1;
                chunk.lines.push((number, line));
            }
        }
        Ok(last.map(|last| (chunk, last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(text: &str, packed: bool) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        if packed {
            let mut encoder = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap();
        } else {
            file.write_all(text.as_bytes()).unwrap();
        }
        file
    }

    fn chunks(path: &Path, skip: u64) -> Vec<(Vec<u64>, u64)> {
        let mut chunks = Chunks::open(path, skip).unwrap();
        let mut all = Vec::new();
        while let Some((chunk, last)) = chunks.next().unwrap() {
            all.push((
                chunk.lines.iter().map(|(number, _)| *number).collect(),
                last,
            ));
        }
        all
    }

    #[test]
    fn plain_and_packed_files_read_alike() {
        let text = "{\"id\":\"a\"}\r\n\n{\"id\":\"b\"}";
        for packed in [false, true] {
            let file = file(text, packed);
            let survey = survey(file.path()).unwrap();
            assert_eq!(
                (survey.lines, survey.entries, survey.kind),
                (3, 2, Kind::Products)
            );
            assert_eq!(chunks(file.path(), 0), [(vec![1, 3], 3)]);
            assert_eq!(chunks(file.path(), 1), [(vec![3], 3)]);
            let (chunk, _) = Chunks::open(file.path(), 0)
                .unwrap()
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(chunk.body(), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
        }
    }

    #[test]
    fn chunks_stay_within_lines_and_bytes() {
        let many = file(&"{}\n".repeat(1_100), false);
        let sizes: Vec<usize> = chunks(many.path(), 0)
            .iter()
            .map(|(lines, _)| lines.len())
            .collect();
        assert_eq!(sizes, [500, 500, 100]);
        let long = format!("\"{}\"\n", "x".repeat(MOST_BYTES / 2));
        let big = file(&long.repeat(3), false);
        let sizes: Vec<usize> = chunks(big.path(), 0)
            .iter()
            .map(|(lines, _)| lines.len())
            .collect();
        assert_eq!(sizes, [1, 1, 1]);
    }

    #[test]
    fn a_category_of_six_levels_stays_and_a_seventh_is_cut() {
        let six = r#"{"id":"a","category":["1","2","3","4","5","6"]}"#;
        let seven = r#"{"id":"b","category":["1","2","3","4","5","6","7"],"price":1}"#;
        let file = file(&format!("{six}\n{seven}\nno JSON\n"), false);
        let (mut chunk, _) = Chunks::open(file.path(), 0)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(chunk.shorten_categories(), 1);
        assert_eq!(chunk.lines[0].1, six);
        let cut: Value = serde_json::from_str(&chunk.lines[1].1).unwrap();
        let wanted =
            serde_json::json!({"id": "b", "category": ["1","2","3","4","5","6"], "price": 1});
        assert_eq!(cut, wanted);
        assert_eq!(chunk.lines[2].1, "no JSON");
    }

    #[test]
    fn stock_is_told_from_products() {
        let file = file("{\"product_id\":\"a\",\"on_hand\":3}\n", false);
        assert_eq!(survey(file.path()).unwrap().kind, Kind::Stock);
    }
}
