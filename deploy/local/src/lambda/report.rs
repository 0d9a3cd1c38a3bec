//! What a function's invocations cost: the REPORT line of each, and totals for `status`.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;

use crate::sync::lock;

/// How one invocation went.
pub(crate) struct Report<'a> {
    /// Request id.
    pub(crate) request_id: &'a str,
    /// From the instance taking the event to its result.
    pub(crate) duration: Duration,
    /// Start of the process to its first request for an event, on an instance's first invocation.
    pub(crate) init: Option<Duration>,
    /// Configured memory.
    pub(crate) memory_mb: u64,
    /// Peak resident memory of the instance so far, where the system tells.
    pub(crate) max_memory_mb: Option<u64>,
    /// `error` or `timeout`, when it did not end well.
    pub(crate) status: Option<&'static str>,
}

impl Report<'_> {
    /// Whole milliseconds paid for. Initialisation is billed for a custom runtime.
    pub(crate) fn billed_ms(&self) -> u64 {
        let time = self.duration + self.init.unwrap_or_default();
        u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
    }

    /// The REPORT line as Lambda writes it to a function's log.
    pub(crate) fn line(&self) -> String {
        use std::fmt::Write as _;
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB",
            self.request_id,
            self.duration.as_secs_f64() * 1_000.0,
            self.billed_ms(),
            self.memory_mb,
        );
        if let Some(used) = self.max_memory_mb {
            let _ = write!(line, "\tMax Memory Used: {used} MB");
        }
        if let Some(init) = self.init {
            let _ = write!(
                line,
                "\tInit Duration: {:.2} ms",
                init.as_secs_f64() * 1_000.0
            );
        }
        if let Some(status) = self.status {
            let _ = write!(line, "\tStatus: {status}");
        }
        line
    }
}

/// Peak resident memory of a process in MB, from `/proc`; `None` where there is no `/proc`.
pub(crate) fn peak_memory_mb(pid: u32) -> Option<u64> {
    Some(memory_kb(pid, "VmHWM:")?.div_ceil(1_024))
}

/// Resident memory of a process in KB, from `/proc`; `None` where there is no `/proc`.
pub(crate) fn resident_kb(pid: u32) -> Option<u64> {
    memory_kb(pid, "VmRSS:")
}

fn memory_kb(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Totals of a function since the host started.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Totals {
    /// Invocations that reached an instance, or failed on the way.
    pub(crate) invocations: u64,
    /// Invocations that ended in an error, a crash or a timeout.
    pub(crate) errors: u64,
    /// Invocations refused for lack of concurrency.
    pub(crate) throttles: u64,
    /// Instances started.
    pub(crate) cold_starts: u64,
    /// Billed duration times configured memory.
    pub(crate) gb_seconds: f64,
    /// Mean of the time from process start to its first request for an event.
    pub(crate) init_ms_mean: f64,
    /// The longest such time.
    pub(crate) init_ms_max: f64,
    /// Mean duration of an instance's first invocation.
    pub(crate) first_request_ms_mean: f64,
    /// Mean duration of all invocations.
    pub(crate) duration_ms_mean: f64,
}

/// Counts for one function.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    totals: Totals,
    init_ms_sum: f64,
    first_requests: u64,
    first_request_ms_sum: f64,
    duration_ms_sum: f64,
}

impl Counters {
    /// An invocation was refused.
    pub(crate) fn throttled(&self) {
        lock(&self.counts).totals.throttles += 1;
    }

    /// An invocation failed before any instance took it.
    pub(crate) fn failed_to_start(&self) {
        let mut counts = lock(&self.counts);
        counts.totals.invocations += 1;
        counts.totals.errors += 1;
    }

    /// An instance asked for its first event.
    pub(crate) fn initialised(&self, init: Duration) {
        let mut counts = lock(&self.counts);
        let ms = init.as_secs_f64() * 1_000.0;
        counts.totals.cold_starts += 1;
        counts.init_ms_sum += ms;
        counts.totals.init_ms_max = counts.totals.init_ms_max.max(ms);
    }

    /// An invocation ended.
    pub(crate) fn ended(&self, report: &Report<'_>) {
        let mut counts = lock(&self.counts);
        let ms = report.duration.as_secs_f64() * 1_000.0;
        counts.totals.invocations += 1;
        counts.totals.errors += u64::from(report.status.is_some());
        counts.duration_ms_sum += ms;
        if report.init.is_some() {
            counts.first_requests += 1;
            counts.first_request_ms_sum += ms;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds and megabytes are far below 2^52"
        )]
        let gb_seconds = report.billed_ms() as f64 / 1_000.0 * report.memory_mb as f64 / 1_024.0;
        counts.totals.gb_seconds += gb_seconds;
    }

    /// The totals so far.
    pub(crate) fn totals(&self) -> Totals {
        let counts = lock(&self.counts);
        let mut totals = counts.totals;
        totals.init_ms_mean = mean(counts.init_ms_sum, totals.cold_starts);
        totals.first_request_ms_mean = mean(counts.first_request_ms_sum, counts.first_requests);
        totals.duration_ms_mean = mean(counts.duration_ms_sum, totals.invocations);
        totals
    }
}

fn mean(sum: f64, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let count = count.max(1) as f64;
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_bills_whole_milliseconds_including_initialisation() {
        let report = Report {
            request_id: "r",
            duration: Duration::from_micros(1_100),
            init: Some(Duration::from_micros(2_500)),
            memory_mb: 512,
            max_memory_mb: Some(30),
            status: None,
        };
        assert_eq!(report.billed_ms(), 4);
        assert_eq!(
            report.line(),
            "REPORT RequestId: r\tDuration: 1.10 ms\tBilled Duration: 4 ms\tMemory Size: 512 MB\t\
             Max Memory Used: 30 MB\tInit Duration: 2.50 ms"
        );
        let counters = Counters::default();
        counters.initialised(Duration::from_micros(2_500));
        counters.ended(&report);
        let totals = counters.totals();
        assert!((totals.gb_seconds - 0.002).abs() < 1e-9);
        assert_eq!(
            (totals.invocations, totals.errors, totals.cold_starts),
            (1, 0, 1)
        );
    }
}
