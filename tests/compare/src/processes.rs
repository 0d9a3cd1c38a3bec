//! CPU time and memory of processes, and how busy the machine is, from `/proc`. Where there is none, nothing is measured.

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

/// What the machine's cores have done so far, together, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    busy: u64,
    idle: u64,
}

impl Cores {
    /// Of all cores since the machine started. `None` where there is no `/proc`, and where this program may use fewer cores
    /// than the machine has: their limit would not show.
    pub fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let own = std::thread::available_parallelism().ok()?.get();
        Self::of(&text, own)
    }

    fn of(stat: &str, own: usize) -> Option<Self> {
        let is_core = |line: &&str| {
            line.strip_prefix("cpu")
                .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
        };
        if stat.lines().filter(is_core).count() != own {
            return None;
        }
        let all = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user, nice, system, idle, iowait, irq, softirq, steal; guests' time is in user's already.
        let ticks: Option<Vec<u64>> = all
            .split_whitespace()
            .take(8)
            .map(|ticks| ticks.parse().ok())
            .collect();
        let ticks = ticks.filter(|ticks| ticks.len() == 8)?;
        let idle = ticks[3] + ticks[4];
        Some(Self {
            busy: ticks.iter().sum::<u64>() - idle,
            idle,
        })
    }

    /// The share of all cores' time that was worked since an earlier look, from 0 to 1.
    pub fn busy_since(&self, before: &Self) -> Option<f64> {
        let busy = self.busy.checked_sub(before.busy)?;
        // A waiting disk may let the kernel count back.
        let all = busy + self.idle.saturating_sub(before.idle);
        (all > 0).then(|| crate::results::count(busy) / crate::results::count(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_as_busy_as_its_cores_together() {
        let stat = |user: u64, idle: u64| {
            format!("cpu  {user} 0 10 {idle} 5 0 0 0 0 0\ncpu0 1 0 0\ncpu1 1 0 0\nintr 7\n")
        };
        let (before, after) = (stat(100, 1_000), stat(160, 1_040));
        let at = |text: &str| Cores::of(text, 2).unwrap();
        assert_eq!(at(&after).busy_since(&at(&before)), Some(0.6));
        assert_eq!(
            at(&before).busy_since(&at(&after)),
            None,
            "not back in time"
        );
        assert_eq!(at(&before).busy_since(&at(&before)), None, "no time");
        assert!(
            Cores::of(&before, 1).is_none(),
            "a limit of this program would not show"
        );
        assert!(Cores::of("", 0).is_none());
    }

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
