//! A service as its callers see it, and a call to it.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::{
    Deadline, Discovery, Endpoint, EndpointState, UpstreamState, breaker::Breaker, budget::Budget,
    call::Call, chance::Chance, discovery::REFRESH, outlier::Standing,
};

/// What holds for the calls of an upstream.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Calls under way at most; more are refused.
    pub in_flight: usize,
    /// Attempts a call has at most.
    pub attempts: usize,
    /// How long an attempt may take when it can be made elsewhere instead.
    pub patience: Duration,
    /// After how long a call that may be made twice counts as failed while it is still waited for. Calls that may not, such
    /// as a checkout's, can have good reasons to take long.
    pub suspicion: Duration,
    /// The longest pause before an attempt at the endpoint that failed it just now.
    pub pause: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            in_flight: 512,
            attempts: 3,
            patience: Duration::from_millis(500),
            suspicion: Duration::from_secs(3),
            pause: Duration::from_millis(50),
        }
    }
}

/// Whether a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeat {
    /// Never: it can't be sent twice.
    Never,
    /// Only when nothing was done: done twice it would be done two times.
    Unsent,
    /// Done twice is as good as done once. Still not while the first may be under way: it could come last.
    Idempotent,
    /// It changes nothing.
    Safe,
}

/// One try of a call.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Whom to ask.
    pub endpoint: Arc<Endpoint>,
    /// Until when an answer is of use.
    pub deadline: Deadline,
}

/// What became of a try.
#[derive(Debug)]
pub enum Outcome<T, E> {
    /// An answer.
    Answered(T),
    /// An answer that tells of a fault of the endpoint's own (500, 502).
    Faulty(T),
    /// An answer that says nothing was done (an overloaded or stopping service).
    Untouched(T),
    /// No connection: nothing was asked.
    Refused(E),
    /// No answer: the connection broke.
    Unreachable(E),
    /// No answer, and it was the caller's fault.
    OwnFault(E),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// The breaker is open; after so long a call may go through.
    #[error("the circuit breaker is open")]
    Open(Duration),
    /// Too many calls are under way.
    #[error("too many calls are under way")]
    Shed,
    /// No endpoint is known.
    #[error("there is no endpoint")]
    Nowhere,
    /// There is no time left.
    #[error("out of time")]
    Late,
    /// The last attempt failed.
    #[error("no answer")]
    Failed(#[source] E),
}

/// A service: its endpoints and their state.
#[derive(Debug)]
pub struct Upstream {
    name: String,
    discovery: Discovery,
    pub(crate) policy: Policy,
    endpoints: RwLock<Arc<[Arc<Endpoint>]>>,
    /// When the endpoints were asked for last, and whether they are being asked for.
    looked: Mutex<Option<Instant>>,
    looking: AtomicBool,
    control: Mutex<Control>,
    pub(crate) counts: Counts,
}

/// What calls share and change.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) breaker: Breaker,
    pub(crate) budget: Budget,
    pub(crate) chance: Chance,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    in_flight: AtomicUsize,
    calls: AtomicU64,
    pub(crate) retries: AtomicU64,
    shed: AtomicU64,
    refused: AtomicU64,
    opened: AtomicU64,
    pub(crate) late: AtomicU64,
}

/// A call under way.
struct Permit<'a>(&'a AtomicUsize);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Upstream {
    /// The service `name` with the endpoints `discovery` finds. The `seed` is of the balancing's chance.
    pub fn new(name: &str, discovery: Discovery, policy: Policy, seed: u64) -> Self {
        let now = Instant::now();
        let fixed = discovery.fixed().unwrap_or_default().iter().cloned();
        let fixed = fixed.map(|authority| Arc::new(Endpoint::new(authority)));
        Self {
            name: name.to_owned(),
            endpoints: RwLock::new(fixed.collect()),
            discovery,
            policy,
            looked: Mutex::default(),
            looking: AtomicBool::default(),
            control: Mutex::new(Control {
                breaker: Breaker::new(now),
                budget: Budget::new(now),
                chance: Chance::new(seed),
            }),
            counts: Counts::default(),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its endpoints are found.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// How it is.
    pub fn state(&self) -> UpstreamState {
        let now = Instant::now();
        let (counts, control) = (&self.counts, self.control());
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let known = self.known();
        let endpoints = known.iter().map(|endpoint| EndpointState {
            address: endpoint.authority().to_owned(),
            ejected: endpoint.health().standing(true, now) != Standing::In,
            in_flight: endpoint.in_flight.load(Ordering::Relaxed),
            requests: of(&endpoint.requests),
            failures: of(&endpoint.failures),
            ejections: of(&endpoint.ejections),
        });
        UpstreamState {
            name: self.name.clone(),
            breaker: control.breaker.state(now),
            in_flight: counts.in_flight.load(Ordering::Relaxed),
            retry_budget: control.budget.left(),
            calls: of(&counts.calls),
            retries: of(&counts.retries),
            shed: of(&counts.shed),
            refused: of(&counts.refused),
            opened: of(&counts.opened),
            late: of(&counts.late),
            endpoints: endpoints.collect(),
        }
    }

    /// Makes a call: once, or as often as `repeat`, the policy, the budget and the deadline allow.
    pub async fn call<T, E, A, F>(
        self: &Arc<Self>,
        repeat: Repeat,
        deadline: Deadline,
        attempt: A,
    ) -> Result<T, CallError<E>>
    where
        A: FnMut(Attempt) -> F,
        F: Future<Output = Outcome<T, E>>,
    {
        let _permit = self.admit()?;
        let endpoints = self.endpoints(deadline).await;
        Call::new(self, endpoints, repeat, deadline)
            .run(attempt)
            .await
    }

    fn admit<E>(&self) -> Result<Permit<'_>, CallError<E>> {
        let counts = &self.counts;
        count(&counts.calls);
        let under_way = counts.in_flight.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(&counts.in_flight);
        if under_way >= self.policy.in_flight {
            count(&counts.shed);
            return Err(CallError::Shed);
        }
        let mut control = self.control();
        if let Err(wait) = control.breaker.admit(Instant::now()) {
            count(&counts.refused);
            return Err(CallError::Open(wait));
        }
        control.budget.deposit();
        Ok(permit)
    }

    /// The endpoints, asked for when that is due: by one call in passing, or by all while there is none.
    async fn endpoints(self: &Arc<Self>, deadline: Deadline) -> Arc<[Arc<Endpoint>]> {
        let known = self.known();
        if self.discovery.fixed().is_some() || !self.due() {
            return known;
        }
        if known.is_empty() {
            let _ = timeout_at(deadline.instant(), Box::pin(self.look())).await;
            return self.known();
        }
        if !self.looking.swap(true, Ordering::AcqRel) {
            let upstream = self.clone();
            tokio::spawn(async move {
                upstream.look().await;
                upstream.looking.store(false, Ordering::Release);
            });
        }
        known
    }

    fn due(&self) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.is_none_or(|looked| looked.elapsed() >= REFRESH)
    }

    /// Asks where the endpoints are; those that are still there keep their state. No answer changes nothing.
    async fn look(&self) {
        match self.discovery.resolve().await {
            Ok(found) if !found.is_empty() => self.adopt(found),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, upstream = self.name, "a name has no address"),
        }
        let now = self.known().first().map(|_| Instant::now());
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn adopt(&self, found: Vec<String>) {
        let known = self.known();
        let adopted = found.into_iter().map(|authority| {
            let before = known.iter().find(|one| one.authority() == authority);
            before
                .cloned()
                .unwrap_or_else(|| Arc::new(Endpoint::new(authority)))
        });
        let adopted = adopted.collect();
        *self
            .endpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner) = adopted;
    }

    fn known(&self) -> Arc<[Arc<Endpoint>]> {
        self.endpoints
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records how an attempt ended; an endpoint that fails again and again goes, unless it is the last.
    pub(crate) fn record(&self, endpoint: &Endpoint, endpoints: &[Arc<Endpoint>], success: bool) {
        let now = Instant::now();
        if self.control().breaker.record(success, now) {
            count(&self.counts.opened);
            tracing::warn!(upstream = self.name, "the circuit breaker opens");
        }
        if success {
            endpoint.health().succeeded();
            return;
        }
        count(&endpoint.failures);
        let goes = endpoint.health().failed(now);
        let others_stay = endpoints
            .iter()
            .filter(|other| other.authority() != endpoint.authority())
            .any(|other| other.health().standing(true, now) == Standing::In);
        if goes && others_stay {
            endpoint.health().eject(now);
            count(&endpoint.ejections);
            let (upstream, endpoint) = (&self.name, endpoint.authority());
            tracing::warn!(upstream, endpoint, "an endpoint fails, and is left out");
        }
    }
}
