//! A helper process that ends function instances when the launcher dies without a chance to: an
//! instance in the middle of an invocation would only notice at its end, up to a minute later.
//! (Services notice by themselves: their standard input ends.)

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};

use crate::sync::lock;

/// The argument that makes this program the helper.
pub(crate) const ARGUMENT: &str = "reap-instances";

/// The helper, as the launcher sees it.
#[derive(Debug)]
pub(crate) struct Reaper {
    /// Both are gone once it was dismissed.
    helper: Mutex<Option<(Child, ChildStdin)>>,
}

impl Reaper {
    /// Starts the helper.
    pub(crate) fn start() -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let helper = child.stdin.take().map(|stdin| (child, stdin));
        Ok(Self {
            helper: Mutex::new(helper),
        })
    }

    /// An instance runs.
    pub(crate) fn watch(&self, pid: u32) {
        self.tell('+', pid);
    }

    /// An instance is gone, and its process id may be another's soon.
    pub(crate) fn forget(&self, pid: u32) {
        self.tell('-', pid);
    }

    fn tell(&self, change: char, pid: u32) {
        if let Some((_, stdin)) = lock(&self.helper).as_mut() {
            // Without its helper the launcher still ends its instances in every orderly case.
            let _ = stdin.write_all(format!("{change}{pid}\n").as_bytes());
        }
    }

    /// Ends the helper, as there is nothing left to watch.
    pub(crate) fn dismiss(&self) {
        let helper = lock(&self.helper).take();
        if let Some((mut child, stdin)) = helper {
            drop(stdin);
            let _ = child.wait();
        }
    }
}

/// The helper itself: follows who runs, and kills them when the launcher is gone.
pub(crate) fn run() {
    let mut running = BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let Some(pid) = line.get(1..).and_then(|pid| pid.parse::<i32>().ok()) else {
            continue;
        };
        if line.starts_with('+') {
            running.insert(pid);
        } else {
            running.remove(&pid);
        }
    }
    for pid in running.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
