//! A month's bill for each architecture, item by item.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    measured::{Function, Measured, Service},
    prices::{Fargate, Lambda, LoadBalancer, Prices, tiered},
    traffic::{HOURS_A_MONTH, Traffic},
};

const MILLION: f64 = 1e6;

/// What is changed to see what would be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Options {
    /// The functions' memory, as a multiple of what they have.
    pub memory: f64,
    /// Whether instances for the mean load of the busiest hour are kept ready.
    pub provisioned: bool,
    /// Whether the services run on Spot capacity.
    pub spot: bool,
    /// Tasks of each service that always run, instead of what the file says.
    pub least_tasks: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory: 1.0,
            provisioned: false,
            spot: false,
            least_tasks: None,
        }
    }
}

/// Dollars a month, by item.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bill {
    /// The items.
    pub items: BTreeMap<&'static str, f64>,
    /// Of all invocations, how many started an instance; zero for services.
    pub cold_share: f64,
}

impl Bill {
    fn add(&mut self, item: &'static str, dollars: f64) {
        *self.items.entry(item).or_default() += dollars;
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.items.values().sum()
    }
}

/// What Lambda asks for so many invocations and GB-seconds.
pub fn lambda(prices: &Lambda, invocations: f64, gb_seconds: f64) -> (f64, f64) {
    let paid = (invocations - prices.free_requests).max(0.0);
    let seconds = (gb_seconds - prices.free_gb_seconds).max(0.0);
    (
        paid / MILLION * prices.million_requests,
        tiered(&prices.gb_second, seconds),
    )
}

/// What Fargate asks for CPU and memory.
pub fn fargate(prices: &Fargate, vcpu_hours: f64, gb_hours: f64) -> (f64, f64) {
    (vcpu_hours * prices.vcpu_hour, gb_hours * prices.gb_hour)
}

/// What a load balancer asks for a month's hours, each with its new connections a second, GB and evaluations of rules a
/// second: the most of a capacity unit's dimensions counts. (Connections that are open at once count too, but as they
/// are kept for a minute at most, never before new ones.)
pub fn load_balancer(
    prices: &LoadBalancer,
    hours: f64,
    connections: f64,
    gb: f64,
    rules: f64,
) -> f64 {
    let units = (connections / 25.0).max(gb).max(rules / 1000.0);
    hours * (prices.hour + units * prices.capacity_unit_hour)
}

/// What runs under both: database, NAT gateway, objects, traffic to the internet.
fn common(bill: &mut Bill, traffic: &Traffic, prices: &Prices) {
    let (assumed, database) = (&prices.assumptions, &prices.database);
    let requests = traffic.requests;
    let acus = traffic.hours().map(|rate| {
        (rate * assumed.database_acu_seconds_per_request).max(assumed.database_least_acus)
    });
    let acu_hours = acus.iter().sum::<f64>() / 24.0 * HOURS_A_MONTH;
    bill.add("database", acu_hours * database.acu_hour);
    bill.add("database", assumed.database_gb * database.gb_month);
    let ios = requests * assumed.database_ios_per_request;
    bill.add("database", ios / MILLION * database.million_ios);
    bill.add("NAT gateway", HOURS_A_MONTH * prices.nat_gateway.hour);
    let through = requests * assumed.nat_kb_per_request / MILLION;
    bill.add("NAT gateway", through * prices.nat_gateway.gb);
    let puts = requests * assumed.puts_per_request / 1000.0 * prices.s3.thousand_puts;
    let gets = requests * assumed.gets_per_request / 1000.0 * prices.s3.thousand_gets;
    bill.add("S3", puts + gets + assumed.stored_gb * prices.s3.gb_month);
    let out = (requests * assumed.response_kb / MILLION - prices.transfer.free_gb).max(0.0);
    bill.add("traffic out", out * prices.transfer.gb_out);
}

/// The services behind a load balancer, scaled by the hour to what must be answered at once.
pub fn services(
    measured: &[Service],
    traffic: &Traffic,
    prices: &Prices,
    options: Options,
) -> Bill {
    let assumed = &prices.assumptions;
    let mut bill = Bill::default();
    let capacity = assumed.task_vcpu * assumed.target_utilisation;
    let least = options.least_tasks.unwrap_or(assumed.least_tasks);
    let share = if options.spot {
        prices.fargate.spot_share
    } else {
        1.0
    };
    for service in measured {
        let cpu = service.cpu_seconds * assumed.core_in_vcpus;
        let tasks = |rate: f64| (rate * cpu / capacity).ceil().max(least);
        let hours = traffic.ready_for().map(tasks).iter().sum::<f64>() / 24.0 * HOURS_A_MONTH;
        let used = service.memory_mb / 1024.0 * assumed.memory_headroom;
        let gb = (used / assumed.task_gb).ceil().max(1.0) * assumed.task_gb;
        let (vcpus, memory) = fargate(&prices.fargate, hours * assumed.task_vcpu, hours * gb);
        bill.add("Fargate", (vcpus + memory) * share);
    }
    for rate in traffic.hours() {
        let connections = rate / assumed.requests_per_connection;
        let gb = rate * 3600.0 * assumed.response_kb / MILLION;
        let hours = HOURS_A_MONTH / 24.0;
        bill.add(
            "load balancer",
            load_balancer(&prices.load_balancer, hours, connections, gb, rate),
        );
    }
    let logged = traffic.requests * assumed.log_bytes_per_request / 1e9;
    bill.add("logs", logged * prices.logs.gb);
    common(&mut bill, traffic, prices);
    bill
}

/// A month of one function.
struct Month {
    invocations: f64,
    cold: f64,
    gb_seconds: f64,
    /// GB kept ready, if any are.
    ready_gb: f64,
}

/// Of a function's invocations at this rate, how many find no instance: with strangers coming at random, that nobody
/// came for as long as an idle instance is kept.
fn cold_share(rate: f64, prices: &Prices) -> f64 {
    let nobody = (-rate * prices.assumptions.idle_reaped_after_seconds).exp();
    nobody.max(prices.assumptions.cold_share_at_least)
}

fn month(function: &Function, traffic: &Traffic, prices: &Prices, options: Options) -> Month {
    let assumed = &prices.assumptions;
    let memory_mb = function.memory_mb * options.memory;
    // With less than a whole vCPU, what is CPU of a duration takes as much longer; waiting doesn't.
    let slower = (assumed.full_vcpu_at_mb / memory_mb.max(1.0)).max(1.0);
    let cpu_ms = function.cpu_ms * assumed.core_in_vcpus;
    let waits_ms = (function.duration_ms - function.cpu_ms).max(0.0);
    // Billed by the whole millisecond; half of one on average is lost to that.
    let warm_s = (waits_ms + cpu_ms * slower + 0.5) / 1000.0;
    // Initialising is not slowed: Lambda gives it a whole vCPU. It is billed.
    let init_s = function.init_ms / 1000.0;
    let invocations = traffic.requests * function.invocations;
    let mut cold = 0.0;
    for rate in traffic.hours() {
        let hour = rate * function.invocations * 3600.0 * HOURS_A_MONTH / 24.0;
        cold += hour * cold_share(rate * function.invocations, prices);
    }
    // A spike finds the instances of quiet times, and starts the others it needs.
    cold += traffic.spikes() * traffic.spike() * function.invocations * (warm_s + init_s);
    let gb = memory_mb / 1024.0;
    let busy = traffic.hours().into_iter().fold(0.0, f64::max) * function.invocations * warm_s;
    Month {
        invocations,
        cold: cold.min(invocations),
        gb_seconds: (invocations * warm_s + cold.min(invocations) * init_s) * gb,
        ready_gb: if options.provisioned {
            busy.ceil() * gb
        } else {
            0.0
        },
    }
}

/// The functions behind an HTTP API.
pub fn functions(
    measured: &[Function],
    traffic: &Traffic,
    prices: &Prices,
    options: Options,
) -> Bill {
    let assumed = &prices.assumptions;
    let mut bill = Bill::default();
    let months: Vec<Month> = measured
        .iter()
        .map(|function| month(function, traffic, prices, options))
        .collect();
    let sum = |of: fn(&Month) -> f64| months.iter().map(of).sum::<f64>();
    let (invocations, gb_seconds) = (
        sum(|month| month.invocations),
        sum(|month| month.gb_seconds),
    );
    if options.provisioned {
        // No free tier; what is kept ready is paid by the second, and running is cheaper.
        let ready = sum(|month| month.ready_gb) * HOURS_A_MONTH * 3600.0;
        bill.add(
            "Lambda requests",
            invocations / MILLION * prices.lambda.million_requests,
        );
        bill.add(
            "Lambda GB-seconds",
            gb_seconds * prices.lambda.provisioned_duration_gb_second,
        );
        bill.add(
            "Lambda kept ready",
            ready * prices.lambda.provisioned_gb_second,
        );
    } else {
        let (requests, duration) = lambda(&prices.lambda, invocations, gb_seconds);
        bill.add("Lambda requests", requests);
        bill.add("Lambda GB-seconds", duration);
        bill.cold_share = sum(|month| month.cold) / invocations.max(1e-9);
    }
    // The tiers are of requests, their prices of a million.
    bill.add(
        "HTTP API",
        tiered(&prices.http_api.million_requests, traffic.requests) / MILLION,
    );
    // An event is sent, received and deleted.
    let queue =
        (traffic.requests * assumed.events_per_request * 3.0 - prices.sqs.free_requests).max(0.0);
    bill.add("SQS", queue / MILLION * prices.sqs.million_requests);
    if assumed.functions_with_proxy {
        let database = &prices.database;
        let acus = traffic.hours().map(|rate| {
            (rate * assumed.database_acu_seconds_per_request).max(database.proxy_least_acus)
        });
        let hours = acus.iter().sum::<f64>() / 24.0 * HOURS_A_MONTH;
        bill.add("RDS Proxy", hours * database.proxy_acu_hour);
    }
    let logged = invocations * assumed.log_bytes_per_invocation / 1e9;
    bill.add("logs", logged * prices.logs.gb);
    common(&mut bill, traffic, prices);
    bill
}

/// Both bills: services, functions.
pub(super) fn both(
    measured: &Measured,
    traffic: &Traffic,
    prices: &Prices,
    options: Options,
) -> (Bill, Bill) {
    (
        services(&measured.services, traffic, prices, options),
        functions(&measured.functions, traffic, prices, options),
    )
}
