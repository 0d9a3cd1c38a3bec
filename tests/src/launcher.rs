//! Starting the shops under test and ending them.
//!
//! The launcher is started with a pipe as its stdin and told to end with it. The pipe closes when
//! this process ends, however it ends, so nothing that was started outlives the suite.

use std::{
    env, fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::{control::Control, post_office::PostOffice, shop::Access, shop::Shop, unique};

/// How long a start may take: a loaded machine of two cores, debug binaries, PostgreSQL, seeding.
const START: Duration = Duration::from_mins(2);
/// How long an orderly end may take before it is counted as a failure.
const STOP: Duration = Duration::from_mins(1);

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// `microservices`, `serverless`, `both`, or `hybrid` with `--functions` among the arguments.
    pub architecture: String,
    /// Environment of every service and function.
    pub env: Vec<(String, String)>,
    /// The mail server receipts go to; without, they are in the log.
    pub post_office: Option<PostOffice>,
    /// Whether the shops begin with the seed catalogue.
    pub seeded: bool,
    /// Further arguments of the launcher.
    pub arguments: Vec<String>,
}

impl Options {
    /// The architecture as the suites want it: no rate limit by client address, since every test
    /// comes from the same one.
    pub fn of(architecture: &str) -> Self {
        Self {
            architecture: architecture.to_owned(),
            env: Vec::new(),
            post_office: None,
            seeded: false,
            arguments: Vec::new(),
        }
        .env("RATE_LIMIT_PER_SECOND", "0")
        .env("PANIC_HEADER", "1")
        // Unless a case is about it, nothing ships while a slow machine is still at it.
        .env("SHIP_AFTER_MS", "1200000")
    }

    /// With the seed catalogue.
    #[must_use]
    pub fn seeded(mut self) -> Self {
        self.seeded = true;
        self
    }

    /// With this further argument of the launcher.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With queues that show a message again soon after its function was killed, rather than minutes later.
    #[must_use]
    pub fn impatient_queues(self) -> Self {
        self.argument("--visibility-timeout=15")
    }

    /// With this mail server.
    #[must_use]
    pub fn mail_to(mut self, office: &PostOffice) -> Self {
        self.post_office = Some(office.clone());
        self.env("SMTP_URL", &office.url())
    }

    /// With this variable, the last one said of a name.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running launcher with the shops it started. Dropping it ends them all.
pub struct Launcher {
    folder: Option<TempDir>,
    options: Options,
    database_prefix: String,
    child: Child,
    stdin: Option<ChildStdin>,
    state: Value,
}

impl Launcher {
    /// Starts shops on fresh data and waits until they are ready.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bothways-tests-")
            .tempdir()
            .expect("a folder");
        fs::create_dir(folder.path().join("failpoints")).expect("a folder for failpoints");
        let database_prefix = format!("t_{}", unique::word());
        let (child, stdin) = spawn(folder.path(), &options, &database_prefix);
        let state = Value::Null;
        let mut launcher = Self {
            folder: Some(folder),
            options,
            database_prefix,
            child,
            stdin: Some(stdin),
            state,
        };
        launcher.wait_until_ready();
        launcher
    }

    /// Starts it again on the same data after it ended.
    pub fn restart(&mut self) {
        let (child, stdin) = spawn(self.folder(), &self.options, &self.database_prefix);
        self.child = child;
        self.stdin = Some(stdin);
        self.wait_until_ready();
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new(""), TempDir::path)
    }

    fn wait_until_ready(&mut self) {
        let started = Instant::now();
        let pid = self.child.id();
        loop {
            let state = fs::read(self.folder().join("data/state.json")).unwrap_or_default();
            let state: Value = serde_json::from_slice(&state).unwrap_or_default();
            if state["pid"] == pid {
                self.state = state;
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!(
                    "the launcher ended with {status} instead of starting:\n{}",
                    self.log()
                );
            }
            assert!(
                started.elapsed() < START,
                "the shops are not ready:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The end of what the launcher printed.
    fn log(&self) -> String {
        let text = fs::read(self.folder().join("launcher.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// What a service, or the functions of one kind, wrote to their log.
    pub fn log_of(&self, architecture: &str, name: &str) -> String {
        let path = format!("data/logs/{architecture}-{name}.log");
        fs::read_to_string(self.folder().join(path)).unwrap_or_default()
    }

    /// Runs a command of the launcher on this one's data, such as `dead-letters list`; what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary_folder().join("bothways"));
        command.args(arguments).arg("--data");
        let ran = command.arg(self.folder().join("data")).output();
        let ran = ran.expect("the launcher; is it built?");
        let (out, err) = (
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr),
        );
        assert!(ran.status.success(), "{arguments:?}: {out}{err}");
        out.into_owned()
    }

    /// The launcher's process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid fits")
    }

    /// The shop of one architecture.
    pub fn shop(&self, architecture: &str) -> Shop {
        let shop = &self.state["architectures"][architecture];
        let text = |member: &str| shop[member].as_str().unwrap_or_default().to_owned();
        let said = |member: &str| self.state[member].as_str().unwrap_or_default();
        assert!(
            shop.is_object(),
            "state.json has no {architecture}: {}",
            self.state
        );
        Shop::new(Access {
            architecture: architecture.to_owned(),
            url: text("url"),
            admin_email: text("admin_email"),
            admin_password: text("admin_password"),
            payment: Some((text("payment_url"), text("payment_key"))),
            control: Some(Control::new(said("control"), said("control_token"))),
            failpoints: Some(self.folder().join("failpoints")),
            post_office: self.options.post_office.clone(),
        })
    }

    /// What Ctrl-C in its terminal does.
    pub fn interrupt(&self) {
        let group = Pid::from_raw(self.pid()).expect("a pid is positive");
        kill_process_group(group, Signal::INT).expect("the launcher runs");
    }

    /// Waits for the launcher to have ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.try_wait()
            .unwrap_or_else(|| panic!("the launcher did not end:\n{}", self.log()))
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// Leaves the data and the log where they are, and says where.
    pub fn keep(&mut self) {
        if let Some(folder) = self.folder.as_mut() {
            folder.disable_cleanup(true);
            eprintln!("data and log are kept in {}", folder.path().display());
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        drop(self.stdin.take());
        if self.try_wait().is_none() {
            eprintln!("the launcher did not end with its stdin:\n{}", self.log());
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn spawn(folder: &Path, options: &Options, database_prefix: &str) -> (Child, ChildStdin) {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("launcher.log"));
    let log = log.expect("a log");
    let mut command = Command::new(binary_folder().join("bothways"));
    command
        .args([
            "up",
            &options.architecture,
            "--port",
            "0",
            "--serverless-port",
            "0",
        ])
        .args(["--no-build", "--exit-with-stdin", "--quiet"])
        .args((!options.seeded).then_some("--no-seed"))
        .args(&options.arguments)
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--env")
        .arg(format!(
            "FAILPOINT_DIR={}",
            folder.join("failpoints").display()
        ));
    for (name, value) in &options.env {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    if let Ok(url) = env::var("SHOP_DATABASE_URL") {
        command.args(["--database-url", &url, "--database-prefix", database_prefix]);
    }
    if let Ok(url) = env::var("SHOP_EVENTS_URL") {
        let settings = [
            format!("EVENTS_URL={url}"),
            format!("EVENTS_PREFIX={database_prefix}"),
        ];
        command.args(settings.iter().flat_map(|setting| ["--env", setting]));
    }
    let stderr = log.try_clone().expect("a second handle of the log");
    // Its own process group, so that a case can interrupt it the way a terminal does.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(stderr);
    let mut child = command.spawn().expect("the launcher; is it built?");
    let stdin = child.stdin.take().expect("its stdin is piped");
    (child, stdin)
}

/// The folder of the binaries of this build: the test runs in its `deps`.
fn binary_folder() -> PathBuf {
    let test = env::current_exe().expect("this test's path");
    let deps = test.parent().expect("target/PROFILE/deps");
    deps.parent().expect("target/PROFILE").to_owned()
}

/// Builds what the shops consist of, in the target folder and profile of this test.
/// `SHOP_NO_BUILD=1` says that it is all there.
pub(crate) fn build() {
    if env::var_os("SHOP_NO_BUILD").is_some() {
        return;
    }
    let folder = binary_folder();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--workspace",
            "--bins",
            "--quiet",
            "--profile",
            profile,
        ])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    forget_package(&mut command);
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "the shops do not build");
}

/// Takes from `cargo` what another cargo told this program of its package: a build script that looks at it (ring's) would
/// take it for a change, and half of everything would be compiled again, each time.
fn forget_package(cargo: &mut Command) {
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        let text = name.to_string_lossy();
        if of_package.iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&name);
        }
    }
}

/// The shop to test instead of starting any: `SHOP_URL` and what else is known about it.
pub(crate) fn given_shop() -> Option<Shop> {
    let said = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let url = said("SHOP_URL")?;
    let control = said("SHOP_CONTROL").zip(said("SHOP_CONTROL_TOKEN"));
    Some(Shop::new(Access {
        architecture: said("SHOP_ARCHITECTURE").unwrap_or_else(|| "shop".to_owned()),
        url: url.trim_end_matches('/').to_owned(),
        admin_email: said("SHOP_ADMIN_EMAIL").expect("SHOP_ADMIN_EMAIL goes with SHOP_URL"),
        admin_password: said("SHOP_ADMIN_PASSWORD")
            .expect("SHOP_ADMIN_PASSWORD goes with SHOP_URL"),
        payment: said("SHOP_PAYMENT_URL").zip(said("SHOP_PAYMENT_KEY")),
        control: control.map(|(url, token)| Control::new(&url, &token)),
        failpoints: said("SHOP_FAILPOINT_DIR").map(PathBuf::from),
        post_office: None,
    }))
}
