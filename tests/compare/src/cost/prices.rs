//! The file of prices: one, dated, the user's to edit (`tests/compare/prices.yaml`).

use serde::{Deserialize, Serialize};

/// A price for the part of a quantity up to a bound; without one, for the rest.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The quantity at which this price ends.
    pub up_to: Option<f64>,
    /// Dollars for each unit in this tier.
    pub price: f64,
}

/// What `quantity` costs in tiers, each priced for the part of it that lies there.
pub fn tiered(tiers: &[Tier], quantity: f64) -> f64 {
    let mut below = 0.0;
    let mut sum = 0.0;
    for tier in tiers {
        let end = tier.up_to.unwrap_or(f64::INFINITY);
        sum += (quantity.min(end) - below).max(0.0) * tier.price;
        below = end;
    }
    sum
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),+ }
    };
}

section! {
    /// Everything the model needs from outside.
    Prices {
        /// When somebody last looked.
        dated: String,
        /// Where these prices are asked.
        region: String,
        /// AWS Lambda.
        lambda: Lambda,
        /// API Gateway, HTTP APIs.
        http_api: HttpApi,
        /// ECS on Fargate, Linux on x86.
        fargate: Fargate,
        /// Application Load Balancer.
        load_balancer: LoadBalancer,
        /// Aurora Serverless v2.
        database: Database,
        /// NAT gateway.
        nat_gateway: NatGateway,
        /// SQS.
        sqs: Sqs,
        /// S3.
        s3: S3,
        /// Logs that are kept.
        logs: Logs,
        /// To the internet.
        transfer: Transfer,
        /// What the experiments cannot know.
        assumptions: Assumptions,
    }
}

section! {
    /// AWS Lambda.
    Lambda {
        /// A million invocations.
        million_requests: f64,
        /// Invocations a month for nothing.
        free_requests: f64,
        /// A GB-second, by tier.
        gb_second: Vec<Tier>,
        /// GB-seconds a month for nothing.
        free_gb_seconds: f64,
        /// A GB-second of being kept ready.
        provisioned_gb_second: f64,
        /// A GB-second of running, kept ready.
        provisioned_duration_gb_second: f64,
    }
}

section! {
    /// API Gateway, HTTP APIs.
    HttpApi {
        /// A million requests, by tier of requests.
        million_requests: Vec<Tier>,
    }
}

section! {
    /// Fargate.
    Fargate {
        /// A vCPU for an hour.
        vcpu_hour: f64,
        /// A GB for an hour.
        gb_hour: f64,
        /// What Spot costs of that.
        spot_share: f64,
    }
}

section! {
    /// Application Load Balancer.
    LoadBalancer {
        /// An hour.
        hour: f64,
        /// A capacity unit for an hour.
        capacity_unit_hour: f64,
    }
}

section! {
    /// Aurora Serverless v2 with RDS Proxy.
    Database {
        /// A capacity unit for an hour.
        acu_hour: f64,
        /// A GB for a month.
        gb_month: f64,
        /// A million I/Os.
        million_ios: f64,
        /// RDS Proxy, for each capacity unit and hour.
        proxy_acu_hour: f64,
        /// Capacity units that RDS Proxy is paid for at least.
        proxy_least_acus: f64,
    }
}

section! {
    /// NAT gateway.
    NatGateway {
        /// An hour.
        hour: f64,
        /// A GB through it.
        gb: f64,
    }
}

section! {
    /// SQS, FIFO queues.
    Sqs {
        /// A million requests.
        million_requests: f64,
        /// Requests a month for nothing.
        free_requests: f64,
    }
}

section! {
    /// S3.
    S3 {
        /// A thousand writes.
        thousand_puts: f64,
        /// A thousand reads.
        thousand_gets: f64,
        /// A GB for a month.
        gb_month: f64,
    }
}

section! {
    /// Logs that are kept.
    Logs {
        /// A GB taken in.
        gb: f64,
    }
}

section! {
    /// To the internet.
    Transfer {
        /// A GB.
        gb_out: f64,
        /// GB a month for nothing.
        free_gb: f64,
    }
}

section! {
    /// What the experiments cannot know; the file says what each is.
    Assumptions {
        /// vCPUs that do what a core of the measuring machine does.
        core_in_vcpus: f64,
        /// Tasks of each service that always run.
        least_tasks: f64,
        /// How busy the services' CPUs may be.
        target_utilisation: f64,
        /// vCPUs of a task.
        task_vcpu: f64,
        /// The step in which a task's memory grows, in GB.
        task_gb: f64,
        /// Memory given to memory used.
        memory_headroom: f64,
        /// Memory at which a function has a whole vCPU.
        full_vcpu_at_mb: f64,
        /// What AWS adds to an instance's start, in milliseconds; it is waited for and not billed.
        micro_vm_ms: f64,
        /// How long an idle instance is kept.
        idle_reaped_after_seconds: f64,
        /// Invocations that find no warm instance however busy the function is.
        cold_share_at_least: f64,
        /// An answer's size.
        response_kb: f64,
        /// Requests on a connection.
        requests_per_connection: f64,
        /// What services log.
        log_bytes_per_request: f64,
        /// What functions log.
        log_bytes_per_invocation: f64,
        /// Events that follow from a request.
        events_per_request: f64,
        /// Through the NAT gateway.
        nat_kb_per_request: f64,
        /// Writes to S3.
        puts_per_request: f64,
        /// Reads from S3.
        gets_per_request: f64,
        /// Pictures and snapshots.
        stored_gb: f64,
        /// The database's size.
        database_gb: f64,
        /// Its least capacity.
        database_least_acus: f64,
        /// Its work.
        database_acu_seconds_per_request: f64,
        /// Its I/Os.
        database_ios_per_request: f64,
        /// Whether functions reach it through RDS Proxy.
        functions_with_proxy: bool,
    }
}

/// The file as it is in the repository.
const OURS: &str = include_str!("../../prices.yaml");

impl Prices {
    /// Those of the repository.
    pub fn ours() -> Result<Self, String> {
        Self::parse(OURS)
    }

    /// Reads a file of prices.
    pub fn parse(text: &str) -> Result<Self, String> {
        let prices: Self = serde_norway::from_str(text).map_err(|error| error.to_string())?;
        for tiers in [&prices.lambda.gb_second, &prices.http_api.million_requests] {
            let bounds: Vec<f64> = tiers.iter().filter_map(|tier| tier.up_to).collect();
            let open = tiers.last().is_some_and(|tier| tier.up_to.is_none());
            if !open || bounds.len() + 1 != tiers.len() || !bounds.is_sorted() {
                return Err("tiers rise, and the last has no up_to".to_owned());
            }
        }
        let assumed = &prices.assumptions;
        if !(assumed.target_utilisation > 0.0 && assumed.target_utilisation <= 1.0) {
            return Err("target_utilisation is more than 0 and at most 1".to_owned());
        }
        if assumed.task_vcpu <= 0.0
            || assumed.task_gb <= 0.0
            || assumed.requests_per_connection <= 0.0
        {
            return Err(
                "task_vcpu, task_gb and requests_per_connection are more than 0".to_owned(),
            );
        }
        Ok(prices)
    }
}
