//! A call under way: whom it asks, how long, and whether it asks again.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{
    Attempt, CallError, Deadline, Endpoint, Outcome, Repeat, Upstream,
    balance::{self, Tried},
    upstream::count,
};

/// A call and what it went through so far.
pub(crate) struct Call<'a> {
    upstream: &'a Upstream,
    endpoints: Arc<[Arc<Endpoint>]>,
    repeat: Repeat,
    deadline: Deadline,
    tried: Vec<Tried>,
    attempts: usize,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        upstream: &'a Upstream,
        endpoints: Arc<[Arc<Endpoint>]>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Self {
        Self {
            upstream,
            endpoints,
            repeat,
            deadline,
            tried: Vec::new(),
            attempts: 0,
        }
    }

    /// Asks until there is an answer or no sense in asking again.
    pub(crate) async fn run<T, E, A, F>(mut self, mut attempt: A) -> Result<T, CallError<E>>
    where
        A: FnMut(Attempt) -> F,
        F: Future<Output = Outcome<T, E>>,
    {
        loop {
            let now = Instant::now();
            if self.deadline.is_over(now) {
                count(&self.upstream.counts.late);
                return Err(CallError::Late);
            }
            let endpoint = self.next(now).ok_or(CallError::Nowhere)?;
            // Pinned where it is made: it is large, and whoever takes it as it is copies it.
            let mut work = pin!(attempt(Attempt {
                endpoint: endpoint.clone(),
                deadline: self.deadline,
            }));
            let flight = endpoint.enter();
            let outcome = self.wait(work.as_mut(), &endpoint, now).await;
            drop(flight);
            let Some(outcome) = outcome? else {
                continue;
            };
            if let Outcome::OwnFault(error) = outcome {
                return Err(CallError::Failed(error));
            }
            let success = matches!(outcome, Outcome::Answered(_) | Outcome::Untouched(_));
            self.upstream.record(&endpoint, &self.endpoints, success);
            if matches!(outcome, Outcome::Refused(_))
                && let Some(tried) = self.before(&endpoint)
            {
                tried.refused = true;
            }
            if !self.asks_again(&outcome) {
                return conclude(outcome);
            }
            sleep(self.pause()).await;
        }
    }

    fn next(&mut self, now: Instant) -> Option<Arc<Endpoint>> {
        let retriable = self.repeat == Repeat::Safe;
        let mut control = self.upstream.control();
        let chance = &mut control.chance;
        let picked = balance::pick(&self.endpoints, &self.tried, retriable, chance, now)?.clone();
        self.attempts += 1;
        if self.endpoints.len() > 1 && self.before(&picked).is_none() {
            let endpoint = picked.clone();
            self.tried.push(Tried {
                endpoint,
                refused: false,
            });
        }
        Some(picked)
    }

    /// What this call knows of an endpoint.
    fn before(&mut self, endpoint: &Arc<Endpoint>) -> Option<&mut Tried> {
        let mut tried = self.tried.iter_mut();
        tried.find(|one| Arc::ptr_eq(&one.endpoint, endpoint))
    }

    /// Waits for an attempt that `began` just now: until the deadline, or no longer than patience lasts when another
    /// endpoint can be asked instead (`None`). What should not take long and does counts as a failure while it is still
    /// waited for: who freezes is found out in seconds, and an answer that does come is a success.
    async fn wait<T, E>(
        &self,
        mut work: Pin<&mut impl Future<Output = Outcome<T, E>>>,
        endpoint: &Endpoint,
        began: Instant,
    ) -> Result<Option<Outcome<T, E>>, CallError<E>> {
        let patience = self.upstream.policy.patience;
        if self.repeat == Repeat::Safe && self.has_other() && patience < self.deadline.remaining() {
            if let Ok(outcome) = timeout(patience, work.as_mut()).await {
                return Ok(Some(outcome));
            }
            if self.attempts_are_left() && self.has_other() && self.spend() {
                self.upstream.record(endpoint, &self.endpoints, false);
                return Ok(None);
            }
        }
        let mut told = false;
        if self.repeat >= Repeat::Idempotent {
            let suspicion = self.upstream.policy.suspicion;
            let until = (began + suspicion).min(self.deadline.instant());
            if let Ok(outcome) = timeout_at(until, work.as_mut()).await {
                return Ok(Some(outcome));
            }
            told = began.elapsed() >= suspicion;
            if told {
                self.upstream.record(endpoint, &self.endpoints, false);
            }
        }
        if let Ok(outcome) = timeout_at(self.deadline.instant(), work).await {
            return Ok(Some(outcome));
        }
        // Who was given less than a moment is not to blame, and nobody is twice.
        if began.elapsed() >= patience && !told {
            self.upstream.record(endpoint, &self.endpoints, false);
        }
        count(&self.upstream.counts.late);
        Err(CallError::Late)
    }

    /// Whether what came of an attempt is a reason, and there is leave, to make another.
    fn asks_again<T, E>(&self, outcome: &Outcome<T, E>) -> bool {
        let sensible = match outcome {
            Outcome::Refused(_) | Outcome::Untouched(_) => self.repeat >= Repeat::Unsent,
            Outcome::Unreachable(_) => self.repeat >= Repeat::Idempotent,
            Outcome::Faulty(_) => self.repeat == Repeat::Safe && self.has_other(),
            Outcome::Answered(_) | Outcome::OwnFault(_) => false,
        };
        sensible && self.attempts_are_left() && self.spend()
    }

    fn has_other(&self) -> bool {
        self.endpoints.len() > 1 && balance::has_other(&self.endpoints, &self.tried, Instant::now())
    }

    /// A second chance there is always, a third only with somebody else to give it.
    fn attempts_are_left(&self) -> bool {
        self.attempts
            < self
                .upstream
                .policy
                .attempts
                .min(self.endpoints.len().max(2))
    }

    fn spend(&self) -> bool {
        let granted = self.upstream.control().budget.withdraw(Instant::now());
        if granted {
            count(&self.upstream.counts.retries);
        }
        granted
    }

    /// No time is lost on the way to another endpoint; the same one gets some, by chance, so that not all come back
    /// at once.
    fn pause(&self) -> Duration {
        if self.has_other() {
            return Duration::ZERO;
        }
        let most = usize::try_from(self.upstream.policy.pause.as_millis()).unwrap_or_default();
        let share = self.upstream.control().chance.below(most + 1);
        Duration::from_millis(share as u64)
    }
}

fn conclude<T, E>(outcome: Outcome<T, E>) -> Result<T, CallError<E>> {
    match outcome {
        Outcome::Answered(answer) | Outcome::Faulty(answer) | Outcome::Untouched(answer) => {
            Ok(answer)
        }
        Outcome::Refused(error) | Outcome::Unreachable(error) | Outcome::OwnFault(error) => {
            Err(CallError::Failed(error))
        }
    }
}
