//! Scale-out: each side with one copy of its parts, with two, with more, on the one machine there is.
//!
//! All are open at once and take turns, so that what the machine did meanwhile falls on every number of copies, and the
//! statistics can say what is a difference. Copies share the machine's cores; how many of these were in use is noted
//! beside each figure, as past them no copy helps.

use std::time::{Duration, Instant};

use bothways_load::{arrivals::Shape, figures::Figures};
use tokio::task::JoinSet;

use super::{Bench, runs::plan};
use crate::{
    processes::Cores,
    results::{Copies, Latency, ScaleOut, ScaleRound, Scaled, Side, count},
    shop::{Launcher, Shop, Where, fill_stock},
    statistics::compare,
};

/// What is offered in the steady part, of the highest rate that the weaker side holds.
const STEADY: f64 = 0.5;
/// What is offered past the limit, of the lowest rate that a side did not hold.
const ABOVE: f64 = 1.25;
/// What more is offered if the side keeps up with that: the search goes by a tail, which may get long before a shop
/// answers no more.
const RAISE: f64 = 1.5;
/// Who has answered everything after so much of the time in which it was offered was not asked past its limit; the last
/// journeys take a moment anyway.
const KEPT_UP: f64 = 1.25;
/// How often more is offered until it is too much. The search may have met the machine while it was busy.
const RAISED: usize = 4;
/// What a search that found nothing is taken to have found: a machine too busy for any rate still has copies compared.
const LEAST: f64 = 1.0;

/// One side with so many copies, open.
struct Step {
    shop: Shop,
    side: usize,
    rounds: Vec<ScaleRound>,
    copies: usize,
}

/// Journeys a second of the steady part, and of the part past each side's limit.
fn rates(sides: &[Side; 2]) -> (f64, [f64; 2]) {
    let held = |side: &Side| side.capacity.journeys;
    let tried = |side: &&Side| !side.capacity.tried.is_empty();
    let weaker = sides.iter().filter(tried).map(held);
    let steady = STEADY * weaker.fold(f64::INFINITY, f64::min);
    let steady = if steady.is_finite() { steady } else { LEAST };
    let above = sides.each_ref().map(|side| {
        let limit = side.capacity.not_held.unwrap_or(held(side));
        ABOVE * limit.max(LEAST)
    });
    (steady.max(LEAST), above)
}

/// The order in which so many take turns in a round: forth and back, as A B B A is for two.
fn turns(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| match round % 2 {
        0 => turn,
        _ => count - 1 - turn,
    })
}

impl Bench {
    /// Starts each side that runs here with every number of copies and loads them in turns: at a rate that both sides
    /// hold, and at one that the side doesn't. Whatever else is open should be closed before.
    pub async fn scale_out(
        &self,
        sides: &mut [Side; 2],
        launcher: &Launcher,
    ) -> Result<(), String> {
        let (steady, mut above) = rates(sides);
        let mut steps = self.open_copies(sides, launcher).await?;
        for step in &steps {
            // Connections and first instances; also what the start left to do.
            let plan = plan(Shape::Constant(steady), self.settings.steady_for, 0);
            self.load(&step.shop, &plan).await?;
        }
        self.past_the_limit(&steps, &mut above).await?;
        let rounds = self.settings.scale_rounds;
        for round in 0..rounds {
            if !steps.is_empty() {
                (self.say)(&format!("scale-out, round {}/{rounds}", round + 1));
            }
            self.scale_round(&mut steps, round, steady, above).await?;
        }
        for step in steps {
            let instances = step.shop.sample().await?.instances().into_values();
            let instances = (step.shop.place == Where::Serverless).then(|| instances.sum());
            step.shop.close().await;
            let scale_out = sides[step.side].scale_out.get_or_insert(ScaleOut {
                steady,
                above: above[step.side],
                steps: Vec::new(),
            });
            scale_out.steps.push(Copies {
                copies: step.copies,
                rounds: step.rounds,
                instances,
            });
        }
        Ok(())
    }

    /// Raises the rate past each side's limit until it is past that of its most copies.
    async fn past_the_limit(&self, steps: &[Step], above: &mut [f64; 2]) -> Result<(), String> {
        for (side, rate) in above.iter_mut().enumerate() {
            let Some(most) = steps.iter().rfind(|step| step.side == side) else {
                continue;
            };
            for _ in 0..RAISED {
                let plan = plan(Shape::Constant(*rate), self.settings.above_for, 0);
                if !kept_up(&self.load(&most.shop, &plan).await?, plan.length) {
                    break;
                }
                *rate = (*rate * RAISE).min(self.settings.highest);
            }
        }
        Ok(())
    }

    /// One round: all at the steady rate, then all past their limit, so that nobody is steady beside what an overload left.
    async fn scale_round(
        &self,
        steps: &mut [Step],
        round: usize,
        steady: f64,
        above: [f64; 2],
    ) -> Result<(), String> {
        // The same journeys for all.
        let seed = 4000 + round as u64;
        let mut calm = vec![Figures::default(); steps.len()];
        for turn in turns(round, steps.len()) {
            let plan = plan(Shape::Constant(steady), self.settings.steady_for, seed);
            calm[turn] = self.load(&steps[turn].shop, &plan).await?;
        }
        for turn in turns(round + 1, steps.len()) {
            let step = &mut steps[turn];
            let rate = Shape::Constant(above[step.side]);
            let plan = plan(rate, self.settings.above_for, seed);
            let before = Cores::now();
            let figures = self.load(&step.shop, &plan).await?;
            let busy = before.and_then(|before| Cores::now()?.busy_since(&before));
            let round = ScaleRound {
                steady: Latency::of(&calm[turn].all),
                steady_failed: calm[turn].all.failed(),
                offered: per_second(&figures, self.settings.above_for),
                answers: figures.rate(),
                kept_up: kept_up(&figures, plan.length),
                above: Latency::of(&figures.all),
                above_failed: figures.all.failed(),
                cores_busy: busy,
            };
            (self.say)(&format!(
                "{} with {}: p99 {:.1} ms at {steady:.1} journeys/s; {:.0} answers/s of {:.0}{}",
                step.shop.name,
                step.copies,
                round.steady.p99,
                round.answers,
                round.offered,
                busy.map_or(String::new(), |busy| format!(
                    ", cores {:.0} % busy",
                    busy * 100.0
                ))
            ));
            step.rounds.push(round);
        }
        Ok(())
    }

    /// Opens every number of copies of each side that runs here, each with data of its own, all at once: they start
    /// before anything is measured.
    async fn open_copies(
        &self,
        sides: &[Side; 2],
        launcher: &Launcher,
    ) -> Result<Vec<Step>, String> {
        let began = Instant::now();
        let mut opening = JoinSet::new();
        for copies in self.settings.copies.iter().copied() {
            for (index, side) in sides.iter().enumerate() {
                if matches!(side.target.place, Where::Url(_)) {
                    continue;
                }
                let (target, launcher) = (side.target.clone(), launcher.clone());
                // The first two folders are those of the other experiments.
                let number = 2 + copies * 2 + index;
                opening.spawn(async move {
                    let opened = Shop::open(&target, number, &launcher, Some(copies)).await;
                    let (shop, _) = opened?;
                    fill_stock(&shop, number, &launcher).await?;
                    let rounds = Vec::new();
                    Ok::<_, String>(Step {
                        shop,
                        side: index,
                        rounds,
                        copies,
                    })
                });
            }
        }
        if !opening.is_empty() {
            (self.say)("opening both with more copies of their parts");
        }
        let mut steps = Vec::new();
        while let Some(opened) = opening.join_next().await {
            steps.push(opened.map_err(|error| format!("opening copies: {error}"))??);
        }
        steps.sort_by_key(|step| (step.copies, step.side));
        if !steps.is_empty() {
            let took = began.elapsed().as_secs_f64();
            (self.say)(&format!("{} shops are open after {took:.1} s", steps.len()));
        }
        Ok(steps)
    }
}

/// Whether everything was answered, hardly later than it was offered.
fn kept_up(figures: &Figures, length: Duration) -> bool {
    let in_time = figures.elapsed < length.mul_f64(KEPT_UP);
    in_time && figures.completed() == figures.offered
}

/// Requests a second that were offered.
fn per_second(figures: &Figures, length: Duration) -> f64 {
    count(figures.all.right + figures.all.failed()) / length.as_secs_f64()
}

/// Each number of copies of a side, compared with its first.
pub fn scaled(sides: &[Side; 2]) -> Vec<Scaled> {
    let mut all = Vec::new();
    for (index, side) in sides.iter().enumerate() {
        let steps = side.scale_out.iter().flat_map(|scale_out| &scale_out.steps);
        let mut steps = steps.into_iter();
        let Some(first) = steps.next() else { continue };
        for step in steps {
            let rounds = |of: fn(&ScaleRound) -> f64| {
                let [one, more] = [first, step].map(|step| step.rounds.iter().map(of));
                compare(&one.collect::<Vec<_>>(), &more.collect::<Vec<_>>())
            };
            all.push(Scaled {
                side: index,
                from: first.copies,
                to: step.copies,
                answers: rounds(|round| round.answers),
                p99: rounds(|round| round.steady.p99),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Capacity;

    fn side(journeys: f64, not_held: Option<f64>) -> Side {
        let mut side = Side::new("microservices".parse().unwrap());
        side.capacity = Capacity {
            journeys,
            not_held,
            tried: vec![crate::results::Tried {
                journeys,
                answers: 0.0,
                latency: Latency::default(),
                held: true,
            }],
            answers: 0.0,
        };
        side
    }

    #[test]
    fn all_are_steady_at_one_rate_and_each_is_asked_more_than_it_holds() {
        let (steady, above) = rates(&[side(40.0, Some(44.0)), side(100.0, None)]);
        assert!((steady - 20.0).abs() < 1e-9, "{steady}");
        let off = [above[0] - 55.0, above[1] - 125.0];
        assert!(off.iter().all(|off| off.abs() < 1e-9), "{above:?}");
    }

    #[test]
    fn a_search_that_found_nothing_still_leaves_something_to_offer() {
        let nothing = || Side::new("microservices".parse().unwrap());
        for sides in [
            [nothing(), nothing()],
            [side(0.0, Some(0.5)), side(0.0, None)],
        ] {
            let (steady, above) = rates(&sides);
            assert!(steady >= LEAST && above.iter().all(|rate| *rate > steady));
        }
    }

    #[test]
    fn who_is_done_soon_after_the_last_came_was_not_past_the_limit() {
        let length = Duration::from_secs(2);
        let done = |millis| Figures {
            elapsed: Duration::from_millis(millis),
            ..Figures::default()
        };
        assert!(kept_up(&done(2_100), length) && !kept_up(&done(2_600), length));
        let unfinished = Figures {
            offered: 1,
            ..done(2_100)
        };
        assert!(!kept_up(&unfinished, length), "not everything was answered");
    }

    #[test]
    fn turns_go_forth_and_back_so_that_a_drift_falls_on_all() {
        let order = |round| turns(round, 4).collect::<Vec<_>>();
        assert_eq!((order(0), order(1)), (vec![0, 1, 2, 3], vec![3, 2, 1, 0]));
        assert_eq!(order(2), order(0));
    }
}
