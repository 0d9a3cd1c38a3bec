//! Where faults strike: the launcher's processes, or containers.

use std::{collections::BTreeMap, time::Duration};

use bothways_tests::{Containers, FailPoint, Launcher, Options, Shop};
use futures::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use super::fault::Fault;
use crate::processes::Frozen;

const ARCHITECTURE: &str = "microservices";
/// Those who call services that shoppers need.
const CALLERS: [&str; 5] = ["gateway", "storefront", "product", "cart", "checkout"];
/// A service that is slow takes so much longer, in milliseconds.
const SLOW: &str = "2000";

/// A shop to which things can be done.
pub(crate) enum Site {
    /// Processes of a launcher of its own.
    Processes(Box<Launcher>),
    /// Containers that run already.
    Containers(Containers),
}

/// A fault while it lasts.
pub(crate) enum Struck {
    Down(&'static str),
    Paused(&'static str),
    Cut(&'static str),
    Frozen(#[expect(dead_code, reason = "it is dropped")] Frozen),
    Marked(#[expect(dead_code, reason = "it is dropped")] FailPoint),
}

impl Site {
    /// Where the given shop is, or processes like those of the given shop.
    pub(crate) fn of(given: &Shop) -> Self {
        if let Some(containers) = Containers::given() {
            return Self::Containers(containers);
        }
        let options = Options::of(given.architecture()).env("SHIP_AFTER_MS", "1500");
        Self::Processes(Box::new(Launcher::start(options)))
    }

    /// The shop there.
    pub(crate) fn shop(&self, given: &Shop) -> Shop {
        match self {
            Self::Processes(launcher) => launcher.shop(ARCHITECTURE),
            Self::Containers(_) => given.clone(),
        }
    }

    /// Has it happen.
    pub(crate) async fn strike(&self, shop: &Shop, fault: Fault) -> Struck {
        match (fault, self) {
            (Fault::Slow(part), _) => Struck::Marked(mark(shop, "slow", part, SLOW)),
            (Fault::Failing(part), _) => Struck::Marked(mark(shop, "fail", part, "")),
            (Fault::Killed(part), Self::Containers(containers)) => {
                containers.each("kill", part).await;
                Struck::Down(part)
            }
            (Fault::Stopped(part), Self::Containers(containers)) => {
                containers.each("stop", part).await;
                Struck::Down(part)
            }
            (Fault::Frozen(part), Self::Containers(containers)) => {
                containers.each("pause", part).await;
                Struck::Paused(part)
            }
            (Fault::Cut { from, to }, Self::Containers(containers)) => {
                containers.cut(from, to).await;
                Struck::Cut(from)
            }
            (Fault::Killed(part), Self::Processes(launcher)) => {
                let control = launcher.shop(ARCHITECTURE).control();
                control.order(ARCHITECTURE, part, "kill").await;
                Struck::Down(part)
            }
            (Fault::Frozen(part), Self::Processes(launcher)) => {
                let control = launcher.shop(ARCHITECTURE).control();
                Struck::Frozen(Frozen::new(&control.process(ARCHITECTURE, part).await))
            }
            (Fault::Stopped(_) | Fault::Cut { .. }, Self::Processes(_)) => {
                panic!("{fault} takes containers")
            }
        }
    }

    /// Has it be over.
    pub(crate) async fn lift(&self, struck: Struck) {
        match (struck, self) {
            (Struck::Down(part), Self::Processes(launcher)) => {
                let control = launcher.shop(ARCHITECTURE).control();
                control.order(ARCHITECTURE, part, "start").await;
            }
            (Struck::Down(part), Self::Containers(containers)) => {
                containers.each("start", part).await;
            }
            (Struck::Paused(part), Self::Containers(containers)) => {
                containers.each("unpause", part).await;
            }
            (Struck::Cut(from), Self::Containers(containers)) => containers.mend(from).await,
            (dropped, _) => drop(dropped),
        }
    }

    /// How often breakers have opened, by caller and called.
    pub(crate) async fn opened(&self) -> BTreeMap<(&'static str, String), u64> {
        let each = join_all(CALLERS.map(async |caller| {
            // A caller may itself be what is frozen or gone.
            let asked = timeout(Duration::from_secs(1), self.upstreams(caller)).await;
            asked.unwrap_or_default().into_iter().map(move |state| {
                let name = state["name"].as_str().unwrap_or_default().to_owned();
                ((caller, name), state["opened"].as_u64().unwrap_or_default())
            })
        }));
        each.await.into_iter().flatten().collect()
    }

    async fn upstreams(&self, caller: &str) -> Vec<Value> {
        match self {
            Self::Processes(launcher) => {
                let control = launcher.shop(ARCHITECTURE).control();
                let asked = control.try_upstreams(ARCHITECTURE, caller).await;
                asked.unwrap_or_default()
            }
            Self::Containers(containers) => containers.upstreams(caller).await,
        }
    }
}

fn mark(shop: &Shop, what: &str, part: &str, says: &str) -> FailPoint {
    FailPoint::saying(shop, &format!("{what}.{part}"), says)
}
