//! The instances of one function: started on demand, one invocation each at a time, a waiting
//! invocation taking whichever becomes free first.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use super::instance::{Instance, RETURN};
use super::invocation::{Concurrency, Failure, Invocation, Outcome, PAYLOAD_LIMIT, Slot};
use super::report::{Counters, Totals};
use super::template::model::FunctionSpec;
use crate::logs::LogSource;
use crate::reaper::Reaper;
use crate::sync::lock;

/// How long an instance may take to ask for its first event ("Lambda execution environment").
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits and surroundings all functions share.
#[derive(Debug)]
pub(crate) struct HostSettings {
    /// Folder of the binaries.
    pub(crate) binaries: PathBuf,
    /// Variables every instance gets beside its function's own.
    pub(crate) environment: BTreeMap<String, String>,
    /// Most invocations in flight over all functions.
    pub(crate) account: Arc<Concurrency>,
    /// Most instances of one function. Not a limit of Lambda: a laptop has few cores, so further
    /// invocations wait for an instance instead of crowding the machine.
    pub(crate) instances_per_function: usize,
    /// Instances that may initialise at once, for the same reason.
    pub(crate) starts: Arc<Semaphore>,
    /// Ends instances if the launcher can't.
    pub(crate) reaper: Option<Reaper>,
    /// How long an instance may idle before it is reaped.
    pub(crate) idle: Duration,
}

/// One function and its instances.
#[derive(Debug)]
pub(crate) struct Pool {
    /// What the template says.
    pub(crate) spec: FunctionSpec,
    /// Limits shared with the other functions.
    pub(crate) settings: Arc<HostSettings>,
    /// The function's log.
    pub(crate) log: Arc<LogSource>,
    /// Totals for `status`.
    pub(crate) counters: Counters,
    concurrency: Arc<Concurrency>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Invocation>,
    /// Instances asking for an event, the last to ask on top: the rest can be reaped.
    idle: Vec<(u64, oneshot::Sender<Invocation>)>,
    instances: BTreeMap<u64, Arc<Instance>>,
    /// Starts under way, including those whose process is not there yet.
    starting: usize,
    next_id: u64,
    closed: bool,
}

impl Pool {
    /// A pool without instances.
    pub(crate) fn new(
        spec: FunctionSpec,
        settings: Arc<HostSettings>,
        log: Arc<LogSource>,
    ) -> Arc<Self> {
        let concurrency = Concurrency::new(spec.reserved_concurrency.unwrap_or(usize::MAX));
        Arc::new(Self {
            spec,
            settings,
            log,
            counters: Counters::default(),
            concurrency,
            state: Mutex::default(),
        })
    }

    /// Invokes the function and waits for the outcome.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Outcome {
        let trace_id = super::ids::trace_id();
        self.invoke_traced(payload, super::ids::uuid(), trace_id)
            .await
    }

    /// Invokes the function with the caller's request id and trace header.
    pub(crate) async fn invoke_traced(
        self: &Arc<Self>,
        payload: Bytes,
        request_id: String,
        trace_id: String,
    ) -> Outcome {
        if payload.len() > PAYLOAD_LIMIT {
            return Err(Failure::Function("the event is over 6 MB".to_owned()));
        }
        let Some(slot) = Slot::take(&self.concurrency, &self.settings.account) else {
            self.counters.throttled();
            return Err(Failure::Throttled);
        };
        let (reply, outcome) = oneshot::channel();
        self.submit(Invocation {
            request_id,
            trace_id,
            payload,
            reply,
            slot,
        });
        outcome
            .await
            .unwrap_or_else(|_| Err(Failure::Function("the instance was stopped".to_owned())))
    }

    fn submit(self: &Arc<Self>, mut invocation: Invocation) {
        let mut state = lock(&self.state);
        if state.closed {
            return;
        }
        while let Some((_, instance)) = state.idle.pop() {
            match instance.send(invocation) {
                Ok(()) => return,
                Err(returned) => invocation = returned,
            }
        }
        state.waiting.push_back(invocation);
        self.start_what_is_needed(&mut state);
    }

    /// Starts an instance for each waiting invocation that has none coming, within the limit.
    fn start_what_is_needed(self: &Arc<Self>, state: &mut State) {
        if state.waiting.is_empty() {
            return;
        }
        let count = |holds: fn(&Instance) -> bool| {
            let instances = state.instances.values();
            instances.filter(|instance| holds(instance)).count()
        };
        let ready = count(Instance::is_initialised);
        let returning = count(Instance::is_returning);
        if returning > 0 {
            self.look_again_after(RETURN);
        }
        while !state.closed
            && state.starting + returning < state.waiting.len()
            && ready + state.starting < self.most_instances()
        {
            state.starting += 1;
            let pool = Arc::clone(self);
            tokio::spawn(async move { pool.start().await });
        }
    }

    /// More instances than its concurrency a function never has.
    fn most_instances(&self) -> usize {
        let reserved = self.spec.reserved_concurrency.unwrap_or(usize::MAX);
        self.settings.instances_per_function.min(reserved)
    }

    /// Looks once more, in case an instance that was about to be free did not come.
    fn look_again_after(self: &Arc<Self>, pause: Duration) {
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            pool.start_what_is_needed(&mut lock(&pool.state));
        });
    }

    async fn start(self: Arc<Self>) {
        let permit = Arc::clone(&self.settings.starts).acquire_owned().await;
        let id = {
            let mut state = lock(&self.state);
            // Others may have become free meanwhile.
            if state.waiting.is_empty() || state.closed {
                state.starting -= 1;
                return;
            }
            state.next_id += 1;
            state.next_id
        };
        let started = match Instance::launch(Arc::clone(&self), id).await {
            Ok((instance, ready)) => admitted(&instance, ready).await,
            Err(error) => Err(error.to_string()),
        };
        drop(permit);
        let mut state = lock(&self.state);
        state.starting -= 1;
        if let Err(reason) = started {
            self.log
                .note(&format!("could not start an instance: {reason}"));
            // The error goes to one invocation, as on Lambda, so that a function that can't start
            // fails its callers instead of leaving them waiting.
            if let Some(invocation) = state.waiting.pop_front() {
                self.counters.failed_to_start();
                let _ = invocation.reply.send(Err(Failure::Function(reason)));
            }
        }
        self.start_what_is_needed(&mut state);
    }

    /// Counts an instance whose process was just started, before anything can happen to it.
    pub(super) fn register(&self, id: u64, instance: Arc<Instance>) {
        let mut state = lock(&self.state);
        if state.closed {
            instance.kill();
        }
        state.instances.insert(id, instance);
    }

    /// Gives an instance that asks its next invocation; `None` when it should go away.
    pub(super) async fn next_for(&self, id: u64) -> Option<Invocation> {
        let mut given = {
            let mut state = lock(&self.state);
            let doomed = state
                .instances
                .get(&id)
                .is_none_or(|instance| instance.is_doomed());
            if state.closed || doomed {
                return None;
            }
            while let Some(invocation) = state.waiting.pop_front() {
                // A caller that gave up while waiting is not served.
                if !invocation.reply.is_closed() {
                    return Some(invocation);
                }
            }
            let (sender, receiver) = oneshot::channel();
            state.idle.push((id, sender));
            receiver
        };
        if let Ok(invocation) = tokio::time::timeout(self.settings.idle, &mut given).await {
            return invocation.ok();
        }
        lock(&self.state).idle.retain(|(idle, _)| *idle != id);
        // It may have been given away just before.
        given.try_recv().ok()
    }

    /// An instance's process is gone.
    pub(super) fn gone(self: &Arc<Self>, id: u64) {
        let mut state = lock(&self.state);
        state.instances.remove(&id);
        state.idle.retain(|(idle, _)| *idle != id);
        self.start_what_is_needed(&mut state);
    }

    /// Process ids of the instances.
    pub(crate) fn pids(&self) -> Vec<u32> {
        lock(&self.state)
            .instances
            .values()
            .map(|instance| instance.pid())
            .collect()
    }

    /// Totals for `status`.
    pub(crate) fn totals(&self) -> Totals {
        self.counters.totals()
    }

    /// Kills every instance there is, in the middle of a request too, and waits until they are
    /// gone. How many there were. None of them gets another invocation from here on.
    pub(crate) async fn kill_instances(&self) -> usize {
        let killed: Vec<u64> = {
            let mut state = lock(&self.state);
            state.idle.clear();
            state
                .instances
                .values()
                .for_each(|instance| instance.kill());
            state.instances.keys().copied().collect()
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && self.has_any(&killed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        killed.len()
    }

    fn has_any(&self, ids: &[u64]) -> bool {
        let state = lock(&self.state);
        ids.iter().any(|id| state.instances.contains_key(id))
    }

    /// Stops for good: waiting invocations fail, instances are killed and awaited.
    pub(crate) async fn close(&self) {
        {
            let mut state = lock(&self.state);
            state.closed = true;
            state.waiting.clear();
        }
        self.kill_instances().await;
    }
}

/// Waits for a launched instance to ask for its first event.
pub(super) async fn admitted(
    instance: &Instance,
    ready: oneshot::Receiver<Result<(), String>>,
) -> Result<(), String> {
    let outcome = match tokio::time::timeout(INIT_TIMEOUT, ready).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err("the process exited before asking for an event".to_owned()),
        Err(_) => Err("initialisation took over 10 s".to_owned()),
    };
    if outcome.is_err() {
        instance.kill();
    }
    outcome
}
