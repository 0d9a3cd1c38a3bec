//! Taking steps all the time, and noting what becomes of each.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::shopper::{Seen, Shopper, Step};

/// How often every step is taken, whether or not the one before was answered: a stall is not hidden.
const EVERY: Duration = Duration::from_millis(250);
/// An answer that takes longer is a slow one: more than a service that can be done without is waited for.
const SLOW: Duration = Duration::from_millis(1_800);

/// A step that was begun.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) step: Step,
    pub(crate) began: Instant,
    /// When it ended and how; `None` while nothing has come back.
    pub(crate) end: Option<(Instant, Seen, Rc<str>)>,
}

impl Sample {
    /// Whether the shopper got what they came for.
    fn is_well(&self) -> bool {
        matches!(&self.end, Some((_, Seen::Works, _)))
    }
}

/// What a step is like for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Works,
    Slow,
    Less,
    Refused,
    Waits,
    Fails,
    /// It happens, when the fault is over.
    Later,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Slow => "slow",
            Self::Less => "less",
            Self::Refused => "refused",
            Self::Waits => "waits",
            Self::Fails => "fails",
            Self::Later => "later",
        }
    }
}

/// Everything that was seen.
#[derive(Default)]
pub(crate) struct Watch {
    samples: RefCell<Vec<Sample>>,
    over: Cell<bool>,
}

impl Watch {
    /// Takes steps until it is over.
    pub(crate) async fn run(&self, shopper: &Shopper) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = FuturesUnordered::new();
        while !self.over.get() {
            tokio::select! {
                _ = ticks.tick() => {
                    for step in Step::ALL {
                        under_way.push(self.note(shopper, step));
                    }
                }
                Some(()) = under_way.next() => {}
            }
        }
    }

    pub(crate) fn end(&self) {
        self.over.set(true);
    }

    async fn note(&self, shopper: &Shopper, step: Step) {
        let number = {
            let mut samples = self.samples.borrow_mut();
            samples.push(Sample {
                step,
                began: Instant::now(),
                end: None,
            });
            samples.len() - 1
        };
        let (seen, words) = shopper.take(step).await;
        self.samples.borrow_mut()[number].end = Some((Instant::now(), seen, words.into()));
    }

    /// Waits until those begun in between were all answered, but no longer than `until`.
    pub(crate) async fn answered(&self, from: Instant, to: Instant, until: Instant) {
        while Instant::now() < until
            && (Instant::now() < to || self.between(from, to).iter().any(|one| one.end.is_none()))
        {
            sleep(EVERY).await;
        }
    }

    /// Those begun in between.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Sample> {
        let samples = self.samples.borrow();
        let within = samples
            .iter()
            .filter(|sample| from <= sample.began && sample.began < to);
        within.cloned().collect()
    }

    /// Waits until the last three of each step, begun since then, are well; the last that was not ended so long after.
    pub(crate) async fn heals(&self, since: Instant, within: Duration) -> Result<Duration, String> {
        loop {
            sleep(EVERY).await;
            let samples = self.between(since, Instant::now());
            let ill = Step::ALL.into_iter().find_map(|step| {
                let of: Vec<&Sample> = samples.iter().filter(|one| one.step == step).collect();
                let answered = of.iter().rev().skip_while(|one| one.end.is_none());
                let last: Vec<_> = answered.take(3).collect();
                let well = last.len() == 3 && last.iter().all(|one| one.is_well());
                (!well).then(|| format!("{step:?}: {:?}", of.last()))
            });
            let Some(ill) = ill else {
                let lasts = samples.iter().filter(|one| !one.is_well());
                let lasts = lasts.filter_map(|one| one.end.as_ref().map(|(end, ..)| *end));
                return Ok(lasts.max().map_or(Duration::ZERO, |end| end - since));
            };
            if since.elapsed() > within {
                return Err(ill);
            }
        }
    }
}

/// What each step was like.
pub(crate) fn verdicts(samples: &[Sample]) -> BTreeMap<Step, Verdict> {
    Step::ALL
        .into_iter()
        .map(|step| {
            let of = samples.iter().filter(|sample| sample.step == step);
            (step, verdict(&of.collect::<Vec<_>>()))
        })
        .collect()
}

/// What most of them say.
fn verdict(samples: &[&Sample]) -> Verdict {
    let judged = samples.iter().map(|sample| match &sample.end {
        None => Verdict::Waits,
        Some((_, Seen::Refused, _)) => Verdict::Refused,
        Some((_, Seen::Fails, _)) => Verdict::Fails,
        Some((end, ..)) if *end - sample.began > SLOW => Verdict::Slow,
        Some((_, Seen::Works, _)) => Verdict::Works,
        Some((_, Seen::Less, _)) => Verdict::Less,
    });
    let judged: Vec<_> = judged.collect();
    let most = judged
        .iter()
        .max_by_key(|one| judged.iter().filter(|other| other == one).count());
    most.copied().unwrap_or(Verdict::Waits)
}

/// How many were neither well nor told what is missing.
pub(crate) fn failed(samples: &[Sample]) -> usize {
    let failed = samples
        .iter()
        .filter(|sample| !matches!(&sample.end, Some((_, Seen::Works | Seen::Less, _))));
    failed.count()
}
