//! How upstreams are: for people as JSON, for Prometheus as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::BreakerState;

/// How an upstream is, and what was counted since the process began.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamState {
    /// The service.
    pub name: String,
    /// Its circuit breaker.
    pub breaker: BreakerState,
    /// Calls under way.
    pub in_flight: usize,
    /// Retries that may be made right now.
    pub retry_budget: u64,
    /// Calls, whatever became of them.
    pub calls: u64,
    /// Attempts beyond the first of a call.
    pub retries: u64,
    /// Calls refused because too many were under way.
    pub shed: u64,
    /// Calls refused by the open breaker.
    pub refused: u64,
    /// Times the breaker opened.
    pub opened: u64,
    /// Calls that were out of time.
    pub late: u64,
    /// Its replicas.
    pub endpoints: Vec<EndpointState>,
}

/// How a replica is.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointState {
    /// Host and port.
    pub address: String,
    /// Whether it is left out for now.
    pub ejected: bool,
    /// Requests under way.
    pub in_flight: usize,
    /// Requests sent.
    pub requests: u64,
    /// Requests that got no answer or one of a fault.
    pub failures: u64,
    /// Times it was taken out.
    pub ejections: u64,
}

/// A family of metrics: its name, kind and meaning.
type Family = (&'static str, &'static str, &'static str);

/// Families, each with where its values come from.
type Families<T> = &'static [(Family, fn(&T) -> u64)];

/// The states as Prometheus reads them (text exposition format 0.0.4).
pub fn exposition(states: &[UpstreamState]) -> String {
    let mut text = String::new();
    for (family, value) in OF_UPSTREAMS {
        head(&mut text, *family);
        for state in states {
            let (name, value) = (&state.name, value(state));
            let _ = writeln!(text, "{}{{upstream=\"{name}\"}} {value}", family.0);
        }
    }
    for (family, value) in OF_ENDPOINTS {
        head(&mut text, *family);
        for state in states {
            for endpoint in &state.endpoints {
                let (name, address) = (&state.name, &endpoint.address);
                let labels = format!("upstream=\"{name}\",endpoint=\"{address}\"");
                let _ = writeln!(text, "{}{{{labels}}} {}", family.0, value(endpoint));
            }
        }
    }
    text
}

fn head(text: &mut String, (name, kind, meaning): Family) {
    let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} {kind}");
}

const OF_UPSTREAMS: Families<UpstreamState> = &[
    (
        (
            "upstream_breaker_state",
            "gauge",
            "0 closed, 1 half-open, 2 open.",
        ),
        |state| match state.breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        },
    ),
    (
        ("upstream_in_flight", "gauge", "Calls under way."),
        |state| state.in_flight as u64,
    ),
    (
        ("upstream_retry_budget", "gauge", "Retries left."),
        |state| state.retry_budget,
    ),
    (("upstream_calls_total", "counter", "Calls."), |state| {
        state.calls
    }),
    (
        (
            "upstream_retries_total",
            "counter",
            "Attempts beyond the first.",
        ),
        |state| state.retries,
    ),
    (
        ("upstream_shed_total", "counter", "Calls refused for load."),
        |state| state.shed,
    ),
    (
        (
            "upstream_refused_total",
            "counter",
            "Calls refused by the breaker.",
        ),
        |state| state.refused,
    ),
    (
        (
            "upstream_breaker_opened_total",
            "counter",
            "Times the breaker opened.",
        ),
        |state| state.opened,
    ),
    (
        ("upstream_late_total", "counter", "Calls out of time."),
        |state| state.late,
    ),
];

const OF_ENDPOINTS: Families<EndpointState> = &[
    (
        ("upstream_endpoint_ejected", "gauge", "1 while left out."),
        |endpoint| u64::from(endpoint.ejected),
    ),
    (
        (
            "upstream_endpoint_in_flight",
            "gauge",
            "Requests under way.",
        ),
        |endpoint| endpoint.in_flight as u64,
    ),
    (
        (
            "upstream_endpoint_requests_total",
            "counter",
            "Requests sent.",
        ),
        |endpoint| endpoint.requests,
    ),
    (
        (
            "upstream_endpoint_failures_total",
            "counter",
            "Requests failed.",
        ),
        |endpoint| endpoint.failures,
    ),
    (
        (
            "upstream_endpoint_ejections_total",
            "counter",
            "Times taken out.",
        ),
        |endpoint| endpoint.ejections,
    ),
];
