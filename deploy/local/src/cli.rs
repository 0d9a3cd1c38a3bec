//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// One shop, built both ways, on your machine.
#[derive(Debug, Parser)]
#[command(name = "bothways", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Without a command: `up both`.
    #[command(flatten)]
    pub(crate) up: Up,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build, start and seed the shop; Ctrl-C ends it
    Up(Up),
    /// End the shop that runs from the data folder
    Down(Data),
    /// Say what runs
    Status(Status),
    /// Load products or stock (NDJSON, plain or .gz) into a shop
    Import(Import),
    /// List what five tries did not deliver, or deliver it again
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Invoke a function of the shop that runs, and print what it answers
    Invoke(Invoke),
    /// Measure how long functions take to start, and their memory, beside one that only says hello
    ColdStarts(ColdStarts),
    /// Draw the catalogue's pictures into a folder
    Illustrate(Illustrate),
    /// Load both architectures side by side, and write a report; `compare --help` says more
    #[command(disable_help_flag = true)]
    Compare(Compare),
    /// Stop one process, such as search or serverless/payment-sandbox
    Stop(Name),
    /// Start a stopped process again
    Start(Name),
    /// What containers run; docker-compose.yml says how
    #[command(hide = true, subcommand)]
    Container(Container),
}

/// What to do about events that were given up on.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List them, oldest first
    List(Shops),
    /// Send them on their way again, with all their tries
    Replay {
        /// Ids of events, as `list` shows them
        #[arg(required_unless_present = "all", value_name = "ID")]
        ids: Vec<String>,
        /// Every one there is
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        #[command(flatten)]
        shops: Shops,
    },
}

/// Which shops a command is about.
#[derive(Debug, Args)]
pub(crate) struct Shops {
    /// Base URL of a shop; by default each that runs from the data folder
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
}

/// Who a command signs in as.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Administrator; for a shop of the data folder its own is known
    #[arg(
        long,
        env = "BOTHWAYS_ADMIN_EMAIL",
        value_name = "EMAIL",
        requires = "admin_password"
    )]
    pub(crate) admin_email: Option<String>,
    /// The administrator's password
    #[arg(
        long,
        env = "BOTHWAYS_ADMIN_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true
    )]
    pub(crate) admin_password: Option<String>,
    #[command(flatten)]
    pub(crate) data: Data,
}

/// Commands of the containers. Their settings come from the environment, or from files that it names.
#[derive(Debug, Subcommand)]
pub(crate) enum Container {
    /// Make the secrets that are missing, and give each reader a folder with its own
    Secrets {
        /// Where they are kept
        folder: PathBuf,
        /// Give a volume to the user who writes to it
        #[arg(long, value_name = "DIR=UID", value_parser = owned)]
        own: Vec<(PathBuf, u32)>,
    },
    /// Say how the administrator signs in
    SignIn {
        /// Where the secrets are kept
        folder: PathBuf,
    },
    /// Say the payment provider's secret key
    PaymentKey {
        /// Where the secrets are kept
        folder: PathBuf,
    },
    /// Make the databases and roles that are missing
    Databases,
    /// Fill an empty shop with the project's catalogue
    Seed {
        /// Base URL of the shop
        url: String,
        /// Where it is noted what a shop was seeded with
        #[arg(long, value_name = "DIR", default_value = "/data")]
        notes: PathBuf,
    },
    /// Run the functions on the local Lambda host
    Serverless {
        #[command(flatten)]
        capacity: Capacity,
        /// Folder of queues, buckets, snapshots and logs
        #[arg(long, value_name = "DIR", default_value = "/data")]
        data: PathBuf,
    },
    /// Ask the functions that run in this container whether they are healthy, and seeded
    Healthcheck {
        /// Folder of queues, buckets, snapshots and logs
        #[arg(long, value_name = "DIR", default_value = "/data")]
        data: PathBuf,
    },
}

/// Which architectures to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Choice {
    /// Services behind the gateway
    Microservices,
    /// Functions on the local Lambda host
    Serverless,
    /// Both, side by side
    #[default]
    Both,
    /// One shop: services, and behind the same gateway the functions that `--functions` names
    Hybrid,
}

impl Choice {
    /// Whether the microservices run.
    pub(crate) fn microservices(self) -> bool {
        matches!(self, Self::Microservices | Self::Both)
    }

    /// Whether the functions run.
    pub(crate) fn serverless(self) -> bool {
        matches!(self, Self::Serverless | Self::Both)
    }
}

/// Options of `up`.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Up {
    /// What to run
    #[arg(value_enum, default_value_t)]
    pub(crate) choice: Choice,
    /// Port of the microservices shop; 0 for any
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Port of the serverless shop; 0 for any
    #[arg(long, default_value_t = 9080)]
    pub(crate) serverless_port: u16,
    #[command(flatten)]
    pub(crate) data: Data,
    /// Delete the data of earlier runs first
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Use the binaries that are there
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Leave the shop empty
    #[arg(long)]
    pub(crate) no_seed: bool,
    /// Leave the seed's products without pictures
    #[arg(long)]
    pub(crate) no_pictures: bool,
    /// Products to seed with, instead of the project's own catalogue
    #[arg(long, value_name = "FILE", conflicts_with = "no_seed")]
    pub(crate) seed: Option<PathBuf>,
    /// PostgreSQL server to use instead of SQLite, such as <postgres://user@127.0.0.1:5432>
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// What the names of the databases made there begin with
    #[arg(
        long,
        value_name = "NAME",
        default_value = "bothways",
        requires = "database_url"
    )]
    pub(crate) database_prefix: String,
    /// End when standard input does
    #[arg(long)]
    pub(crate) exit_with_stdin: bool,
    /// Environment of every service and function
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Run several of a service of the microservices, such as product=2
    #[arg(long, value_name = "SERVICE=N", value_parser = replicas)]
    pub(crate) replicas: Vec<(String, usize)>,
    /// What functions answer in a hybrid, such as checkout,search
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = answering,
        required_if_eq("choice", "hybrid"))]
    pub(crate) functions: Vec<String>,
    /// Seconds after which a bought order ships
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) ship_after: u64,
    /// Seconds after which a shipped order is delivered
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) deliver_after: u64,
    /// Mail server for receipts, such as <smtp://user:password@host:587?tls=required>; without, they are in the log
    #[arg(long, env = "SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<String>,
    /// Don't show the logs (they are in the data folder)
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) capacity: Capacity,
}

/// How much the local Lambda host may run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Capacity {
    /// Most instances of one function; by default 8 for each core
    #[arg(long, value_name = "N")]
    pub(crate) function_instances: Option<usize>,
    /// Most invocations in flight over all functions, as on an AWS account
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) account_concurrency: usize,
    /// Seconds after which an idle function instance is reaped
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) function_idle: u64,
    /// Seconds after which a queue shows a message again whose function was lost, instead of what the template says
    #[arg(long, value_name = "SECONDS")]
    pub(crate) visibility_timeout: Option<u64>,
}

/// Where the data are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Data {
    /// Folder of databases, snapshots, queues, logs and the sign-in
    #[arg(long = "data", value_name = "DIR", default_value = ".bothways")]
    pub(crate) folder: PathBuf,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) data: Data,
    /// For programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `stop` and `start`.
#[derive(Debug, Args)]
pub(crate) struct Name {
    /// `search`, or `serverless/payment-sandbox` where a name is in both
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) data: Data,
}

/// What `compare` is told; it has a command line of its own.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "OPTION"
    )]
    pub(crate) options: Vec<OsString>,
}

/// Options of `invoke`.
#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// The function, such as indexer
    pub(crate) function: String,
    /// JSON of the event, as API Gateway, SQS or a schedule would send it
    pub(crate) event: PathBuf,
    #[command(flatten)]
    pub(crate) data: Data,
}

/// Options of `cold-starts`.
#[derive(Debug, Args)]
pub(crate) struct ColdStarts {
    /// Folder of the functions as they ship, which `deploy/aws/build` makes
    #[arg(long, value_name = "DIR", default_value = "target/lambda")]
    pub(crate) built: PathBuf,
    /// PostgreSQL server to make a database on, such as <postgres://user@127.0.0.1:5432>
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: String,
    /// Starts of each function
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) starts: usize,
    /// Use the binaries that are there
    #[arg(long)]
    pub(crate) no_build: bool,
}

impl ColdStarts {
    /// The shop that is started for it, in a folder of its own.
    pub(crate) fn shop(&self, folder: &Path) -> Up {
        let fixed = "up serverless --serverless-port 0 --fresh --no-pictures --quiet";
        let prefix = ["--database-prefix", "cold_starts", "--database-url"];
        let words = ["bothways"].into_iter().chain(fixed.split(' '));
        let words = words.chain(prefix).map(OsString::from);
        let given = [self.database_url.clone().into(), "--data".into()];
        let cli = Cli::parse_from(words.chain(given).chain([folder.into()]));
        match cli.command {
            Some(Command::Up(up)) => Up {
                no_build: self.no_build,
                ..up
            },
            _ => cli.up,
        }
    }
}

/// Options of `illustrate`.
#[derive(Debug, Args)]
pub(crate) struct Illustrate {
    /// Folder the pictures go to, a PNG named after each product
    pub(crate) folder: PathBuf,
    /// Contact sheets instead, for a look at all of them
    #[arg(long)]
    pub(crate) sheets: bool,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// NDJSON, plain or gzip
    pub(crate) file: PathBuf,
    /// Base URL of the shop
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// The lines are stock counts, not products (by default the first line tells)
    #[arg(long)]
    pub(crate) stock: bool,
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE was expected")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn replicas(text: &str) -> Result<(String, usize), String> {
    let (service, count) = text.split_once('=').ok_or("SERVICE=N was expected")?;
    let count = count.parse().ok().filter(|count| (1..=9).contains(count));
    let count = count.ok_or("1 to 9 of a service may run")?;
    if !crate::microservices::SERVICES.contains(&service) {
        let services = crate::microservices::SERVICES.join(", ");
        return Err(format!("several may run of {services}"));
    }
    Ok((service.to_owned(), count))
}

fn answering(text: &str) -> Result<String, String> {
    if crate::hybrid::ANSWERING.contains(&text) {
        return Ok(text.to_owned());
    }
    let names = crate::hybrid::ANSWERING.join(", ");
    Err(format!("functions that answer requests are {names}"))
}

fn owned(text: &str) -> Result<(PathBuf, u32), String> {
    let (folder, user) = text.split_once('=').ok_or("DIR=UID was expected")?;
    let user = user.parse().map_err(|error| format!("{user}: {error}"))?;
    Ok((PathBuf::from(folder), user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_both_come_up() {
        let cli = Cli::parse_from(["bothways", "--port", "0", "--env", "A=b=c"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.up.choice, Choice::Both);
        assert_eq!((cli.up.port, cli.up.serverless_port), (0, 9080));
        assert_eq!(cli.up.env, [("A".to_owned(), "b=c".to_owned())]);
    }

    #[test]
    fn several_of_a_service_may_run_but_not_of_the_door() {
        let up = |replicas: &str| Cli::try_parse_from(["bothways", "up", "--replicas", replicas]);
        for wrong in ["gateway=2", "product", "product=0", "product=10", "=2"] {
            assert!(up(wrong).is_err(), "{wrong}");
        }
        let Some(Command::Up(up)) = up("product=2").unwrap().command else {
            panic!("not up")
        };
        assert_eq!(up.replicas, [("product".to_owned(), 2)]);
    }

    #[test]
    fn compare_gets_its_options_as_they_are() {
        let cli = Cli::parse_from([
            "bothways",
            "compare",
            "--quick",
            "--left",
            "a=http://b",
            "-h",
        ]);
        let Some(Command::Compare(compare)) = cli.command else {
            panic!("not compare")
        };
        assert_eq!(compare.options, ["--quick", "--left", "a=http://b", "-h"]);
    }

    #[test]
    fn cold_starts_are_those_of_a_new_serverless_shop_on_postgresql() {
        let url = "postgres://me@127.0.0.1:5432";
        let parsed = Cli::parse_from(["bothways", "cold-starts", "--database-url", url]);
        let Some(Command::ColdStarts(options)) = parsed.command else {
            panic!("not cold-starts")
        };
        let up = options.shop(Path::new("a folder"));
        assert!(up.fresh && up.choice == Choice::Serverless && !up.no_build);
        assert_eq!(up.database_url.as_deref(), Some(url));
        assert_eq!(up.data.folder, Path::new("a folder"));
        assert!(Cli::try_parse_from(["bothways", "cold-starts"]).is_err());
    }

    #[test]
    fn an_architecture_can_be_chosen() {
        let cli = Cli::parse_from(["bothways", "up", "serverless", "--fresh"]);
        let Some(Command::Up(up)) = cli.command else {
            panic!("not up")
        };
        assert!(up.fresh && up.choice.serverless() && !up.choice.microservices());
    }

    #[test]
    fn a_hybrid_says_what_functions_answer() {
        let up = |arguments: &[&str]| {
            Cli::try_parse_from([&["bothways", "up", "hybrid"], arguments].concat())
        };
        assert!(up(&[]).is_err());
        assert!(up(&["--functions", "checkout,indexer"]).is_err());
        let Some(Command::Up(up)) = up(&["--functions", "checkout,search"]).unwrap().command else {
            panic!("not up")
        };
        assert_eq!(up.functions, ["checkout", "search"]);
        assert!(!up.choice.microservices() && !up.choice.serverless());
    }

    #[test]
    fn dead_letters_are_replayed_by_id_or_all_of_them() {
        let replay = |arguments: &[&str]| {
            Cli::try_parse_from([&["bothways", "dead-letters", "replay"], arguments].concat())
        };
        assert!(replay(&["019f", "01a0"]).is_ok());
        assert!(replay(&["--all", "--to", "http://127.0.0.1:8080"]).is_ok());
        assert!(replay(&[]).is_err());
        assert!(replay(&["019f", "--all"]).is_err());
    }
}
