//! Loading both sides, in turns.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use bothways_load::{
    Plan,
    arrivals::{Shape, Spacing},
    figures::Figures,
    journey::Mix,
    report, run,
};

use super::capacity::Search;
use crate::{
    results::{Course, Idle, Latency, Round, Side, Start, Tried, seconds},
    shop::{Launcher, Sample, Shop, fill_stock},
    statistics::turns,
};

/// How long whatever is still under way gets when a run is over; past a shop's limit there would be no end.
const GRACE: Duration = Duration::from_secs(5);

/// How much is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Journeys a second of the fixed rate.
    pub rate: f64,
    /// Rounds of each side at it.
    pub rounds: usize,
    /// How long one lasts.
    pub round: Duration,
    /// How long each side is warmed up.
    pub warm_up: Duration,
    /// What p99 has to stay under.
    pub objective: Duration,
    /// How long a rate is tried.
    pub try_for: Duration,
    /// When the search ends even if it is not narrow yet: a machine that is too busy fails at every rate.
    pub search_for: Duration,
    /// Journeys a second beyond which nothing is tried.
    pub highest: f64,
    /// Journeys a second in the spike.
    pub spike: f64,
    /// How long the spike lasts.
    pub spike_for: Duration,
    /// Spikes of each side.
    pub spikes: usize,
    /// Starts of each side.
    pub starts: usize,
    /// How long each side is watched when nobody asks.
    pub idle: Duration,
    /// The part that is made to fail.
    pub failing: &'static str,
    /// How many copies of each part run at each step of the scale-out.
    pub copies: &'static [usize],
    /// Rounds of each side at each step.
    pub scale_rounds: usize,
    /// How long a round offers what both sides hold.
    pub steady_for: Duration,
    /// How long it offers more than a side holds.
    pub above_for: Duration,
}

/// Both sides and what they are loaded with.
pub struct Bench {
    /// How much is done.
    pub settings: Settings,
    /// Says how far it is.
    pub say: fn(&str),
}

impl Bench {
    pub(super) async fn load(&self, shop: &Shop, plan: &Plan) -> Result<Figures, String> {
        let figures = run(plan, &shop.url, pending(), |_| {}).await;
        figures.map_err(|error| format!("{}: {error}", shop.name))
    }

    /// Warms both up, then loads them in turns at the fixed rate.
    pub async fn rounds(&self, shops: &[Shop; 2], sides: &mut [Side; 2]) -> Result<(), String> {
        let Settings {
            rate,
            rounds,
            round,
            warm_up,
            ..
        } = self.settings;
        for shop in shops {
            (self.say)(&format!("warming {} up", shop.name));
            self.load(shop, &plan(Shape::Constant(rate), warm_up, 0))
                .await?;
        }
        for (turn, right) in turns(rounds).enumerate() {
            let (shop, side) = (&shops[usize::from(right)], &mut sides[usize::from(right)]);
            // The same journeys on both sides of a pair.
            let plan = plan(Shape::Constant(rate), round, 1 + turn as u64 / 2);
            let before = shop.sample().await?;
            let figures = self.load(shop, &plan).await?;
            let after = shop.sample().await?;
            let round = round_of(&figures, &before, &after);
            (self.say)(&format!(
                "round {}/{} {}: p50 {:.2} ms, p99 {:.2} ms, {} failed",
                turn / 2 + 1,
                rounds,
                shop.name,
                round.all.p50,
                round.all.p99,
                round.failed
            ));
            side.rounds.push(round);
            side.loaded_memory_mb = after.memory_mb;
            side.raw
                .push(report::json(&shop.name, &shop.url, &plan, &figures));
        }
        Ok(())
    }

    /// Searches for the highest rate of each, a try of one and a try of the other.
    pub async fn capacity(&self, shops: &[Shop; 2], sides: &mut [Side; 2]) -> Result<(), String> {
        let first = self.settings.rate * 2.0;
        let mut searches = [(); 2].map(|()| Search::new(first, self.settings.highest));
        let mut seed = 1000;
        let began = Instant::now();
        while searches.iter().any(|search| search.next().is_some())
            && began.elapsed() < self.settings.search_for
        {
            for (shop, search) in shops.iter().zip(&mut searches) {
                let Some(rate) = search.next() else { continue };
                seed += 1;
                let plan = plan(Shape::Constant(rate), self.settings.try_for, seed);
                let figures = self.load(shop, &plan).await?;
                let latency = Latency::of(&figures.all);
                let in_time = latency.p99 < self.settings.objective.as_secs_f64() * 1000.0;
                let held = in_time && figures.completed() == figures.offered;
                (self.say)(&format!(
                    "{} at {rate:.1} journeys/s: {:.0} answers/s, p99 {:.1} ms{}",
                    shop.name,
                    figures.rate(),
                    latency.p99,
                    if held { "" } else { ", too much" }
                ));
                search.tried(Tried {
                    journeys: rate,
                    answers: figures.rate(),
                    latency,
                    held,
                });
            }
        }
        for (side, search) in sides.iter_mut().zip(searches) {
            side.capacity = search.found();
        }
        Ok(())
    }

    /// Nobody for two seconds, then everybody.
    pub async fn spikes(&self, shops: &[Shop; 2], sides: &mut [Side; 2]) -> Result<(), String> {
        let quiet = Duration::from_secs(2);
        let length = quiet + self.settings.spike_for;
        let shape = Shape::Spike {
            base: 0.0,
            peak: self.settings.spike,
            at: quiet,
            length: self.settings.spike_for,
        };
        for (turn, right) in turns(self.settings.spikes).enumerate() {
            let (shop, side) = (&shops[usize::from(right)], &mut sides[usize::from(right)]);
            (self.say)(&format!(
                "spike of {} journeys/s at {}",
                self.settings.spike, shop.name
            ));
            let plan = plan(shape.clone(), length, 2000 + turn as u64 / 2);
            let before = shop.sample().await?;
            // The generator reads the catalogue first; what that woke is gone again when the spike comes.
            let cool = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                shop.cool_down().await
            };
            let (figures, cooled) = tokio::join!(self.load(shop, &plan), cool);
            cooled?;
            let figures = figures?;
            add(&mut side.spike, &figures);
            side.spike.cold_starts += cold_starts(&shop.sample().await?) - cold_starts(&before);
        }
        Ok(())
    }

    /// A part crashes while shoppers come at the fixed rate.
    pub async fn failure(&self, shops: &[Shop; 2], sides: &mut [Side; 2]) -> Result<(), String> {
        let length = Duration::from_secs(10);
        for (shop, side) in shops.iter().zip(sides).filter(|(shop, _)| shop.is_local()) {
            (self.say)(&format!(
                "{} of {} crashes",
                self.settings.failing, shop.name
            ));
            let plan = plan(Shape::Constant(self.settings.rate), length, 3000);
            let crash = async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                shop.crash(self.settings.failing).await
            };
            let (figures, crashed) = tokio::join!(self.load(shop, &plan), crash);
            crashed?;
            let mut course = Course::default();
            add(&mut course, &figures?);
            side.failure = Some(course);
        }
        Ok(())
    }

    /// Opens both for the first time, filled with the catalogue and plenty of stock.
    pub async fn open(&self, sides: &[Side; 2], launcher: &Launcher) -> Result<[Shop; 2], String> {
        let open = async |number: usize| {
            let target = &sides[number].target;
            (self.say)(&format!("opening {}", target.name));
            let (shop, _) = Shop::open(target, number, launcher, None).await?;
            if shop.is_local() {
                fill_stock(&shop, number, launcher).await?;
            }
            Ok::<_, String>(shop)
        };
        Ok([open(0).await?, open(1).await?])
    }

    /// Closes and opens those that run here again, in turns, with the data they have. The other is closed meanwhile.
    pub async fn starts(
        &self,
        shops: [Shop; 2],
        sides: &mut [Side; 2],
        launcher: &Launcher,
    ) -> Result<[Shop; 2], String> {
        if !shops.iter().all(Shop::is_local) {
            return Ok(shops);
        }
        for shop in shops {
            shop.close().await;
        }
        for right in turns(self.settings.starts) {
            let number = usize::from(right);
            let (shop, took) = Shop::open(&sides[number].target, number, launcher, None).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let idle_memory_mb = shop.sample().await?.memory_mb;
            shop.close().await;
            let seconds = took.unwrap_or_default().as_secs_f64();
            (self.say)(&format!(
                "{} answered {seconds:.2} s after its start",
                sides[number].target.name
            ));
            sides[number].starts.push(Start {
                seconds,
                idle_memory_mb,
            });
        }
        let again =
            async |number: usize| Shop::open(&sides[number].target, number, launcher, None).await;
        Ok([again(0).await?.0, again(1).await?.0])
    }

    /// Watches both while nobody asks.
    pub async fn idle(&self, shops: &[Shop; 2], sides: &mut [Side; 2]) -> Result<(), String> {
        for shop in shops {
            shop.cool_down().await?;
        }
        if shops.iter().any(Shop::is_local) {
            (self.say)("watching both while nobody asks");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for (shop, side) in shops.iter().zip(sides).filter(|(shop, _)| shop.is_local()) {
            let before = shop.sample().await?;
            tokio::time::sleep(self.settings.idle).await;
            let after = shop.sample().await?;
            let share = |(part, cpu): (String, f64)| (part, cpu / self.settings.idle.as_secs_f64());
            side.idle = Some(Idle {
                cpu_share: after.since(&before).into_iter().map(share).collect(),
                memory_mb: after.memory_mb,
            });
        }
        Ok(())
    }
}

/// Journeys of people who don't stop to think: the rate of requests is the rate of journeys, times a constant.
pub(super) fn plan(shape: Shape, length: Duration, seed: u64) -> Plan {
    Plan {
        shape,
        length,
        at_most: u64::MAX,
        spacing: Spacing::Even,
        mix: Mix::usual(),
        thinks: Vec::new(),
        payment: "pm_card_visa".to_owned(),
        patience: Duration::from_secs(10),
        places: 1000,
        grace: GRACE,
        seed,
    }
}

fn round_of(figures: &Figures, before: &Sample, after: &Sample) -> Round {
    Round {
        all: Latency::of(&figures.all),
        steps: figures
            .steps
            .iter()
            .map(|(step, requests)| (*step, Latency::of(requests)))
            .collect(),
        requests: figures.all.right + figures.all.failed(),
        failed: figures.all.failed(),
        cpu_seconds: after.since(before),
        generator_late_ms: figures.late_micros.quantile(0.99).as_secs_f64() * 1000.0,
    }
}

fn add(course: &mut Course, figures: &Figures) {
    if course.seconds.is_empty() {
        course.seconds = seconds(figures);
    }
    course.runs.push(Latency::of(&figures.all));
    course.requests += figures.all.right + figures.all.failed();
    course.failed += figures.all.failed();
}

fn cold_starts(sample: &Sample) -> u64 {
    sample
        .functions
        .iter()
        .filter_map(|function| function["cold_starts"].as_u64())
        .sum()
}
