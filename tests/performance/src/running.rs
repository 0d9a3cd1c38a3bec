//! Programs under measurement.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bothways_compare::processes;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end.
const END: Duration = Duration::from_secs(5);

/// A program that listens, with whatever it started. Dropping it ends them all.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program and waits until it listens at `address`.
    pub(crate) fn start(mut command: Command, address: SocketAddr) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn();
        let child = child.map_err(|error| format!("{name}: {error}"))?;
        let mut running = Self { child };
        let began = Instant::now();
        while !Self::listens(address) {
            if let Ok(Some(status)) = running.child.try_wait() {
                return Err(format!("{name} ended with {status}"));
            }
            if began.elapsed() > START {
                return Err(format!("{name} does not listen at {address}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// Whether somebody listens at `address`.
    pub(crate) fn listens(address: SocketAddr) -> bool {
        TcpStream::connect(address).is_ok()
    }

    /// CPU seconds that it and those it started have spent.
    pub(crate) fn cpu(&self) -> f64 {
        let group = self.child.id();
        let members = pids().filter(|pid| group_of(*pid) == Some(group));
        members.filter_map(processes::cpu_seconds).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(group) = group else {
            return;
        };
        let _ = kill_process_group(group, Signal::TERM);
        let began = Instant::now();
        while began.elapsed() < END && !matches!(self.child.try_wait(), Ok(Some(_))) {
            thread::sleep(Duration::from_millis(20));
        }
        // Whoever is left of the group.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The group of a process that has not ended.
fn group_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state, parent and group follow.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut rest = rest.split_whitespace();
    let (state, group) = (rest.next()?, rest.nth(1)?);
    (state != "Z").then(|| group.parse().ok())?
}

/// An address nobody listens at.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_started_is_measured_with_its_children_and_ends() {
        let address = free_address().unwrap();
        let mut shell = Command::new("sh");
        let listens = format!(
            "exec 3<>/dev/null; (while :; do :; done) & exec python3 -m http.server -b 127.0.0.1 {}",
            address.port()
        );
        if Command::new("python3").arg("--version").output().is_err() {
            println!("skipped: no python3");
            return;
        }
        shell.args(["-c", &listens]).stderr(Stdio::null());
        let running = Running::start(shell, address).unwrap();
        let group = running.child.id();
        let began = Instant::now();
        while running.cpu() < 0.3 {
            assert!(began.elapsed() < START, "the busy child is not counted");
            thread::sleep(Duration::from_millis(10));
        }
        drop(running);
        let began = Instant::now();
        while pids().any(|pid| group_of(pid) == Some(group)) {
            assert!(began.elapsed() < START, "somebody is left");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_program_that_ends_at_once_is_an_error() {
        let error = Running::start(Command::new("false"), free_address().unwrap());
        assert!(error.err().unwrap().contains("ended with"));
    }
}
