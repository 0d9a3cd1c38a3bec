//! Instructions for each request, as valgrind's callgrind counts them, in a file under version control: what is slower
//! than before shows where changes are read, on any machine.
//!
//! A program answers so many requests once, and twice as many another time: the difference is theirs, without the start.
//! Services run one worker thread, over SQLite. What they do now and then by themselves is counted with the requests it falls
//! between, so the counts are told in thousands.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    ask::ask,
    running::{Running, free_address},
    services::{PRODUCT, fill_files, service, sqlite_url, start},
};

/// Requests of the shorter run.
const MANY: u64 = 100;
/// How long a program may take to start or to end under callgrind.
const PATIENCE: Duration = Duration::from_mins(1);

/// The file's text; the gateway's binary has a folder of its own.
pub(crate) fn measure(bins: &Path, gateway: &Path) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let url = sqlite_url(folder.path());
    let (inventory, inventory_at) = start(bins, "inventory", &url, &[])?;
    let (product, product_at) = start(bins, "product", &url, &[("INVENTORY", inventory_at)])?;
    fill_files(folder.path())?;
    let neighbours = [("INVENTORY", inventory_at), ("PRODUCT", product_at)];
    let page = format!("GET /api/products/{PRODUCT}");
    let get = |at: SocketAddr| ask(at, &page, "", &Value::Null).map(|_| ());
    let mut text = "path\tthousands of instructions a request\n".to_owned();
    let mut row =
        |what: &str, name: &str, requests: &dyn Fn(SocketAddr, u64) -> Result<(), String>| {
            let count = |many| {
                let at = free_address()?;
                let mut command = valgrind(folder.path());
                let bins = if name == "gateway" { gateway } else { bins };
                service(&mut command, bins, name, at, &url, &neighbours);
                // The gateway's other neighbours are never asked.
                for other in ["SEARCH", "MEDIA", "CHECKOUT", "STOREFRONT"] {
                    command.env(format!("{other}_URL"), "http://127.0.0.1:1");
                }
                command.env("RATE_LIMIT_PER_SECOND", "0");
                let counted = Counted::start(command, at)?;
                requests(at, many)?;
                counted.end(folder.path())
            };
            let (once, twice) = (count(MANY)?, count(2 * MANY)?);
            let each = twice.saturating_sub(once) / MANY / 1_000;
            let _ = writeln!(text, "{what}\t{each}");
            Ok::<_, String>(())
        };
    let repeatedly = |at, many| (0..many).try_for_each(|_| get(at));
    row("product by id, service", "product", &repeatedly)?;
    row(
        "product by id, through the gateway: the gateway",
        "gateway",
        &repeatedly,
    )?;
    row("cart put, service", "cart", &|at, many| {
        let cart = ask(at, "POST /api/carts", "", &Value::Null)?;
        let cart = cart["id"].as_str().ok_or("a cart has no id")?;
        let put = format!("PUT /api/carts/{cart}/items/{PRODUCT}");
        (0..many).try_for_each(|number| {
            let quantity = json!({ "quantity": number % 2 + 1 });
            ask(at, &put, "", &quantity).map(|_| ())
        })
    })?;
    drop((product, inventory));
    Ok(text)
}

fn valgrind(folder: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--log-file={}", folder.join("counted").display()));
    command.env("TOKIO_WORKER_THREADS", "1");
    command
}

/// A program whose instructions are counted.
struct Counted(Child);

impl Counted {
    fn start(mut command: Command, at: SocketAddr) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn();
        let mut counted = Self(child.map_err(|error| format!("valgrind: {error}"))?);
        let began = Instant::now();
        while !Running::listens(at) {
            if began.elapsed() > PATIENCE || matches!(counted.0.try_wait(), Ok(Some(_))) {
                return Err(format!("nobody listens at {at}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(counted)
    }

    /// Ends it; how many instructions it took in all.
    fn end(mut self, folder: &Path) -> Result<u64, String> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::INT);
        }
        let began = Instant::now();
        while !matches!(self.0.try_wait(), Ok(Some(_))) {
            if began.elapsed() > PATIENCE {
                return Err("it does not end".to_owned());
            }
            thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(folder.join("counted")).map_err(|error| error.to_string())?;
        collected(&log).ok_or_else(|| format!("callgrind says:\n{log}"))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn collected(log: &str) -> Option<u64> {
    let line = log.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_the_last_word() {
        let log = "==7== Events    : Ir\n==7== Collected : 123456\n==7==\n";
        assert_eq!(collected(log), Some(123_456));
        assert_eq!(collected("==7== Killed\n"), None);
    }
}
