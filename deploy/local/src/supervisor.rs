//! Services as child processes: started, watched, restarted after a crash with growing pauses, and
//! stopped, killed or started again on demand. Each holds a pipe as its standard input and ends when
//! that closes, so no service outlives the launcher, however the launcher ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};

use crate::logs::LogSource;
use crate::ports::Reserved;
use crate::sync::lock;

/// First pause before a crashed service starts again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A service that ran this long starts again at the first pause.
const HEALTHY: Duration = Duration::from_secs(10);
/// How long a service may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How long a started service may take to become ready.
pub(crate) const READY: Duration = Duration::from_mins(1);
/// Pause between two looks at a starting service.
const LOOK: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug)]
pub(crate) struct ProcessSpec {
    /// `microservices` or `serverless`.
    pub(crate) architecture: &'static str,
    /// Name of the process: the service's, and a number of a further replica.
    pub(crate) name: String,
    /// The binary.
    pub(crate) program: PathBuf,
    /// Its environment, beside the launcher's.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where it listens.
    pub(crate) port: u16,
    /// Where it tells how those are that it calls, if it does.
    pub(crate) admin_port: Option<u16>,
    /// Whether others are asked while it stops, so that it has to be given time to tell them.
    pub(crate) is_replica: bool,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Its process runs, but isn't ready.
    Starting,
    /// Ready.
    Running,
    /// Down because somebody asked for that.
    Stopped,
    /// Down by itself; it will be started again.
    Crashed,
}

/// A process in `status`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProcessStatus {
    pub(crate) architecture: &'static str,
    pub(crate) name: String,
    pub(crate) pid: Option<u32>,
    pub(crate) port: u16,
    pub(crate) admin_port: Option<u16>,
    pub(crate) state: Phase,
    pub(crate) restarts: u32,
}

/// What can be asked of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// End in an orderly way and stay down.
    Stop,
    /// Die at once and stay down.
    Kill,
    /// Die at once, and be started again as after any crash.
    Crash,
    /// Run.
    Start,
}

/// A supervised process.
#[derive(Debug)]
pub(crate) struct Process {
    spec: ProcessSpec,
    _ports: Vec<Reserved>,
    /// Its log.
    pub(crate) log: Arc<LogSource>,
    status: Mutex<(Option<u32>, u32)>,
    phase: watch::Sender<Phase>,
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
}

/// The orders a process's task works through.
type Orders = mpsc::Receiver<(Order, oneshot::Sender<()>)>;

impl Process {
    /// Starts the process and its supervision. The ports stay its own while it is down, too.
    pub(crate) fn start(spec: ProcessSpec, ports: Vec<Reserved>, log: Arc<LogSource>) -> Arc<Self> {
        let (orders, receiver) = mpsc::channel(8);
        let process = Arc::new(Self {
            spec,
            _ports: ports,
            log,
            status: Mutex::new((None, 0)),
            phase: watch::Sender::new(Phase::Starting),
            orders,
        });
        tokio::spawn(Arc::clone(&process).supervise(receiver));
        process
    }

    /// Name of the architecture.
    pub(crate) fn architecture(&self) -> &'static str {
        self.spec.architecture
    }

    /// Name of the process.
    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// What `status` says.
    pub(crate) fn status(&self) -> ProcessStatus {
        let (pid, restarts) = *lock(&self.status);
        ProcessStatus {
            architecture: self.spec.architecture,
            name: self.spec.name.clone(),
            pid,
            port: self.spec.port,
            admin_port: self.spec.admin_port,
            state: *self.phase.borrow(),
            restarts,
        }
    }

    /// Gives an order and waits until it is carried out; starting includes becoming ready.
    pub(crate) async fn order(&self, order: Order) -> Result<(), String> {
        let (done, waiting) = oneshot::channel();
        let gone = || format!("{} is no longer supervised", self.spec.name);
        self.orders.send((order, done)).await.map_err(|_| gone())?;
        waiting.await.map_err(|_| gone())?;
        if order == Order::Start {
            self.ready().await
        } else {
            Ok(())
        }
    }

    /// Waits until the process is ready. A crash before that is an error.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        let mut phases = self.phase.subscribe();
        let settled = phases.wait_for(|phase| *phase != Phase::Starting);
        let name = format!("{}/{}", self.spec.architecture, self.spec.name);
        match tokio::time::timeout(READY, settled).await {
            Ok(Ok(phase)) if *phase == Phase::Running => Ok(()),
            Ok(_) => Err(format!(
                "{name} ended while starting; its log ends with\n{}",
                self.log.tail(20)
            )),
            Err(_) => Err(format!(
                "{name} is not ready; its log ends with\n{}",
                self.log.tail(20)
            )),
        }
    }

    async fn supervise(self: Arc<Self>, mut orders: Orders) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let stays_down = match self.spawn() {
                Ok((child, stdin)) => self.attend(child, stdin, &mut orders).await,
                Err(error) => {
                    self.log.note(&format!(
                        "can't start {}: {error}",
                        self.spec.program.display()
                    ));
                    false
                }
            };
            lock(&self.status).0 = None;
            if stays_down {
                self.phase.send_replace(Phase::Stopped);
                if !self.wait_for_start(&mut orders).await {
                    return;
                }
                pause = FIRST_PAUSE;
            } else {
                self.phase.send_replace(Phase::Crashed);
                if began.elapsed() > HEALTHY {
                    pause = FIRST_PAUSE;
                }
                if !self.rest(pause, &mut orders).await {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            self.phase.send_replace(Phase::Starting);
        }
    }

    fn spawn(&self) -> std::io::Result<(Child, Option<ChildStdin>)> {
        let mut child = Command::new(&self.spec.program)
            .envs(&self.spec.environment)
            .env("EXIT_WITH_STDIN", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal is the launcher's to act on, in its own order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        lock(&self.status).0 = child.id();
        if let Some(stdout) = child.stdout.take() {
            self.log.follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            self.log.follow(stderr);
        }
        // Taken, because waiting for a child closes the standard input it still has.
        let stdin = child.stdin.take();
        Ok((child, stdin))
    }

    /// Watches a running process until it is down. Whether it stays down.
    async fn attend(
        &self,
        mut child: Child,
        mut stdin: Option<ChildStdin>,
        orders: &mut Orders,
    ) -> bool {
        let ready = self.becomes_ready();
        tokio::pin!(ready);
        let mut is_ready = false;
        let stays_down = loop {
            tokio::select! {
                status = child.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    self.log.note(&format!("ended by itself: {status}"));
                    lock(&self.status).1 += 1;
                    break false;
                }
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    self.phase.send_replace(Phase::Running);
                }
                order = orders.recv() => match order {
                    Some((Order::Start, done)) => {
                        let _ = done.send(());
                    }
                    Some((order, done)) => {
                        let ending = self.ending(order);
                        end(&mut child, stdin.take(), ending).await;
                        lock(&self.status).0 = None;
                        let crash = order == Order::Crash;
                        self.phase.send_replace(if crash { Phase::Crashed } else { Phase::Stopped });
                        lock(&self.status).1 += u32::from(crash);
                        let _ = done.send(());
                        break !crash;
                    }
                    None => {
                        end(&mut child, stdin.take(), Ending::Orderly).await;
                        break true;
                    }
                },
            }
        };
        drop(stdin);
        stays_down
    }

    fn ending(&self, order: Order) -> Ending {
        match order {
            Order::Stop if self.spec.is_replica => Ending::Gentle,
            Order::Stop => Ending::Orderly,
            Order::Kill | Order::Crash | Order::Start => Ending::Sudden,
        }
    }

    /// Asks the process until it says it is ready.
    async fn becomes_ready(&self) {
        while !crate::probe::is_ready(self.spec.port).await {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits before a restart, unless somebody wants something else. False: supervision is over.
    async fn rest(&self, pause: Duration, orders: &mut Orders) -> bool {
        let wake = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(wake) => return true,
                order = orders.recv() => match order {
                    Some((Order::Crash, done)) => {
                        let _ = done.send(());
                    }
                    Some((Order::Start, done)) => {
                        self.phase.send_replace(Phase::Starting);
                        let _ = done.send(());
                        return true;
                    }
                    Some((Order::Stop | Order::Kill, done)) => {
                        self.phase.send_replace(Phase::Stopped);
                        let _ = done.send(());
                        return self.wait_for_start(orders).await;
                    }
                    None => return false,
                },
            }
        }
    }

    /// Waits until a stopped process is to run again. False: supervision is over.
    async fn wait_for_start(&self, orders: &mut Orders) -> bool {
        while let Some((order, done)) = orders.recv().await {
            if order == Order::Start {
                self.phase.send_replace(Phase::Starting);
            }
            let _ = done.send(());
            if order == Order::Start {
                return true;
            }
        }
        false
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// In the time it takes for those who ask it to learn of it.
    Gentle,
    /// With what is under way done.
    Orderly,
    /// At once.
    Sudden,
}

/// Ends a process: asked first unless it is to end at once, then killed.
async fn end(child: &mut Child, stdin: Option<ChildStdin>, ending: Ending) {
    if ending != Ending::Sudden {
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        // The end of its standard input tells a service not to wait for anybody.
        let _held = stdin.filter(|_| ending == Ending::Gentle);
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
    let _ = child.start_kill();
    let _ = child.wait().await;
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
