//! What goes wrong.

use std::fmt;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A service is gone at once, as by `kill -9`.
    Killed(&'static str),
    /// A service is there and does nothing (SIGSTOP).
    Frozen(&'static str),
    /// A service takes 2 s longer for each request.
    Slow(&'static str),
    /// A service answers every request with 500.
    Failing(&'static str),
    /// A component is stopped.
    Stopped(&'static str),
    /// What one sends the other does not arrive.
    Cut {
        from: &'static str,
        to: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(part) => write!(out, "{part} killed"),
            Self::Frozen(part) => write!(out, "{part} frozen"),
            Self::Slow(part) => write!(out, "{part} 2 s slow"),
            Self::Failing(part) => write!(out, "{part} answers 500"),
            Self::Stopped(part) => write!(out, "{part} stopped"),
            Self::Cut { from, to } => write!(out, "network from {from} to {to} cut"),
        }
    }
}

impl Fault {
    /// Whether nobody answers, rather than somebody with a refusal: what waits has to run out of patience first.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Frozen(_) | Self::Slow(_) | Self::Cut { .. })
    }
}

/// The services that can be slow or fail.
const SERVICES: [&str; 10] = [
    "product",
    "inventory",
    "cart",
    "checkout",
    "identity",
    "search",
    "indexer",
    "media",
    "fulfilment",
    "storefront",
];
/// What is there besides.
const COMPONENTS: [&str; 3] = ["postgres", "nats", "objects"];
/// Who can't reach whom.
const CUTS: [(&str, &str); 4] = [
    ("gateway", "product"),
    ("product", "inventory"),
    ("checkout", "inventory"),
    ("checkout", "payment-sandbox"),
];

/// What can happen to a service.
fn of_service(service: &'static str) -> [Fault; 4] {
    [
        Fault::Killed(service),
        Fault::Frozen(service),
        Fault::Slow(service),
        Fault::Failing(service),
    ]
}

/// The payment provider's stand-in, which is no service of the shop's, is only there or not.
const PAYMENT: [Fault; 2] = [
    Fault::Killed("payment-sandbox"),
    Fault::Frozen("payment-sandbox"),
];

/// What can happen to containers: for the whole table everything, otherwise what needs containers or is another thing in
/// them than in processes.
pub(crate) fn in_containers(everything: bool) -> Vec<Fault> {
    let services = SERVICES.into_iter().flat_map(of_service).chain(PAYMENT);
    let components = COMPONENTS.into_iter().map(Fault::Stopped);
    let cuts = CUTS.into_iter().map(|(from, to)| Fault::Cut { from, to });
    let all = services.chain(components).chain(cuts);
    let same =
        |fault: &Fault| matches!(fault, Fault::Frozen(_) | Fault::Slow(_) | Fault::Failing(_));
    all.filter(|fault| everything || !same(fault)).collect()
}

/// What can happen to processes, in so many shares of about the same length.
pub(crate) fn in_processes(shares: usize) -> Vec<Vec<Fault>> {
    let mut lanes = vec![Vec::new(); shares];
    for (number, service) in SERVICES.into_iter().enumerate() {
        lanes[number % shares].extend(of_service(service));
    }
    lanes[shares - 1].extend(PAYMENT);
    lanes
}
