//! One part after the other is killed, frozen, slowed down or made to fail while somebody shops: what they still can do
//! is what docs/fault-isolation.md says.

mod fault;
mod shopper;
mod site;
mod table;
mod watch;

use std::{collections::BTreeMap, env, time::Duration};

use bothways_tests::{Case, Containers, RECOVERY, SEARCH_LAG, Shop, cases, eventually};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use self::{
    fault::Fault,
    shopper::{Shopper, Step},
    site::Site,
    table::Document,
    watch::{Verdict, Watch, failed, verdicts},
};

pub(crate) fn cases() -> Vec<Case> {
    cases![whatever_fails_the_rest_goes_on_as_documented]
}

/// How many faults happen at the same time, each to processes of their own: most of the time all wait.
const LANES: usize = 4;
/// How long something is wrong; what nobody answers has to be found out by waiting.
const LASTS: Duration = Duration::from_secs(10);
const SILENT_LASTS: Duration = Duration::from_secs(14);
/// What a step is like by then is seen over this long.
const LAST_MOMENTS: Duration = Duration::from_secs(3);
/// Who has waited this long and has no answer waits; three questions to a service that is 2 s slow take less.
const PATIENCE: Duration = Duration::from_secs(7);

/// What was seen of a fault.
#[derive(Debug, Clone)]
struct Row {
    fault: Fault,
    verdicts: BTreeMap<Step, Verdict>,
    /// When a changed price is found by search.
    news: Verdict,
    /// When an order ships.
    parcel: Verdict,
    /// Steps taken while it lasted, and how many of them were refused or failed.
    taken: usize,
    failed: usize,
    /// When a breaker opened first.
    opened: Option<Duration>,
    /// When, after it was over, the last step ended that was not well.
    healed: Duration,
}

async fn whatever_fails_the_rest_goes_on_as_documented(given: &Shop) {
    let writes = env::var_os("FAULT_TABLE").is_some_and(|said| said == "write");
    let lanes = if Containers::given().is_some() {
        vec![fault::in_containers(writes)]
    } else if env::var_os("CI").is_some() {
        println!("CI has it happen to containers");
        return;
    } else {
        fault::in_processes(LANES)
    };
    let asked = env::var("FAULT").unwrap_or_default();
    let asked = |mut faults: Vec<Fault>| {
        faults.retain(|fault| fault.to_string().contains(&asked));
        faults
    };
    let rows = measured(given, lanes.into_iter().map(asked).collect()).await;
    let table = Document::read();
    if writes {
        table.write(&rows);
        return;
    }
    // What a cell says takes a second to be otherwise where the machine pauses; it is not so twice.
    let differs = |row: &Row| {
        let difference = table.difference(row);
        difference.inspect(|difference| println!("{difference}"))
    };
    let doubtful = rows.iter().filter(|row| differs(row).is_some());
    let doubtful = doubtful.map(|row| row.fault).collect();
    let again = measured(given, vec![doubtful]).await;
    let differences: Vec<_> = again.iter().filter_map(differs).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The rows of these faults, those of each lane one after the other.
async fn measured(given: &Shop, lanes: Vec<Vec<Fault>>) -> Vec<Row> {
    let lanes = lanes.into_iter().filter(|faults| !faults.is_empty());
    let rows = join_all(lanes.map(|faults| lane(given, faults))).await;
    rows.concat()
}

/// One fault after the other at one site.
async fn lane(given: &Shop, faults: Vec<Fault>) -> Vec<Row> {
    let site = Site::of(given);
    let shop = site.shop(given);
    let mut rows = Vec::new();
    for fault in faults {
        rows.push(row(&site, &shop, fault).await);
    }
    rows
}

async fn row(site: &Site, shop: &Shop, fault: Fault) -> Row {
    let shopper = Shopper::new(shop).await;
    eventually(SEARCH_LAG, "search knows the product", async || {
        shopper
            .search_shows(1_000)
            .await
            .then_some(())
            .ok_or_else(String::new)
    })
    .await;
    let watch = Watch::default();
    let seen = async {
        let row = meet(site, &shopper, &watch, fault).await;
        watch.end();
        row
    };
    let ((), row) = futures::join!(watch.run(&shopper), seen);
    row
}

async fn meet(site: &Site, shopper: &Shopper, watch: &Watch, fault: Fault) -> Row {
    let well = watch.heals(Instant::now(), RECOVERY).await;
    well.unwrap_or_else(|ill| panic!("before {fault}: {ill}"));
    let before = site.opened().await;
    let order = shopper.order().await;
    let struck = site.strike(shopper.shop(), fault).await;
    let struck_at = Instant::now();
    let lasts = if fault.is_silent() {
        SILENT_LASTS
    } else {
        LASTS
    };
    let over = struck_at + lasts;
    let (opened, news, parcel) = futures::join!(
        opens(site, &before, struck_at, over),
        shopper.finds_news(2_000, over),
        shopper.sees_parcel(&order, over),
    );
    let last_moments = over - LAST_MOMENTS;
    watch.answered(last_moments, over, over + PATIENCE).await;
    let (taken, last) = (
        watch.between(struck_at, over),
        watch.between(last_moments, over),
    );
    site.lift(struck).await;
    let lifted = Instant::now();
    let healed = watch.heals(lifted, RECOVERY).await;
    let healed = healed.unwrap_or_else(|ill| panic!("{fault}: not healed: {ill}"));
    shopper.catches_up(2_000, &order).await;
    Row {
        fault,
        verdicts: verdicts(&last),
        news,
        parcel,
        taken: taken.len(),
        failed: failed(&taken),
        opened,
        healed,
    }
}

/// When a breaker opened that had not before.
async fn opens(
    site: &Site,
    before: &BTreeMap<(&'static str, String), u64>,
    since: Instant,
    until: Instant,
) -> Option<Duration> {
    while Instant::now() < until {
        let now = site.opened().await;
        if now
            .iter()
            .any(|(one, count)| before.get(one).is_some_and(|then| count > then))
        {
            return Some(since.elapsed());
        }
        sleep(Duration::from_millis(100)).await;
    }
    None
}
