//! A PostgreSQL server of this run's own, and pgbench.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    recorder::Statement,
    running::{Running, free_address},
};

/// Where Debian has a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The most connections that anybody keeps in a measurement.
const MAX_CONNECTIONS: &str = "max_connections=200";

/// A server whose data is in memory or not as the kernel likes: nothing waits for a disk, so that what is measured is work.
pub(crate) struct Server {
    // Ends before its folder goes.
    _running: Running,
    folder: TempDir,
    bin: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server that has only what a server has by itself.
    pub(crate) fn start() -> Result<Self, String> {
        let bin = bin()?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let data = folder.path().join("data");
        fs::create_dir(&data).map_err(|error| error.to_string())?;
        if rustix::process::geteuid().is_root() {
            // PostgreSQL refuses to run as root.
            done(Command::new("chmod").arg("755").arg(folder.path()))?;
            done(Command::new("chown").arg("nobody:nogroup").arg(&data))?;
        }
        let mut init = unprivileged(&bin.join("initdb"));
        init.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        done(init.arg("-D").arg(&data).current_dir(&data))?;
        let address = free_address()?;
        let mut server = unprivileged(&bin.join("postgres"));
        server.arg("-D").arg(&data).current_dir(&data);
        server.arg(format!("-p{}", address.port()));
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "log_min_messages=fatal",
            MAX_CONNECTIONS,
        ] {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(folder.path().join("log")).map_err(|error| error.to_string())?;
        server.stderr(log);
        let running = Running::start(server, address)?;
        let server = Self {
            _running: running,
            folder,
            bin,
            address,
        };
        server.wait()?;
        Ok(server)
    }

    /// It listens before it answers.
    fn wait(&self) -> Result<(), String> {
        let mut ready = Command::new(self.bin.join("pg_isready"));
        ready.args(["-q", "-t", "30", "-h", "127.0.0.1"]);
        ready.arg(format!("-p{}", self.address.port()));
        for _ in 0..150 {
            if done(&mut ready).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("PostgreSQL does not answer".to_owned())
    }

    /// Does `sql` in the schema of `context`.
    pub(crate) fn run(&self, context: &str, sql: &str) -> Result<(), String> {
        let mut psql = self.client("psql", context);
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "postgres"]);
        done(&mut psql)
    }

    /// How often a second the statements are done one after the other over each of so many connections, prepared once.
    pub(crate) fn pgbench(
        &self,
        statements: &[Statement],
        connections: usize,
        length: Duration,
    ) -> Result<f64, String> {
        let script = self.folder.path().join("script.sql");
        let mut text = String::new();
        let mut pgbench = self.client("pgbench", "product,inventory");
        for (number, statement) in statements.iter().enumerate() {
            let mut sql = statement
                .sql
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            for (place, argument) in statement.arguments.iter().enumerate().rev() {
                let name = format!("a{number}_{place}");
                sql = sql.replace(&format!("${}", place + 1), &format!(":{name}"));
                pgbench.args(["-D", &format!("{name}={argument}")]);
            }
            text.push_str(&sql);
            text.push_str(";\n");
        }
        fs::write(&script, text).map_err(|error| error.to_string())?;
        pgbench.args(["-n", "-M", "prepared", "-j", "2"]);
        pgbench.arg(format!("-c{connections}"));
        pgbench.arg(format!("-T{}", length.as_secs().max(1)));
        pgbench.arg("-f").arg(script).arg("postgres");
        let ran = pgbench
            .output()
            .map_err(|error| format!("pgbench: {error}"))?;
        let said = String::from_utf8_lossy(&ran.stdout);
        let rate = said.lines().find_map(|line| {
            let rate = line.strip_prefix("tps = ")?.split_whitespace().next()?;
            rate.parse().ok()
        });
        let problem = String::from_utf8_lossy(&ran.stderr);
        match rate {
            Some(rate) if ran.status.success() => Ok(rate),
            _ => Err(format!("pgbench: {said}{problem}")),
        }
    }

    fn client(&self, name: &str, schemas: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.env("PGOPTIONS", format!("-csearch_path={schemas}"));
        command.args(["-h", "127.0.0.1", "-U", "postgres"]);
        command.arg(format!("-p{}", self.address.port()));
        command
    }

    /// The setting that a service finds its own schema by, through whoever listens at `address`.
    pub(crate) fn url(address: SocketAddr) -> String {
        format!(
            "postgres://postgres@{address}/postgres?sslmode=disable&options=-csearch_path%3D{{context}}"
        )
    }
}

/// The programs of the newest version.
fn bin() -> Result<PathBuf, String> {
    let entries = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let bins = entries.map(|entry| entry.path().join("bin"));
    let newest = bins.filter(|bin| bin.join("postgres").exists()).max();
    newest.ok_or_else(|| "no PostgreSQL; Debian's package is postgresql".to_owned())
}

/// A command that is not root's, if this is.
fn unprivileged(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    command.arg(program);
    command
}

/// Runs a command to its end, which has to be a good one.
fn done(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(format!("{name}: {said}"))
}
