//! How much the generator itself can do, so that nobody reads its limit as the shop's.
//!
//! It is measured against a stand in this very process, on the same cores: what a shop of its own machine could be offered
//! is more than this, never less.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{
    arrivals::Shape,
    figures::{Figures, Timing},
    run::{Plan, run},
    stand,
};

/// How narrow the search for the ceiling gets: highest rate held to lowest not held.
const NARROW: f64 = 1.15;

/// What the generator can do with a mix of journeys.
#[derive(Debug, Clone, Serialize)]
pub struct Ceiling {
    /// What p99 had to stay under.
    pub p99_under_seconds: f64,
    /// The highest rate of journeys it held, a second; zero if it held none.
    pub journeys_per_second: f64,
    /// Right answers a second at that rate.
    pub answers_per_second: f64,
    /// Latencies at that rate.
    pub at_ceiling_micros: Timing,
    /// Latencies at a tenth of it: what the generator adds to every answer, the stand's own time included.
    pub floor_micros: Timing,
    /// Rates tried, and whether they were held.
    pub tried: Vec<(f64, bool)>,
}

/// Finds the highest constant rate, up to `highest`, at which the mix of `plan` is answered right and in full with a p99 under
/// `p99_under`, each tried for the plan's length. Nobody thinks.
pub async fn measure(
    plan: &Plan,
    p99_under: Duration,
    highest: f64,
    mut watch: impl FnMut(f64, &Figures, bool),
) -> Result<Ceiling, String> {
    let mut ceiling = Ceiling {
        p99_under_seconds: p99_under.as_secs_f64(),
        journeys_per_second: 0.0,
        answers_per_second: 0.0,
        at_ceiling_micros: Timing::default(),
        floor_micros: Timing::default(),
        tried: Vec::new(),
    };
    let (mut held_at, mut failed_at, mut rate) = (0.0_f64, f64::INFINITY, highest.min(50.0));
    while failed_at / held_at > NARROW && rate >= 1.0 {
        let figures = at(plan, rate).await?;
        let held = held(&figures, p99_under);
        watch(rate, &figures, held);
        ceiling.tried.push((rate, held));
        if held {
            held_at = rate;
            ceiling.journeys_per_second = rate;
            ceiling.answers_per_second = figures.rate();
            ceiling.at_ceiling_micros = figures.all.micros;
            if rate >= highest {
                break;
            }
        } else {
            failed_at = rate;
        }
        rate = if failed_at.is_infinite() {
            (rate * 2.0).min(highest)
        } else {
            f64::midpoint(held_at, failed_at)
        };
    }
    if ceiling.journeys_per_second > 0.0 {
        ceiling.floor_micros = at(plan, ceiling.journeys_per_second / 10.0)
            .await?
            .all
            .micros;
    }
    Ok(ceiling)
}

/// A run at this rate, against a stand that has sold nothing yet.
async fn at(plan: &Plan, rate: f64) -> Result<Figures, String> {
    let server =
        stand::Server::start(stand::routes()).map_err(|error| format!("the stand: {error}"))?;
    let plan = Plan {
        shape: Shape::Constant(rate),
        thinks: Vec::new(),
        ..plan.clone()
    };
    run(&plan, server.url(), std::future::pending(), |_| {}).await
}

/// Whether everything offered was done, and in time.
fn held(figures: &Figures, p99_under: Duration) -> bool {
    figures.completed() == figures.offered && figures.all.micros.quantile(0.99) < p99_under
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = crate::report::millis;
        let bound = ms(Duration::from_secs_f64(self.p99_under_seconds));
        let (top, floor) = (&self.at_ceiling_micros, &self.floor_micros);
        writeln!(
            f,
            "ceiling  {:.0} journeys/s, {:.0} answers/s with p99 under {bound} ms (p50 {} ms, p99 {} ms)",
            self.journeys_per_second,
            self.answers_per_second,
            ms(top.quantile(0.5)),
            ms(top.quantile(0.99)),
        )?;
        writeln!(
            f,
            "floor    p50 {} ms, p99 {} ms at a tenth of it",
            ms(floor.quantile(0.5)),
            ms(floor.quantile(0.99))
        )?;
        f.write_str("The server that answers runs in this process, on the same cores: a lower bound for this machine, as busy as it is.")
    }
}
