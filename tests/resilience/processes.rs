//! Processes as the kernel sees them.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bothways_tests::{Process, SOON};
use rustix::process::{Pid, Signal, kill_process};

/// A process, told apart from a later one of the same number by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Running {
    pid: i32,
    started: u64,
}

impl Running {
    /// The process of this number, unless it has ended (a zombie has).
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let (state, _, started) = stat(pid)?;
        (state != 'Z' && state != 'X').then_some(Self { pid, started })
    }

    /// Whether it still runs.
    pub(crate) fn still_runs(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// State, parent and start time of a process.
fn stat(pid: i32) -> Option<(char, i32, u64)> {
    stat_in(Path::new(&format!("/proc/{pid}")))
}

/// The same of the process or thread with this folder (proc(5), `/proc/PID/stat`).
fn stat_in(folder: &Path) -> Option<(char, i32, u64)> {
    let text = fs::read_to_string(folder.join("stat")).ok()?;
    // The name in parentheses may itself contain spaces and parentheses.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((
        fields.first()?.chars().next()?,
        fields.get(1)?.parse().ok()?,
        fields.get(19)?.parse().ok()?,
    ))
}

/// The process and everything that descends from it.
pub(crate) fn family(root: i32) -> BTreeSet<Running> {
    let all: Vec<i32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let mut pids = BTreeSet::from([root]);
    loop {
        let children = all
            .iter()
            .filter(|pid| stat(**pid).is_some_and(|(_, parent, _)| pids.contains(&parent)));
        let grown: BTreeSet<i32> = pids.iter().chain(children).copied().collect();
        if grown.len() == pids.len() {
            return pids.into_iter().filter_map(Running::of).collect();
        }
        pids = grown;
    }
}

/// Holds a process still until it is dropped.
pub(crate) struct Frozen(Pid);

impl Frozen {
    /// Holds a process of the launcher still. On a busy machine a thread may go on for a moment after the signal.
    pub(crate) fn new(process: &Process) -> Self {
        let pid = process.pid.and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, Signal::STOP).expect("it runs");
        let frozen = Self(pid);
        let began = Instant::now();
        while !frozen.is_still() {
            assert!(began.elapsed() < SOON, "it does not stop");
            thread::sleep(Duration::from_millis(1));
        }
        frozen
    }

    fn is_still(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.as_raw_pid()));
        let mut states = threads
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| stat_in(&thread.path()));
        states.all(|(state, ..)| state == 'T')
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}
