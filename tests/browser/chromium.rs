//! Chromium under its driver: found on the machine, started on a free port, gone with this process.
//!
//! The driver runs below a shell that waits for its stdin to close. The pipe closes when this process
//! ends, however it ends; then the shell ends the driver, and with it every browser, since they are
//! tied to it by a pipe as well, and removes the folder with their profiles.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use thirtyfour::{ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver};

const BROWSERS: [&str; 2] = ["chromium", "google-chrome"];
const DRIVER: &str = "chromedriver";

/// Ends the driver and tidies up when stdin closes.
const KEEPER: &str = r#"
chromedriver --port=0 --log-level=SEVERE 2>/dev/null &
driver=$!
cat >/dev/null
kill -TERM $driver
wait $driver
# Browsers still write while they end.
tries=0
until rm -rf "$TMPDIR" 2>/dev/null; do
  tries=$((tries + 1))
  [ $tries -lt 50 ] || exit
  sleep 0.2
done
"#;

const SWITCHES: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Browsers end when the driver does, even when it is killed.
    "--remote-debugging-pipe",
    "--window-size=1280,900",
];

/// Whether a browser and its driver are on this machine.
pub(crate) fn is_installed() -> bool {
    on_path(DRIVER) && BROWSERS.into_iter().any(on_path)
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

/// The driver of this process and the pipes that keep it alive.
struct Driver {
    url: String,
    _keeper: Child,
    _stdout: ChildStdout,
}

fn driver() -> &'static Driver {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    DRIVER.get_or_init(start)
}

fn start() -> Driver {
    let folder = tempfile::Builder::new()
        .prefix("bothways-browser-")
        .tempdir()
        .expect("a folder for profiles")
        .keep();
    let mut child = Command::new("sh")
        .args(["-c", KEEPER])
        .env("TMPDIR", &folder)
        // Ctrl-C in a terminal reaches this process only; the keeper follows it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let stdout = child.stdout.take().expect("its stdout is piped");
    let mut lines = BufReader::new(stdout);
    let port = lines
        .by_ref()
        .lines()
        .map_while(Result::ok)
        .find_map(|line| port(&line));
    Driver {
        url: format!(
            "http://127.0.0.1:{}",
            port.expect("chromedriver says its port")
        ),
        _keeper: child,
        _stdout: lines.into_inner(),
    }
}

/// The port in `ChromeDriver was started successfully on port 41234.`
fn port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

/// A browser with a profile of its own, with or without JavaScript. Dropping the last handle of it
/// ends it.
pub(crate) async fn open(javascript: bool) -> WebDriver {
    let mut wanted = DesiredCapabilities::chrome();
    for switch in SWITCHES {
        wanted.add_arg(switch).expect("a switch");
    }
    if !javascript {
        let off = serde_json::json!({ "profile.managed_default_content_settings.javascript": 2 });
        wanted
            .add_experimental_option("prefs", off)
            .expect("preferences");
    }
    let logs = serde_json::json!({ "browser": "ALL" });
    wanted
        .as_mut()
        .set("goog:loggingPrefs", logs)
        .expect("log levels");
    WebDriver::new(&driver().url, wanted)
        .await
        .expect("Chromium starts")
}
