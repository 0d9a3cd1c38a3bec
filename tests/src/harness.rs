//! Running cases once per architecture under libtest's command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::{Arc, Condvar, Mutex, OnceLock},
    time::Duration,
};

use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::{
    containers::Containers,
    launcher::{self, Launcher, Options},
    post_office::PostOffice,
    shop::Shop,
};

/// The ways one shop is built.
pub(crate) const ARCHITECTURES: [&str; 2] = ["microservices", "serverless"];
/// Both ways at once: services, and functions that answer some of their routes.
const HYBRID: &str = "hybrid";

/// The functions of the hybrid to test in place of both architectures: `SHOP_HYBRID=checkout,search`.
fn hybrid() -> Option<String> {
    let functions = std::env::var("SHOP_HYBRID").ok();
    functions.filter(|functions| !functions.is_empty())
}

/// What is tested.
fn architectures() -> Vec<&'static str> {
    match hybrid() {
        Some(_) => vec![HYBRID],
        None => ARCHITECTURES.to_vec(),
    }
}

/// A case that takes longer than this hangs.
const CASE_LIMIT: Duration = Duration::from_mins(20);

/// What a case needs to know about a shop beyond its URL and administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    Payment,
    Launcher,
    Mail,
    Containers,
}

/// One test of one shop.
pub struct Case {
    name: String,
    run: Box<dyn Fn(Shop) -> LocalBoxFuture<'static, ()> + Send + Sync>,
    need: Need,
}

impl Case {
    /// The case `name`; see the macro `cases`.
    pub fn new(
        name: impl Into<String>,
        run: impl Fn(Shop) -> LocalBoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
            need: Need::Nothing,
        }
    }

    fn lacks(&self, shop: &Shop) -> Option<&'static str> {
        let access = shop.access();
        match self.need {
            Need::Payment if access.payment.is_none() => Some("SHOP_PAYMENT_URL is not given"),
            Need::Launcher if access.control.is_none() => Some("SHOP_CONTROL is not given"),
            Need::Containers if Containers::given().is_none() => {
                Some("skipped: no containers (SHOP_CONTAINERS is not given)")
            }
            Need::Mail if access.post_office.is_none() => Some("its mail goes elsewhere"),
            _ => None,
        }
    }
}

/// Lists cases by the names of their functions, `async fn(&Shop)`. One that is not listed is dead
/// code, which the suites do not compile with.
#[macro_export]
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        vec![$($crate::Case::new(
            stringify!($case),
            |shop: $crate::Shop| Box::pin(async move { $case(&shop).await }),
        )),*]
    };
}

/// The cases of one part of the contract.
pub struct Area {
    name: &'static str,
    cases: Vec<Case>,
    only: Option<&'static str>,
}

impl Area {
    /// Cases that every architecture has to pass.
    pub fn new(name: &'static str, cases: Vec<Case>) -> Self {
        Self {
            name,
            cases,
            only: None,
        }
    }

    /// Cases about what only one architecture has.
    #[must_use]
    pub fn only(mut self, architecture: &'static str) -> Self {
        self.only = Some(architecture);
        self
    }

    /// The cases need to see the payment provider's books.
    #[must_use]
    pub fn with_payment(self) -> Self {
        self.needing(Need::Payment)
    }

    /// The cases start, stop and kill parts of the shop.
    #[must_use]
    pub fn with_launcher(self) -> Self {
        self.needing(Need::Launcher)
    }

    /// The cases need the shop in containers.
    #[must_use]
    pub fn with_containers(self) -> Self {
        self.needing(Need::Containers)
    }

    /// The cases need to see the mail.
    #[must_use]
    pub fn with_mail(self) -> Self {
        self.needing(Need::Mail)
    }

    fn needing(mut self, need: Need) -> Self {
        for case in &mut self.cases {
            case.need = need;
        }
        self
    }
}

/// The runtime every case runs on.
pub fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// How many cases of each architecture ran, and of how many.
#[derive(Default)]
struct Tally {
    ran: Mutex<BTreeMap<&'static str, usize>>,
    changed: Condvar,
}

impl Tally {
    fn count(&self, architecture: &'static str) {
        *self
            .ran
            .lock()
            .expect("no panic inside")
            .entry(architecture)
            .or_default() += 1;
        self.changed.notify_all();
    }

    fn wait_for(&self, expected: usize) -> BTreeMap<&'static str, usize> {
        let ran = self.ran.lock().expect("no panic inside");
        let all = self
            .changed
            .wait_while(ran, |ran| ran.values().sum::<usize>() < expected);
        all.expect("no panic inside").clone()
    }
}

/// Counts a case even when it panics.
struct Counted<'a>(&'a Tally, &'static str);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count(self.1);
    }
}

/// One case of one architecture.
struct Planned {
    architecture: &'static str,
    name: String,
    case: Arc<Case>,
}

/// A suite: its cases and how to run them.
pub struct Suite {
    areas: Vec<Area>,
    threads: usize,
    at_least: Option<usize>,
    env: Vec<(&'static str, &'static str)>,
}

impl Suite {
    /// These areas, `threads` cases at a time unless the command line says otherwise.
    pub fn new(areas: Vec<Area>, threads: usize) -> Self {
        Self {
            areas,
            threads,
            at_least: None,
            env: Vec::new(),
        }
    }

    /// The shops it starts have this variable in their environment.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// Every architecture runs the same number of cases, and at least this many; a last test counts.
    #[must_use]
    pub fn counted(mut self, at_least: usize) -> Self {
        self.at_least = Some(at_least);
        self
    }

    /// Runs what the command line asks for and ends everything it started.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        arguments.test_threads.get_or_insert(self.threads);
        let given = launcher::given_shop();
        let mut planned = plan(self.areas, given.as_ref());
        planned.retain(|planned| {
            !arguments.is_filtered_out(&Trial::test(planned.name.as_str(), || Ok(())))
        });
        let (shops, mut launcher) = match given {
            Some(shop) => (BTreeMap::from([(label(&shop), shop)]), None),
            None if arguments.list => (BTreeMap::new(), None),
            None => start(&planned, &self.env),
        };
        let trials = trials(planned, &shops, self.at_least);
        let conclusion = libtest_mimic::run(&arguments, trials);
        if let Some(launcher) = launcher.as_mut()
            && conclusion.has_failed()
        {
            launcher.keep();
        }
        drop(launcher);
        conclusion.exit_code()
    }
}

/// The given shop, or one of this architecture with the seed catalogue, which ends with its launcher.
pub fn seeded_shop(architecture: &str) -> (Shop, Option<Launcher>) {
    if let Some(shop) = launcher::given_shop() {
        return (shop, None);
    }
    launcher::build();
    let launcher = Launcher::start(Options::of(architecture).seeded());
    (launcher.shop(architecture), Some(launcher))
}

/// Labels live as long as the process, so that tests can be named by them.
fn label(shop: &Shop) -> &'static str {
    let known = ARCHITECTURES
        .into_iter()
        .chain([HYBRID])
        .find(|known| *known == shop.architecture());
    known.unwrap_or("shop")
}

fn plan(areas: Vec<Area>, given: Option<&Shop>) -> Vec<Planned> {
    let architectures = given.map_or_else(architectures, |shop| vec![label(shop)]);
    let mut planned = Vec::new();
    for area in areas {
        for case in area.cases.into_iter().map(Arc::new) {
            for architecture in &architectures {
                if area.only.is_none_or(|only| only == *architecture) {
                    let name = format!("{architecture}::{}::{}", area.name, case.name);
                    planned.push(Planned {
                        architecture,
                        name,
                        case: Arc::clone(&case),
                    });
                }
            }
        }
    }
    planned
}

/// Starts the architectures that the planned cases are about.
fn start(
    planned: &[Planned],
    env: &[(&str, &str)],
) -> (BTreeMap<&'static str, Shop>, Option<Launcher>) {
    let needed: BTreeSet<&'static str> =
        planned.iter().map(|planned| planned.architecture).collect();
    let Some(first) = needed.first() else {
        return (BTreeMap::new(), None);
    };
    launcher::build();
    let options = Options::of(if needed.len() > 1 { "both" } else { first });
    let options = match hybrid() {
        Some(functions) => options.argument(&format!("--functions={functions}")),
        None => options,
    };
    let options = options.mail_to(&runtime().block_on(PostOffice::open()));
    let options = env
        .iter()
        .fold(options, |options, (name, value)| options.env(name, value));
    let launcher = Launcher::start(options);
    let shops = needed
        .into_iter()
        .map(|label| (label, launcher.shop(label)))
        .collect();
    (shops, Some(launcher))
}

fn trials(
    planned: Vec<Planned>,
    shops: &BTreeMap<&'static str, Shop>,
    at_least: Option<usize>,
) -> Vec<Trial> {
    let tally = Arc::new(Tally::default());
    let mut trials = Vec::with_capacity(planned.len() + 1);
    for Planned {
        architecture,
        name,
        case,
    } in planned
    {
        let (tally, shop) = (Arc::clone(&tally), shops.get(architecture).cloned());
        trials.push(Trial::ignorable_test(name, move || {
            let _counted = Counted(&tally, architecture);
            run(&case, shop.ok_or("this shop was not started")?)
        }));
    }
    if let Some(at_least) = at_least {
        let expected = trials.len();
        trials.push(Trial::test(COUNT, move || {
            compare(&tally.wait_for(expected), at_least)
        }));
    }
    trials
}

/// The last test: it waits for the others and counts them.
const COUNT: &str = "both::each_architecture_ran_the_same_number_of_tests";

fn run(case: &Case, shop: Shop) -> Result<Completion, Failed> {
    if let Some(lack) = case.lacks(&shop) {
        return Ok(Completion::ignored_with(lack));
    }
    let limited = async { tokio::time::timeout(CASE_LIMIT, (case.run)(shop)).await };
    runtime().block_on(limited).map_err(|_| "the case hangs")?;
    Ok(Completion::Completed)
}

fn compare(ran: &BTreeMap<&'static str, usize>, at_least: usize) -> Result<(), Failed> {
    let counts: Vec<String> = ran
        .iter()
        .map(|(label, count)| format!("{label}: {count} tests"))
        .collect();
    println!("\n{}", counts.join(", "));
    if ran.values().collect::<BTreeSet<_>>().len() > 1 {
        return Err("the architectures did not run the same number of tests".into());
    }
    let few = ran.values().any(|count| *count < at_least);
    if few {
        Err(format!("fewer than {at_least} tests").into())
    } else {
        Ok(())
    }
}
