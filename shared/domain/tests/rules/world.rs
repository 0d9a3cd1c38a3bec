//! A shop in memory whose every part can fail or stop at any call, for driving the saga through all of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use bothways_domain::{
    Currency, Error, Money, Result,
    checkout::IntentStatus,
    id::{CartId, OrderId, ProductId},
    inventory::StockLine,
    time::{Clock, Entropy, Timestamp},
};

/// What happens at one call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it works.
    Works,
    /// It can't be reached, and nothing was done.
    Refused,
    /// It was done, but the answer is lost.
    AnswerLost,
    /// The process dies before it is done.
    DiesBefore,
    /// The process dies after it was done.
    DiesAfter,
}

/// A reservation in the world's inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Held,
    Released,
    Settled,
    Restocked,
}

/// Everything that would be in databases and at the payment provider: it survives every crash.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) checkouts: BTreeMap<OrderId, super::store::Row>,
    pub(crate) on_hand: u32,
    pub(crate) reservations: HashMap<OrderId, (Kept, u32)>,
    pub(crate) intents: BTreeMap<String, IntentStatus>,
    pub(crate) refunds: HashMap<OrderId, u32>,
    pub(crate) cart: u32,
    pub(crate) consumed: Vec<OrderId>,
}

/// The world: its state, its clock, and the faults still to come.
pub(crate) struct World {
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) declines: bool,
    clock: AtomicI64,
    counter: AtomicU64,
}

impl World {
    /// A world with some stock and some of it in the cart; `faults` come in order, one per call.
    pub(crate) fn new(
        on_hand: u32,
        cart: u32,
        declines: bool,
        mut faults: Vec<Fault>,
    ) -> Arc<Self> {
        faults.reverse();
        let state = State {
            on_hand,
            cart,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            faults: Mutex::new(faults),
            declines,
            clock: AtomicI64::new(1_000_000),
            counter: AtomicU64::new(1),
        })
    }

    /// Does `work` unless the next fault says otherwise. A death is a future that never ends, which the test drops.
    pub(crate) async fn call<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T> {
        let fault = self.faults.lock().unwrap().pop().unwrap_or(Fault::Works);
        match fault {
            Fault::Works => Ok(work(&mut self.state.lock().unwrap())),
            Fault::Refused => Err(Error::unavailable("the world")),
            Fault::AnswerLost => {
                work(&mut self.state.lock().unwrap());
                Err(Error::unavailable("the world"))
            }
            Fault::DiesBefore => std::future::pending().await,
            Fault::DiesAfter => {
                work(&mut self.state.lock().unwrap());
                std::future::pending().await
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }
}

impl Entropy for World {
    fn bits(&self) -> [u8; 16] {
        u128::from(self.counter.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

pub(crate) fn product() -> ProductId {
    ProductId::parse("kettle").unwrap()
}

pub(crate) fn cart() -> CartId {
    CartId::parse("cart").unwrap()
}

pub(crate) fn price() -> Money {
    Money::new(1_299, Currency::USD)
}

/// The units a set of lines asks for; the world sells one product.
pub(crate) fn units(lines: &[StockLine]) -> u32 {
    lines.iter().map(|line| line.quantity).sum()
}
