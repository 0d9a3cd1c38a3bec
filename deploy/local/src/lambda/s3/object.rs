//! An object, and the file that keeps it: a line of JSON that says what it is, then its bytes. Writing
//! the two as one file makes a replaced object change in one step.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex;

/// What is known of an object beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) key: String,
    /// Bytes.
    pub(super) size: u64,
    /// As a header writes it, in quotes.
    pub(super) etag: String,
    /// Milliseconds since the epoch.
    pub(super) modified_at: u64,
    /// What it was stored with and is answered with: `content-type`, `x-amz-meta-…` and their like.
    pub(super) headers: BTreeMap<String, String>,
}

impl Object {
    /// Name of the file: keys are longer than file names may be, and some begin with another.
    pub(super) fn file_name(key: &str) -> String {
        hex::encode(&Sha256::digest(key))
    }

    /// Writes object and bytes to a file of their own.
    pub(super) fn write(&self, path: &Path, content: &mut dyn Read) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        let mut file = File::create_new(path)?;
        file.write_all(&line)?;
        io::copy(content, &mut file)?;
        Ok(())
    }

    /// Reads what an object's file says of it.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut line = String::new();
        BufReader::new(File::open(path)?).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Reads a part of the bytes from the open file.
    pub(super) fn content(file: File, range: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let header = reader.read_until(b'\n', &mut line)?;
        let mut file = reader.into_inner();
        file.seek(SeekFrom::Start(header as u64 + range.start))?;
        let mut content = Vec::new();
        file.take(range.end - range.start)
            .read_to_end(&mut content)?;
        Ok(content)
    }
}
