//! One instance of a function: an unmodified binary as a child process, and what it is doing.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};

use super::invocation::{Failure, Invocation, Outcome, Running};
use super::pool::Pool;
use super::report::{Report, peak_memory_mb};
use super::template::{REGION, function_arn};
use super::{ids, runtime_api};
use crate::sync::lock;

/// How long an instance may take from its answer to asking for its next event before new
/// invocations stop waiting for it.
pub(super) const RETURN: Duration = Duration::from_millis(20);

/// A running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    id: u64,
    pid: u32,
    pool: Arc<Pool>,
    launched: Instant,
    /// Time from launch to the first request for an event.
    init: OnceLock<Duration>,
    /// Tells the starter that the instance is ready, or why it never will be.
    ready: Mutex<Option<oneshot::Sender<Result<(), String>>>>,
    running: Mutex<Option<Running>>,
    /// When it answered, until it asks for its next event.
    answered_at: Mutex<Option<Instant>>,
    /// Whether an invocation was answered for already: the first reports the initialisation.
    reported: OnceLock<()>,
    kill: Notify,
    /// Set once it is to die: it gets no further invocation.
    doomed: AtomicBool,
}

impl Instance {
    /// Starts the process and a Runtime API of its own for it. The receiver says when it asks for
    /// its first event.
    pub(super) async fn launch(
        pool: Arc<Pool>,
        id: u64,
    ) -> std::io::Result<(Arc<Self>, oneshot::Receiver<Result<(), String>>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let launched = Instant::now();
        let mut child = command(&pool, id, listener.local_addr()?.port()).spawn()?;
        let pid = child.id().unwrap_or_default();
        if let Some(reaper) = &pool.settings.reaper {
            reaper.watch(pid);
        }
        if let Some(stdout) = child.stdout.take() {
            pool.log.follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            pool.log.follow(stderr);
        }
        let (ready, receiver) = oneshot::channel();
        let instance = Arc::new(Self {
            id,
            pid,
            pool,
            launched,
            init: OnceLock::new(),
            ready: Mutex::new(Some(ready)),
            running: Mutex::new(None),
            answered_at: Mutex::new(None),
            reported: OnceLock::new(),
            kill: Notify::new(),
            doomed: AtomicBool::new(false),
        });
        instance.pool.register(id, Arc::clone(&instance));
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(&instance)));
        tokio::spawn(Arc::clone(&instance).attend(child, server.abort_handle()));
        Ok((instance, receiver))
    }

    /// Waits for the process to end, by itself or by [`Instance::kill`], and cleans up after it.
    async fn attend(self: Arc<Self>, mut child: Child, server: tokio::task::AbortHandle) {
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.kill.notified() => {
                let _ = child.start_kill();
                child.wait().await
            }
        };
        server.abort();
        if let Some(reaper) = &self.pool.settings.reaper {
            reaper.forget(self.pid);
        }
        let reason = match status {
            Ok(status) => format!("Runtime exited: {status}"),
            Err(error) => format!("Runtime exited: {error}"),
        };
        self.pool.gone(self.id);
        self.not_ready(reason.clone());
        if let Some(running) = lock(&self.running).take() {
            self.pool.log.note(&format!(
                "RequestId: {} Error: {reason}",
                running.request_id
            ));
            self.conclude(running, Err(Failure::Function(reason)), Some("error"));
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has asked for an event.
    pub(super) fn is_initialised(&self) -> bool {
        self.init.get().is_some()
    }

    /// How long it took to ask for its first event, once it has.
    pub(super) fn init(&self) -> Option<Duration> {
        self.init.get().copied()
    }

    /// Whether it has just answered and will ask for its next event any moment.
    pub(super) fn is_returning(&self) -> bool {
        lock(&self.answered_at).is_some_and(|at| at.elapsed() < RETURN)
    }

    /// Ends the process at once.
    pub(super) fn kill(&self) {
        self.doomed.store(true, Ordering::Release);
        self.kill.notify_one();
    }

    /// Whether it is to die, or dying.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::Acquire)
    }

    /// Says that initialisation failed, unless it was over already.
    pub(super) fn not_ready(&self, reason: String) {
        if let Some(ready) = lock(&self.ready).take() {
            let _ = ready.send(Err(reason));
        }
    }

    /// The instance asks for an event. `None`: it idled for too long or the host is closing.
    pub(super) async fn next(self: &Arc<Self>) -> Option<Dispatched> {
        if let Some(ready) = lock(&self.ready).take() {
            let init = self.launched.elapsed();
            let _ = self.init.set(init);
            self.pool.counters.initialised(init);
            let _ = ready.send(Ok(()));
        }
        *lock(&self.answered_at) = None;
        if let Some(invocation) = self.pool.next_for(self.id).await {
            return Some(self.dispatch(invocation));
        }
        self.kill();
        None
    }

    fn dispatch(self: &Arc<Self>, invocation: Invocation) -> Dispatched {
        let timeout = self.pool.spec.timeout;
        let instance = Arc::clone(self);
        let watched = invocation.request_id.clone();
        let watchdog = tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            instance.expire(&watched);
        });
        let deadline_ms = ids::now_ms() + u64::try_from(timeout.as_millis()).unwrap_or_default();
        let dispatched = Dispatched {
            request_id: invocation.request_id.clone(),
            trace_id: invocation.trace_id,
            deadline_ms,
            arn: function_arn(&self.pool.spec.name),
            payload: invocation.payload,
        };
        self.pool.log.record(&format!(
            "START RequestId: {} Version: $LATEST",
            invocation.request_id
        ));
        *lock(&self.running) = Some(Running {
            request_id: invocation.request_id,
            started: Instant::now(),
            reply: invocation.reply,
            watchdog: watchdog.abort_handle(),
            slot: invocation.slot,
        });
        dispatched
    }

    fn expire(&self, request_id: &str) {
        let Some(running) = self.take(request_id) else {
            return;
        };
        let seconds = self.pool.spec.timeout.as_secs_f64();
        self.pool.log.note(&format!(
            "RequestId: {request_id} Task timed out after {seconds:.2} seconds"
        ));
        self.conclude(running, Err(Failure::TimedOut), Some("timeout"));
        self.kill();
    }

    fn take(&self, request_id: &str) -> Option<Running> {
        let mut running = lock(&self.running);
        match &*running {
            Some(current) if current.request_id == request_id => running.take(),
            _ => None,
        }
    }

    /// The instance answered. False when that is not what it was asked.
    pub(super) fn answered(&self, request_id: &str, payload: Bytes) -> bool {
        let running = self.take(request_id);
        let known = running.is_some();
        if let Some(running) = running {
            self.conclude(running, Ok(payload), None);
        }
        known
    }

    /// The instance reported an error for an invocation.
    pub(super) fn failed(&self, request_id: &str, error: String) -> bool {
        let running = self.take(request_id);
        let known = running.is_some();
        if let Some(running) = running {
            self.pool
                .log
                .note(&format!("RequestId: {request_id} Error: {error}"));
            self.conclude(running, Err(Failure::Function(error)), Some("error"));
        }
        known
    }

    fn conclude(&self, running: Running, outcome: Outcome, status: Option<&'static str>) {
        running.watchdog.abort();
        *lock(&self.answered_at) = Some(Instant::now());
        let first = self.reported.set(()).is_ok();
        let report = Report {
            request_id: &running.request_id,
            duration: running.started.elapsed(),
            init: self.init.get().copied().filter(|_| first),
            memory_mb: self.pool.spec.memory_mb,
            max_memory_mb: peak_memory_mb(self.pid),
            status,
        };
        self.pool.counters.ended(&report);
        self.pool
            .log
            .record(&format!("END RequestId: {}", running.request_id));
        self.pool.log.record(&report.line());
        drop(running.slot);
        let _ = running.reply.send(outcome);
    }
}

/// What the Runtime API hands an instance.
pub(super) struct Dispatched {
    pub(super) request_id: String,
    pub(super) trace_id: String,
    pub(super) deadline_ms: u64,
    pub(super) arn: String,
    pub(super) payload: Bytes,
}

/// What an instance has of the launcher's own environment: where things are, and how its allocator gives memory back, as many
/// instances share what in Lambda each has for itself.
const OF_THE_HOST: [&str; 6] = [
    "PATH",
    "TMPDIR",
    "RUST_BACKTRACE",
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
];

/// The process as Lambda would start it: hardly anything of the launcher's own environment.
fn command(pool: &Pool, id: u64, port: u16) -> Command {
    let spec = &pool.spec;
    let program = pool.settings.binaries.join(&spec.binary);
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(
            OF_THE_HOST
                .iter()
                .filter_map(|name| std::env::var_os(name).map(|value| (name.to_owned(), value))),
        )
        .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
        .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            spec.memory_mb.to_string(),
        )
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", spec.name),
        )
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{id}"))
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("LAMBDA_TASK_ROOT", &pool.settings.binaries)
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .envs(&spec.environment)
        .envs(&pool.settings.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal is the launcher's to act on.
        .process_group(0)
        .kill_on_drop(true);
    command
}
