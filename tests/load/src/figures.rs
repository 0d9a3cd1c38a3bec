//! What a run measured.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{answer::Failure, journey::Step};

/// How long something took, in microseconds, as an HDR histogram of three significant digits.
#[derive(Clone)]
pub struct Timing(Option<Histogram<u64>>);

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, p50, p99) = (self.count(), self.quantile(0.5), self.quantile(0.99));
        write!(
            f,
            "{count} with p50 {p50:?}, p99 {p99:?}, max {:?}",
            self.max()
        )
    }
}

impl Default for Timing {
    fn default() -> Self {
        // Three digits is a precision the crate has, so there always is a histogram; it grows with what is recorded.
        Self(Histogram::new(3).ok())
    }
}

impl Timing {
    pub(crate) fn record(&mut self, took: Duration) {
        // No run waits longer than a day; so a histogram, which grows with what is recorded, stays small.
        let micros = took.min(Duration::from_hours(24)).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        if let Some(histogram) = &mut self.0 {
            // Only a value past what a histogram can grow to is an error.
            let _ = histogram.record(micros.max(1));
        }
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// What this share (0.99 is p99) took at most; zero when nothing was measured.
    pub fn quantile(&self, share: f64) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |histogram| {
            Duration::from_micros(histogram.value_at_quantile(share))
        })
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |histogram| {
            Duration::from_micros(histogram.max())
        })
    }
}

/// The quantiles that are reported.
pub(crate) const QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

impl Serialize for Timing {
    /// The usual quantiles, and every recorded value with how often it was, so that histograms of several runs can be added.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let buckets = self.0.iter().flat_map(Histogram::iter_recorded);
        let buckets: Vec<_> = buckets
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.count())?;
        for (name, share) in QUANTILES {
            map.serialize_entry(name, &self.quantile(share).as_micros())?;
        }
        map.serialize_entry("max", &self.max().as_micros())?;
        map.serialize_entry("histogram", &buckets)?;
        map.end()
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Requests {
    /// Answered with what was asked for.
    pub right: u64,
    /// Everything else, by kind.
    pub failures: BTreeMap<String, u64>,
    /// How long right answers took, and how long shoppers waited for those that never came.
    pub micros: Timing,
}

impl Requests {
    fn record(&mut self, took: Duration, result: Result<(), &Failure>) {
        match result {
            Ok(()) => self.right += 1,
            Err(failure) => *self.failures.entry(failure.kind.to_string()).or_default() += 1,
        }
        if result.is_ok() || result.is_err_and(|failure| failure.kind.waited()) {
            self.micros.record(took);
        }
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// How a journey ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Failed,
    Unfinished,
}

/// Journeys of one name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Journeys {
    /// Every step answered right.
    pub completed: u64,
    /// Given up at a step that failed.
    pub failed: u64,
    /// Still under way when the run was over.
    pub unfinished: u64,
    /// How long completed ones waited for the shop: all answers together, without thinking.
    pub waited_micros: Timing,
}

/// One second of the run. Requests count in the second in which they were due.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Second {
    /// Journeys that began.
    pub arrivals: u64,
    /// Its requests.
    #[serde(flatten)]
    pub requests: Requests,
}

/// What a run measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// Journeys the rate asked for.
    pub offered: u64,
    /// Journeys that began; the others found no place in time.
    pub started: u64,
    /// Arrivals that had to wait for a place, as so many journeys were under way as were allowed.
    pub held_back: u64,
    /// From the first arrival to the last answer.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Whether somebody ended the run before its time.
    pub interrupted: bool,
    /// All requests.
    pub all: Requests,
    /// By step.
    pub steps: BTreeMap<Step, Requests>,
    /// By journey.
    pub journeys: BTreeMap<String, Journeys>,
    /// How late the generator itself was: from when a step was due until it was really taken.
    pub late_micros: Timing,
    /// The course of the run.
    pub seconds: Vec<Second>,
    /// The first failure seen of each step and kind.
    pub samples: BTreeMap<String, String>,
}

fn seconds<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(length.as_secs_f64())
}

impl Figures {
    /// The second of the run that `due` lies in.
    fn second(&mut self, due: Duration) -> &mut Second {
        let index = usize::try_from(due.as_secs()).unwrap_or(usize::MAX);
        if self.seconds.len() <= index {
            self.seconds.resize_with(index + 1, Second::default);
        }
        &mut self.seconds[index]
    }

    pub(crate) fn arrived(&mut self, due: Duration) {
        self.started += 1;
        self.second(due).arrivals += 1;
    }

    pub(crate) fn asked(
        &mut self,
        step: Step,
        due: Duration,
        took: Duration,
        result: Result<(), &Failure>,
    ) {
        self.all.record(took, result);
        self.steps.entry(step).or_default().record(took, result);
        self.second(due).requests.record(took, result);
        if let Err(failure) = result {
            let place = format!("{step}: {}", failure.kind);
            self.samples
                .entry(place)
                .or_insert_with(|| failure.detail.clone());
        }
    }

    pub(crate) fn ended(&mut self, journey: &str, end: End, waited: Duration) {
        let journeys = self.journeys.entry(journey.to_owned()).or_default();
        match end {
            End::Completed => {
                journeys.completed += 1;
                journeys.waited_micros.record(waited);
            }
            End::Failed => journeys.failed += 1,
            End::Unfinished => journeys.unfinished += 1,
        }
    }

    /// Journeys of all names that ended like this.
    fn sum(&self, of: impl Fn(&Journeys) -> u64) -> u64 {
        self.journeys.values().map(of).sum()
    }

    /// Journeys of which every step was answered right.
    pub fn completed(&self) -> u64 {
        self.sum(|journeys| journeys.completed)
    }

    /// Journeys given up at a step that failed.
    pub fn failed(&self) -> u64 {
        self.sum(|journeys| journeys.failed)
    }

    /// Journeys still under way when the run was over.
    pub fn unfinished(&self) -> u64 {
        self.sum(|journeys| journeys.unfinished)
    }

    /// Requests answered right, a second.
    pub fn rate(&self) -> f64 {
        per_second(self.all.right, self.elapsed)
    }
}

/// `count` in `length`, a second.
pub(crate) fn per_second(count: u64, length: Duration) -> f64 {
    // Past 2^53 requests the last digits would be off.
    #[expect(clippy::cast_precision_loss, reason = "no run counts that far")]
    let count = count as f64;
    if length.is_zero() {
        0.0
    } else {
        count / length.as_secs_f64()
    }
}
