//! CPU time and memory of processes, from `/proc`. Where there is none, nothing is measured.

use std::fs;

/// The kernel reports CPU time to programs in hundredths of a second on every architecture Rust's Linux runs on.
const TICKS: f64 = 100.0;

/// CPU seconds a process has spent so far, those of its ended threads included.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what follows is numbers. User and system time are 14th and 15th.
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut times = numbers.split_whitespace().skip(11);
    let user: f64 = times.next()?.parse().ok()?;
    let system: f64 = times.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// Memory of a process in MB: its share of what it shares with others, and all that is its own.
pub fn memory_mb(pid: u32) -> Option<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_its_own_work_and_memory() {
        let own = std::process::id();
        let Some(before) = cpu_seconds(own) else {
            return;
        };
        let mut sum = 0_u64;
        while cpu_seconds(own).is_some_and(|now| now < before + 0.02) {
            sum = std::hint::black_box((0..100_000_u64).fold(sum, u64::wrapping_add));
        }
        assert!(memory_mb(own).unwrap() > 0.5);
        assert!(cpu_seconds(u32::MAX).is_none() && memory_mb(u32::MAX).is_none());
    }
}
