//! How a month's requests lie over its hours.

use std::fmt;

use bothways_load::arrivals;
use serde::{Deserialize, Serialize};

/// An average month, as AWS counts one.
pub const HOURS_A_MONTH: f64 = 730.0;

/// How requests lie over a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The same at all times.
    Flat,
    /// A day with its night, as the load generator has it.
    Daily,
    /// Half of the requests in an hour of the day, in spikes of a few minutes that come faster than tasks start.
    Spiky,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flat, Self::Daily, Self::Spiky];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flat => "flat",
            Self::Daily => "daily",
            Self::Spiky => "spiky",
        })
    }
}

/// A month's requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Traffic {
    /// How they lie over a day.
    pub shape: Shape,
    /// How many come in a month.
    pub requests: f64,
}

impl Traffic {
    /// The mean rate in each hour of a day, in requests a second.
    pub fn hours(&self) -> [f64; 24] {
        let mean = self.requests / (HOURS_A_MONTH * 3600.0);
        let shares = match self.shape {
            Shape::Flat => [1.0; 24],
            Shape::Daily => {
                let day = std::time::Duration::from_hours(24);
                let curve = arrivals::Shape::Day {
                    quiet: 0.1,
                    busy: 1.0,
                };
                let curve = curve.over(day);
                let until = |hour: u64| curve.by(std::time::Duration::from_hours(hour));
                std::array::from_fn(|hour| {
                    let hour = hour as u64;
                    (until(hour + 1) - until(hour)) / curve.total() * 24.0
                })
            }
            // 12 + 23 · 12/23 = 24.
            Shape::Spiky => std::array::from_fn(|hour| if hour == 20 { 12.0 } else { 12.0 / 23.0 }),
        };
        shares.map(|share| share * mean)
    }

    /// The rate that must be answered at once in each hour, in requests a second. What comes faster than tasks start
    /// has to be ready all day.
    pub fn ready_for(&self) -> [f64; 24] {
        match self.shape {
            Shape::Flat => self.hours(),
            Shape::Daily => self.hours().map(|rate| rate * 1.25),
            Shape::Spiky => [self.spike(); 24],
        }
    }

    /// The rate in a spike: its hour's requests in a sixth of it. The mean rate where there are none.
    pub fn spike(&self) -> f64 {
        let hours = self.hours();
        let busiest = hours.into_iter().fold(0.0, f64::max);
        if self.shape == Shape::Spiky {
            busiest * 6.0
        } else {
            busiest
        }
    }

    /// Spikes a month.
    pub fn spikes(&self) -> f64 {
        if self.shape == Shape::Spiky {
            2.0 * HOURS_A_MONTH / 24.0
        } else {
            0.0
        }
    }
}
