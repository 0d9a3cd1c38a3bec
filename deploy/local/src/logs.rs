//! Logs of everything that runs: a file each, and a tail in the terminal with a prefix per process.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::sync::lock;

/// Lines that may wait for the terminal. Beyond it lines are left out there (never in the files),
/// so that a slow terminal, or a pipe nobody reads, doesn't stop the shop.
const WAITING_LINES: usize = 4_096;
/// Colours of the prefixes, in turn (ANSI).
const COLOURS: [u8; 12] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94, 31, 91];
/// Longest line shown or kept, so that a process can't fill memory with one.
const LONGEST_LINE: usize = 64 * 1024;

/// Where all logs go.
#[derive(Debug)]
pub(crate) struct Logs {
    folder: PathBuf,
    terminal: SyncSender<String>,
    /// Whether lines are shown: not while progress bars are, and not with `--quiet`.
    shown: AtomicBool,
    left_out: AtomicUsize,
    sources: AtomicUsize,
    colours: bool,
}

impl Logs {
    /// Logs in `folder`, which is made.
    pub(crate) fn open(folder: PathBuf) -> std::io::Result<Arc<Self>> {
        std::fs::create_dir_all(&folder)?;
        let (terminal, lines) = sync_channel::<String>(WAITING_LINES);
        std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || {
                let mut out = std::io::stdout();
                while let Ok(line) = lines.recv() {
                    if writeln!(out, "{line}").is_err() {
                        return;
                    }
                }
            })?;
        Ok(Arc::new(Self {
            folder,
            terminal,
            shown: AtomicBool::new(false),
            left_out: AtomicUsize::new(0),
            sources: AtomicUsize::new(0),
            colours: std::io::stdout().is_terminal(),
        }))
    }

    /// Starts or stops showing lines in the terminal.
    pub(crate) fn show(&self, shown: bool) {
        self.shown.store(shown, Ordering::Relaxed);
    }

    /// The log of one process or function.
    pub(crate) fn source(self: &Arc<Self>, architecture: &str, name: &str) -> Arc<LogSource> {
        let number = self.sources.fetch_add(1, Ordering::Relaxed);
        let label = format!(
            "{}/{name}",
            if architecture == "serverless" {
                "λ"
            } else {
                "μ"
            }
        );
        let prefix = if self.colours {
            format!(
                "\x1b[{}m{label:<20}\x1b[0m",
                COLOURS[number % COLOURS.len()]
            )
        } else {
            format!("{label:<20}")
        };
        let path = self.folder.join(format!("{architecture}-{name}.log"));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .ok();
        Arc::new(LogSource {
            logs: Arc::clone(self),
            prefix,
            path,
            file: Mutex::new(file),
        })
    }

    fn print(&self, line: String) {
        match self.terminal.try_send(line) {
            Ok(()) => {
                let left_out = self.left_out.swap(0, Ordering::Relaxed);
                if left_out > 0 {
                    let _ = self
                        .terminal
                        .try_send(format!("({left_out} lines are only in the log files)"));
                }
            }
            Err(TrySendError::Full(_)) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
            Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

/// One log.
#[derive(Debug)]
pub(crate) struct LogSource {
    logs: Arc<Logs>,
    prefix: String,
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl LogSource {
    /// Keeps a line and shows it.
    pub(crate) fn note(&self, line: &str) {
        self.record(line);
        if self.logs.shown.load(Ordering::Relaxed) {
            self.logs.print(format!("{} {line}", self.prefix));
        }
    }

    /// Keeps a line without showing it.
    pub(crate) fn record(&self, line: &str) {
        if let Some(file) = lock(&self.file).as_mut() {
            // A full disk must not take the shop down; the terminal still has the line.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Follows a process's output to its end.
    pub(crate) fn follow(self: &Arc<Self>, output: impl AsyncRead + Unpin + Send + 'static) {
        let source = Arc::clone(self);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output);
            let mut line = Vec::new();
            while lines
                .read_until(b'\n', &mut line)
                .await
                .is_ok_and(|read| read > 0)
            {
                let end = line.len().min(LONGEST_LINE);
                source.note(String::from_utf8_lossy(&line[..end]).trim_end());
                line.clear();
            }
        });
    }

    /// The file, and its last lines, to say why something failed.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        let last = all[all.len().saturating_sub(lines)..].join("\n  ");
        format!("{}:\n  {last}", self.path.display())
    }
}

/// Empties the folder of logs of earlier runs.
pub(crate) fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "log")
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
