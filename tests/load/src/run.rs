//! A run: journeys begin when they are due, whatever became of those before.
//!
//! A thread of its own keeps the time, because the timer of the async runtime is no finer than a millisecond. The
//! first step of a journey counts from when it was due; the later ones from when the shopper had thought, as their
//! time depends on the answer before.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, MissedTickBehavior},
};

use crate::{
    answer::Failure,
    arrivals::{Shape, Spacing},
    catalogue::Catalogue,
    figures::{End, Figures, Timing},
    journey::{Journey, Mix, Step, Think, think},
    shopper::Shopper,
};

/// What is offered to a shop.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many come when.
    pub shape: Shape,
    /// For how long.
    pub length: Duration,
    /// How many at most.
    pub at_most: u64,
    /// How they lie around the rate.
    pub spacing: Spacing,
    /// What they do.
    pub mix: Mix,
    /// How long they think.
    pub thinks: Vec<Think>,
    /// How they pay.
    pub payment: String,
    /// How long they wait for an answer.
    pub patience: Duration,
    /// How many may be under way at once. Who finds no place waits for one, and that counts.
    pub places: u32,
    /// How long the run waits, after its length, for those still under way.
    pub grace: Duration,
    /// Same seed, same arrivals and journeys.
    pub seed: u64,
}

/// A run while it goes on.
#[derive(Debug, Clone)]
pub struct Progress {
    /// How long it has.
    pub elapsed: Duration,
    /// Journeys a second that the rate asks for now.
    pub offered: f64,
    /// Journeys that began, so far.
    pub started: u64,
    /// Journeys under way.
    pub under_way: u64,
    /// Requests answered right, so far.
    pub right: u64,
    /// Requests that failed, so far.
    pub failed: u64,
    /// All latencies so far.
    pub timing: Timing,
}

/// What all parts of a run share.
struct Shared {
    plan: Plan,
    client: reqwest::Client,
    url: String,
    catalogue: Catalogue,
    begun: Instant,
    figures: Mutex<Figures>,
    started: AtomicU64,
    over: AtomicBool,
    /// Turns true when journeys under way have to end.
    stop: watch::Sender<bool>,
    places: Arc<Semaphore>,
}

impl Shared {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        // Only counting happens under the lock; figures stay whole even if somebody panicked meanwhile.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> Progress {
        let elapsed = self.begun.elapsed();
        let offered = self.plan.shape.over(self.plan.length).rate_at(elapsed);
        let started = self.started.load(Ordering::Relaxed);
        let figures = self.figures();
        let ended = figures.completed() + figures.failed() + figures.unfinished();
        Progress {
            elapsed,
            offered,
            started,
            under_way: started.saturating_sub(ended),
            right: figures.all.right,
            failed: figures.all.failed(),
            timing: figures.all.micros.clone(),
        }
    }
}

/// Ends what is under way when a run is given up, even by dropping it.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
        self.0.stop.send_replace(true);
    }
}

/// Runs `plan` against the shop at `url`, telling `watch` about it every second. It ends in the plan's length and grace, or as
/// soon as `interrupt` resolves, and leaves nothing running. An error means that it could not begin.
pub async fn run(
    plan: &Plan,
    url: &str,
    interrupt: impl Future<Output = ()>,
    mut watch: impl FnMut(&Progress),
) -> Result<Figures, String> {
    let url = url.trim_end_matches('/').to_owned();
    let client = client(plan.patience)?;
    let catalogue = Catalogue::read(&client, &url).await?;
    let shared = Arc::new(Shared {
        plan: plan.clone(),
        client,
        url,
        catalogue,
        begun: Instant::now(),
        figures: Mutex::default(),
        started: AtomicU64::new(0),
        over: AtomicBool::new(false),
        stop: watch::Sender::new(false),
        places: Arc::new(Semaphore::new(plan.places as usize)),
    });
    let ending = Ending(Arc::clone(&shared));
    let last_arrival = {
        let (shared, handle) = (Arc::clone(&shared), Handle::current());
        tokio::task::spawn_blocking(move || arrivals(&shared, &handle))
    };
    let mut all_done = std::pin::pin!(async {
        let offered = last_arrival
            .await
            .map_err(|error| format!("the thread of arrivals: {error}"))?;
        let _ = shared.places.acquire_many(plan.places).await;
        Ok::<u64, String>(offered)
    });
    let mut interrupt = std::pin::pin!(interrupt);
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let bound = shared.begun + plan.length + plan.grace;
    let (mut interrupted, mut asked_to_end) = (false, false);
    let offered = loop {
        tokio::select! {
            offered = &mut all_done => break offered?,
            () = &mut interrupt, if !asked_to_end => (interrupted, asked_to_end) = (true, true),
            () = tokio::time::sleep_until(bound), if !asked_to_end => asked_to_end = true,
            _ = every_second.tick() => watch(&shared.progress()),
        }
        if asked_to_end {
            shared.over.store(true, Ordering::Relaxed);
            shared.stop.send_replace(true);
        }
    };
    drop(ending);
    let mut figures = std::mem::take(&mut *shared.figures());
    figures.offered = offered;
    figures.elapsed = shared.begun.elapsed();
    figures.interrupted = interrupted;
    Ok(figures)
}

/// A client that keeps every connection, and follows nothing the contract doesn't know.
fn client(patience: Duration) -> Result<reqwest::Client, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(patience)
        .redirect(reqwest::redirect::Policy::none());
    client
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))
}

/// Begins every journey when it is due; how many were offered by the end.
fn arrivals(shared: &Arc<Shared>, handle: &Handle) -> u64 {
    let plan = &shared.plan;
    let schedule = plan
        .shape
        .over(plan.length)
        .instants(plan.spacing, plan.seed);
    let mut rng = StdRng::seed_from_u64(plan.seed.wrapping_add(1));
    let mut offered = 0;
    for due in schedule.take(usize::try_from(plan.at_most).unwrap_or(usize::MAX)) {
        // Drawn before anything is asked, so that the seed alone decides who does what.
        let (journey, seed) = (plan.mix.pick(&mut rng).clone(), rng.random());
        let on_time = sleep_until(shared, due);
        if !on_time && shared.begun.elapsed() < due {
            break;
        }
        offered += 1;
        if !on_time {
            continue;
        }
        let Some(place) = place(shared, handle) else {
            continue;
        };
        shared.started.fetch_add(1, Ordering::Relaxed);
        handle.spawn(go(
            Arc::clone(shared),
            journey,
            StdRng::seed_from_u64(seed),
            due,
            place,
        ));
    }
    offered
}

/// Sleeps until an instant of the run; false when the run is over.
fn sleep_until(shared: &Shared, due: Duration) -> bool {
    loop {
        if shared.over.load(Ordering::Relaxed) {
            return false;
        }
        match due.checked_sub(shared.begun.elapsed()) {
            None | Some(Duration::ZERO) => return true,
            Some(left) => thread::sleep(left.min(Duration::from_millis(50))),
        }
    }
}

/// A place for one more journey; `None` when there is none until the run is over.
fn place(shared: &Arc<Shared>, handle: &Handle) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() {
        return Some(place);
    }
    shared.figures().held_back += 1;
    let mut stop = shared.stop.subscribe();
    let place = handle.block_on(async {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            place = Arc::clone(&shared.places).acquire_owned() => place.ok(),
        }
    });
    // When the run is over, those under way give up their places, which may be heard of before the end itself is;
    // nobody begins in one of them.
    place.filter(|_| !*shared.stop.borrow())
}

/// A journey from its arrival to its end.
async fn go(
    shared: Arc<Shared>,
    journey: Journey,
    mut rng: StdRng,
    due: Duration,
    place: OwnedSemaphorePermit,
) {
    shared.figures().arrived(due);
    let plan = &shared.plan;
    let shopper_rng = StdRng::seed_from_u64(rng.random());
    let mut shopper = Shopper::new(
        &shared.client,
        &shared.url,
        &shared.catalogue,
        &plan.payment,
        shopper_rng,
    );
    let mut stop = shared.stop.subscribe();
    let (mut waited, mut end) = (Duration::ZERO, End::Completed);
    let mut due = shared.begun + due;
    'journey: for (number, step) in journey.steps.iter().enumerate() {
        if number > 0 {
            let until = Instant::now() + think(&plan.thinks, *step, &mut rng);
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                _ = stop.wait_for(|stop| *stop) => { end = End::Unfinished; break }
            }
            shared.figures().late_micros.record(until.elapsed());
            due = Instant::now();
        } else {
            shared.figures().late_micros.record(due.elapsed());
        }
        let opens = shopper.needs_cart(*step).then_some(Step::OpenCart);
        for step in opens.into_iter().chain([*step]) {
            let (arrived, result) = tokio::select! {
                taken = shopper.take(step) => taken,
                _ = stop.wait_for(|stop| *stop) => (Instant::now(), Err(Failure::unfinished())),
            };
            let took = arrived.saturating_duration_since(due);
            waited += took;
            shared
                .figures()
                .asked(step, due - shared.begun, took, result.as_ref().copied());
            if let Err(failure) = &result {
                end = if failure.kind == crate::answer::Kind::Unfinished {
                    End::Unfinished
                } else {
                    End::Failed
                };
                break 'journey;
            }
            due = Instant::now();
        }
    }
    shared.figures().ended(&journey.name, end, waited);
    drop(place);
}
