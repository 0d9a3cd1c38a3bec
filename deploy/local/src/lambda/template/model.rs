//! What the local host understands of the template, after every reference has been resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

/// Everything the template deploys that runs on the local host.
#[derive(Debug)]
pub(crate) struct Application {
    /// The HTTP API in front of the functions.
    pub(crate) api: ApiSpec,
    /// Functions by logical id.
    pub(crate) functions: BTreeMap<String, FunctionSpec>,
    /// Routes of the HTTP API.
    pub(crate) routes: Vec<RouteSpec>,
    /// Queues by logical id.
    pub(crate) queues: BTreeMap<String, QueueSpec>,
    /// Buckets by logical id.
    pub(crate) buckets: BTreeMap<String, BucketSpec>,
    /// Queues that invoke functions.
    pub(crate) queue_sources: Vec<QueueSource>,
    /// Schedules that invoke functions.
    pub(crate) schedules: Vec<ScheduleSpec>,
}

impl Application {
    /// Leaves out every function but those with these binaries, and what invokes them.
    pub(crate) fn keep(&mut self, binaries: &BTreeSet<String>) {
        self.functions
            .retain(|_, function| binaries.contains(&function.binary));
        let functions = &self.functions;
        self.routes
            .retain(|route| functions.contains_key(&route.function));
        self.queue_sources
            .retain(|source| functions.contains_key(&source.function));
        self.schedules
            .retain(|schedule| functions.contains_key(&schedule.function));
    }
}

/// An `AWS::Serverless::HttpApi`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiSpec {
    /// Logical id, which also serves as the API id.
    pub(crate) id: String,
    /// Cross-origin settings; without them API Gateway adds no CORS header.
    pub(crate) cors: Option<CorsSpec>,
    /// Token bucket of the stage.
    pub(crate) throttle: Option<ThrottleSpec>,
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Debug, Clone, Default)]
pub(crate) struct CorsSpec {
    /// Origins that may read responses; `*` for any.
    pub(crate) allow_origins: Vec<String>,
    /// Methods a preflight may ask for.
    pub(crate) allow_methods: Vec<String>,
    /// Request headers a preflight may ask for.
    pub(crate) allow_headers: Vec<String>,
    /// Response headers a script may read.
    pub(crate) expose_headers: Vec<String>,
    /// Seconds a preflight may be cached.
    pub(crate) max_age: Option<u64>,
    /// Whether cookies may be sent.
    pub(crate) allow_credentials: bool,
}

/// `DefaultRouteSettings` of a stage: a token bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThrottleSpec {
    /// Tokens a second.
    pub(crate) rate: f64,
    /// Size of the bucket.
    pub(crate) burst: f64,
}

/// An `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub(crate) struct FunctionSpec {
    /// `FunctionName`, or the logical id.
    pub(crate) name: String,
    /// Name of the binary: the last folder of `CodeUri`, where cargo-lambda puts `bootstrap`.
    pub(crate) binary: String,
    /// Configured memory in MB: what is billed, not enforced locally.
    pub(crate) memory_mb: u64,
    /// How long one invocation may take.
    pub(crate) timeout: Duration,
    /// Most invocations in flight, when reserved.
    pub(crate) reserved_concurrency: Option<usize>,
    /// Variables of the function's environment.
    pub(crate) environment: BTreeMap<String, String>,
}

/// One route of the HTTP API.
#[derive(Debug, Clone)]
pub(crate) struct RouteSpec {
    /// Method, or `None` for `ANY`.
    pub(crate) method: Option<String>,
    /// Path such as `/api/carts/{proxy+}`, or `$default`.
    pub(crate) path: String,
    /// Logical id of the function.
    pub(crate) function: String,
    /// Integration timeout.
    pub(crate) timeout: Duration,
}

/// An `AWS::SQS::Queue`.
#[derive(Debug, Clone)]
pub(crate) struct QueueSpec {
    /// Queue name, ending in `.fifo` for a FIFO queue.
    pub(crate) name: String,
    /// Whether order is kept per message group.
    pub(crate) fifo: bool,
    /// Whether the deduplication id is the body's SHA-256 when none is given.
    pub(crate) content_based_deduplication: bool,
    /// How long a received message stays hidden.
    pub(crate) visibility_timeout: Duration,
    /// How long a new message stays hidden.
    pub(crate) delay: Duration,
    /// How long a message is kept.
    pub(crate) retention: Duration,
    /// Default long-poll time of `ReceiveMessage`.
    pub(crate) receive_wait: Duration,
    /// Largest message in bytes.
    pub(crate) maximum_message_size: usize,
    /// Logical id of the dead-letter queue, and after how many receives a message goes there.
    pub(crate) redrive: Option<(String, u32)>,
}

/// An `AWS::S3::Bucket`.
#[derive(Debug, Clone)]
pub(crate) struct BucketSpec {
    /// `BucketName`, or the stack's name and the logical id.
    pub(crate) name: String,
    /// Queues that are told of new objects.
    pub(crate) notifications: Vec<NotificationSpec>,
}

/// A queue that is told of a bucket's new objects.
#[derive(Debug, Clone)]
pub(crate) struct NotificationSpec {
    /// Logical id of the queue.
    pub(crate) queue: String,
    /// How an object has to come to be: `Put`, `Copy`, `CompleteMultipartUpload`, or `*` for any.
    pub(crate) created: String,
    /// What its key has to begin with.
    pub(crate) prefix: String,
    /// What its key has to end in.
    pub(crate) suffix: String,
}

impl NotificationSpec {
    /// Whether the queue is to hear of an object that came to be in this way.
    pub(crate) fn wants(&self, created: &str, key: &str) -> bool {
        (self.created == "*" || self.created == created)
            && key.starts_with(&self.prefix)
            && key.ends_with(&self.suffix)
    }
}

/// An event source mapping from a queue to a function.
#[derive(Debug, Clone)]
pub(crate) struct QueueSource {
    /// Logical id of the function.
    pub(crate) function: String,
    /// Logical id of the queue.
    pub(crate) queue: String,
    /// Most messages in one invocation.
    pub(crate) batch_size: usize,
    /// How long a batch may gather.
    pub(crate) batching_window: Duration,
    /// Whether the function names the messages it failed (`ReportBatchItemFailures`).
    pub(crate) partial_failures: bool,
    /// Most invocations at once.
    pub(crate) maximum_concurrency: usize,
}

/// A schedule that invokes a function.
#[derive(Debug, Clone)]
pub(crate) struct ScheduleSpec {
    /// Name of the rule, used in the event.
    pub(crate) name: String,
    /// Logical id of the function.
    pub(crate) function: String,
    /// Time from one invocation to the next.
    pub(crate) every: Duration,
    /// The event to send, instead of the service's own.
    pub(crate) input: Option<Value>,
    /// Which service's event the function gets.
    pub(crate) sender: ScheduleSender,
}

/// The two AWS services that run schedules send slightly different events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScheduleSender {
    /// SAM `Schedule`: an `EventBridge` rule.
    EventBridgeRule,
    /// SAM `ScheduleV2`: `EventBridge` Scheduler.
    Scheduler,
}
