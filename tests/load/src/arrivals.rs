//! When shoppers arrive: a rate over time, and the instants that follow from it.
//!
//! Every shape is straight lines between corners, so how many arrive by an instant (the integral) and when the n-th
//! arrives (its inverse) are exact.

use std::{fmt, str::FromStr, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How busy each hour of a day is, from the quietest (0) to the busiest (1): night, a morning's rise, a dip in the
/// afternoon, the evening's peak. A rounded picture of retail traffic, not anybody's measurement.
const HOURS: [f64; 24] = [
    0.30, 0.17, 0.08, 0.03, 0.00, 0.02, 0.09, 0.20, 0.36, 0.51, 0.62, 0.69, 0.74, 0.73, 0.69, 0.68,
    0.71, 0.77, 0.86, 0.95, 1.00, 0.92, 0.72, 0.48,
];

/// The rate of arrivals over a run, in journeys a second.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Always the same.
    Constant(f64),
    /// From one rate to another, in a straight line.
    Ramp {
        /// At the start.
        from: f64,
        /// At the end.
        to: f64,
    },
    /// A base rate, and at once another for a while.
    Spike {
        /// Before and after.
        base: f64,
        /// In the spike.
        peak: f64,
        /// When the spike begins.
        at: Duration,
        /// How long it lasts.
        length: Duration,
    },
    /// A day, midnight to midnight, pressed into the run.
    Day {
        /// In the quietest hour.
        quiet: f64,
        /// In the busiest.
        busy: f64,
    },
}

/// How arrivals lie around the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Spacing {
    /// At even distances: two runs offer exactly the same.
    Even,
    /// At random, as people who don't know each other come (a Poisson process).
    Random,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(rate) => write!(f, "{rate}/s"),
            Self::Ramp { from, to } => write!(f, "ramp {from} to {to}/s"),
            Self::Spike {
                base,
                peak,
                at,
                length,
            } => {
                write!(
                    f,
                    "{base}/s, {peak}/s from {} s for {} s",
                    at.as_secs_f64(),
                    length.as_secs_f64()
                )
            }
            Self::Day { quiet, busy } => write!(f, "a day of {quiet} to {busy}/s"),
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    /// `50`, `ramp:10..100`, `spike:10..200@20s+5s` or `day:5..80`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').unwrap_or(("constant", text));
        match kind {
            "constant" => Ok(Self::Constant(rate(rest)?)),
            "ramp" => rates(rest).map(|(from, to)| Self::Ramp { from, to }),
            "day" => rates(rest).map(|(quiet, busy)| Self::Day { quiet, busy }),
            "spike" => {
                let says = || format!("{text}: a spike is spike:BASE..PEAK@START+LENGTH");
                let (both, when) = rest.split_once('@').ok_or_else(says)?;
                let (at, length) = when.split_once('+').ok_or_else(says)?;
                let (base, peak) = rates(both)?;
                let (at, length) = (duration(at)?, duration(length)?);
                Ok(Self::Spike {
                    base,
                    peak,
                    at,
                    length,
                })
            }
            _ => Err(format!(
                "{text}: a rate, or ramp:, spike: or day: with rates"
            )),
        }
    }
}

fn rates(text: &str) -> Result<(f64, f64), String> {
    let (from, to) = text
        .split_once("..")
        .ok_or_else(|| format!("{text}: two rates are FROM..TO"))?;
    Ok((rate(from)?, rate(to)?))
}

fn rate(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text} is not a rate"))?;
    // A million a second is past what one machine can offer, and keeps every sum exact.
    if (0.0..=1e6).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{text} is not from 0 to 1000000"))
    }
}

/// A length of time as people write it: `250ms`, `90s`, `5m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{text}: {error}"))
}

impl Shape {
    /// This shape over a run of this length.
    pub fn over(&self, length: Duration) -> Arrivals {
        let end = length.as_secs_f64();
        let mut arrivals = Arrivals {
            lines: Vec::new(),
            total: 0.0,
        };
        match *self {
            Self::Constant(rate) => arrivals.line(0.0, end, rate, rate),
            Self::Ramp { from, to } => arrivals.line(0.0, end, from, to),
            Self::Spike {
                base,
                peak,
                at,
                length,
            } => {
                let rises = at.as_secs_f64().min(end);
                let falls = (rises + length.as_secs_f64()).min(end);
                arrivals.line(0.0, rises, base, base);
                arrivals.line(rises, falls, peak, peak);
                arrivals.line(falls, end, base, base);
            }
            Self::Day { quiet, busy } => {
                let hour = end / 24.0;
                let mut start = 0.0;
                for (index, share) in HOURS.iter().enumerate() {
                    let next = HOURS[(index + 1) % HOURS.len()];
                    let rate = |share: f64| quiet + (busy - quiet) * share;
                    arrivals.line(start, start + hour, rate(*share), rate(next));
                    start += hour;
                }
            }
        }
        arrivals
    }
}

/// A straight piece of the rate.
#[derive(Debug, Clone)]
struct Line {
    start: f64,
    length: f64,
    from: f64,
    slope: f64,
    /// How many arrived before it.
    before: f64,
}

/// A rate over a run of a known length.
#[derive(Debug, Clone)]
pub struct Arrivals {
    lines: Vec<Line>,
    total: f64,
}

impl Arrivals {
    fn line(&mut self, start: f64, end: f64, from: f64, to: f64) {
        let length = end - start;
        if length <= 0.0 {
            return;
        }
        let slope = (to - from) / length;
        self.lines.push(Line {
            start,
            length,
            from,
            slope,
            before: self.total,
        });
        self.total += f64::midpoint(from, to) * length;
    }

    /// How many arrive in all.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// How many a second arrive at this instant of the run; none after its end.
    pub fn rate_at(&self, at: Duration) -> f64 {
        let at = at.as_secs_f64();
        let line = self.lines.iter().find(|line| at < line.start + line.length);
        line.map_or(0.0, |line| line.from + line.slope * (at - line.start))
    }

    /// How many have arrived by this instant of the run: the integral of the rate.
    pub fn by(&self, at: Duration) -> f64 {
        let at = at.as_secs_f64();
        let line = self.lines.iter().rev().find(|line| line.start <= at);
        line.map_or(0.0, |line| {
            let inside = (at - line.start).min(line.length);
            line.before + (line.from + line.slope / 2.0 * inside) * inside
        })
    }

    /// When `count` have arrived: the inverse of the integral. `None` when that many never do.
    pub fn when(&self, count: f64) -> Option<Duration> {
        // What rounding leaves at the end is not one more shopper.
        if count >= self.total - 1e-6 {
            return None;
        }
        let line = self.lines.iter().rev().find(|line| line.before <= count)?;
        let wanted = count - line.before;
        // The root of slope/2·x² + from·x = wanted in the form that is exact for a slope of 0, too.
        let root = (line.from * line.from + 2.0 * line.slope * wanted)
            .max(0.0)
            .sqrt();
        let inside = if wanted > 0.0 {
            2.0 * wanted / (line.from + root)
        } else {
            0.0
        };
        Some(Duration::from_secs_f64(
            line.start + inside.min(line.length),
        ))
    }

    /// The instants of the run at which somebody arrives, in order.
    pub fn instants(self, spacing: Spacing, seed: u64) -> Instants {
        Instants {
            arrivals: self,
            spacing,
            next: 0.0,
            rng: StdRng::seed_from_u64(seed),
        }
    }
}

/// The instants of a run at which somebody arrives.
#[derive(Debug)]
pub struct Instants {
    arrivals: Arrivals,
    spacing: Spacing,
    /// How many arrivals the next one lies from the start.
    next: f64,
    rng: StdRng,
}

impl Iterator for Instants {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let at = match self.spacing {
            Spacing::Even => self.next,
            // In the time that the integral measures, people come as a Poisson process of rate 1.
            Spacing::Random => self.next - (1.0 - self.rng.random::<f64>()).ln(),
        };
        self.next = if self.spacing == Spacing::Even {
            at + 1.0
        } else {
            at
        };
        self.arrivals.when(at)
    }
}
