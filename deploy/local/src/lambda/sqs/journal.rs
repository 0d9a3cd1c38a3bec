//! The file that keeps a queue over a restart: every change is a line, appended before it is
//! acknowledged, and the file is written anew when most of it is history.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::message::Message;

/// Lines of history worth rewriting the file for.
const COMPACTION_THRESHOLD: usize = 20_000;

/// One change to a queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// A message came in.
    Sent(Message),
    /// A message was received: its count survives, its invisibility does not.
    Received {
        sequence: u64,
        count: u32,
        first_at: u64,
    },
    /// A message was deleted or moved away.
    Deleted(u64),
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
}

impl Journal {
    /// Opens the journal at `path`, giving the messages it holds. What was in flight is
    /// visible again: whoever had it is gone.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, BTreeMap<u64, Message>)> {
        let mut messages = BTreeMap::new();
        if path.exists() {
            for line in BufReader::new(File::open(&path)?).lines() {
                // A line cut off by a crash was never acknowledged.
                if let Ok(change) = serde_json::from_str(&line?) {
                    apply(&mut messages, change);
                }
            }
        }
        for message in messages
            .values_mut()
            .filter(|message| message.receive_count > 0)
        {
            message.visible_at = message.sent_at;
        }
        let file = rewritten(&path, &messages)?;
        let lines = messages.len();
        Ok((Self { path, file, lines }, messages))
    }

    /// Appends changes in one write.
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let mut text = Vec::new();
        for change in changes {
            serde_json::to_writer(&mut text, change)?;
            text.push(b'\n');
        }
        self.lines += changes.len();
        self.file.write_all(&text)
    }

    /// Drops history when it is most of the file.
    pub(super) fn compact_if_worth_it(
        &mut self,
        messages: &BTreeMap<u64, Message>,
    ) -> io::Result<()> {
        if self.lines > COMPACTION_THRESHOLD && self.lines > 4 * messages.len() {
            self.file = rewritten(&self.path, messages)?;
            self.lines = messages.len();
        }
        Ok(())
    }
}

fn apply(messages: &mut BTreeMap<u64, Message>, change: Change) {
    match change {
        Change::Sent(message) => {
            messages.insert(message.sequence, message);
        }
        Change::Received {
            sequence,
            count,
            first_at,
        } => {
            if let Some(message) = messages.get_mut(&sequence) {
                message.receive_count = count;
                message.first_received_at = Some(first_at);
            }
        }
        Change::Deleted(sequence) => {
            messages.remove(&sequence);
        }
    }
}

fn rewritten(path: &Path, messages: &BTreeMap<u64, Message>) -> io::Result<File> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    let mut text = Vec::new();
    for message in messages.values() {
        serde_json::to_writer(&mut text, &Change::Sent(message.clone()))?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    drop(file);
    std::fs::rename(&fresh, path)?;
    OpenOptions::new().append(true).open(path)
}
