//! Reads each kind of resource. Supported properties are taken; the rest is on the resource's
//! deployment-only list or refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::DEPLOYMENT_ONLY_RESOURCES;
use super::model::{
    ApiSpec, Application, CorsSpec, FunctionSpec, QueueSource, QueueSpec, RouteSpec,
    ScheduleSender, ScheduleSpec, ThrottleSpec,
};
use super::section::{Reading, Section};

/// Properties of a function without a meaning on a laptop. Memory is billed but not enforced.
const FUNCTION_DEPLOYMENT_ONLY: &[&str] = &[
    "Architectures",
    "CodeSigningConfigArn",
    "Description",
    "EphemeralStorage",
    "KmsKeyArn",
    "LoggingConfig",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "Role",
    "Tags",
    "Tracing",
    "VpcConfig",
];
const API_DEPLOYMENT_ONLY: &[&str] = &[
    "AccessLogSettings",
    "Description",
    "Domain",
    "FailOnWarnings",
    "Name",
    "PropagateTags",
    "Tags",
];
const QUEUE_DEPLOYMENT_ONLY: &[&str] = &[
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "Tags",
];
/// Attributes beside `Type` and `Properties` that only matter to `CloudFormation`.
const RESOURCE_DEPLOYMENT_ONLY: &[&str] = &[
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "UpdateReplacePolicy",
];
/// Longest integration timeout of an HTTP API, and its default ("Quotas for HTTP APIs").
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Concurrent batches Lambda starts with for a standard queue without `ScalingConfig`.
const DEFAULT_QUEUE_CONCURRENCY: usize = 5;

/// Reads all resources.
pub(super) fn read(
    reading: &Reading<'_>,
    resources: Map<String, Value>,
    globals: &Map<String, Value>,
) -> Application {
    let mut application = Application {
        api: ApiSpec::default(),
        functions: BTreeMap::new(),
        routes: Vec::new(),
        queues: BTreeMap::new(),
        queue_sources: Vec::new(),
        schedules: Vec::new(),
    };
    for key in globals
        .keys()
        .filter(|key| !["Function", "HttpApi"].contains(&key.as_str()))
    {
        reading.refuse(
            &format!("Globals.{key}"),
            "the local host does not support this section",
        );
    }
    for (id, resource) in resources {
        let mut section = reading.section(format!("Resources.{id}"), resource);
        let kind = section.text("Type").unwrap_or_default();
        if DEPLOYMENT_ONLY_RESOURCES.contains(&kind.as_str()) {
            continue;
        }
        let properties = section.raw("Properties").unwrap_or(Value::Null);
        let path = format!("{}.Properties", section.path);
        match kind.as_str() {
            "AWS::Serverless::HttpApi" => {
                let properties = reading.section(path, merged(globals.get("HttpApi"), properties));
                if !application.api.id.is_empty() {
                    section.refuse("Type", "the local host serves one HTTP API");
                }
                application.api = read_api(id, properties);
            }
            "AWS::Serverless::Function" => {
                let properties = reading.section(path, merged(globals.get("Function"), properties));
                read_function(&mut application, id, properties);
            }
            "AWS::SQS::Queue" => {
                let queue = read_queue(&id, reading.section(path, properties));
                application.queues.insert(id, queue);
            }
            other => section.refuse("Type", &format!("the local host does not support {other}")),
        }
        section.finish(RESOURCE_DEPLOYMENT_ONLY);
    }
    check_references(reading, &application);
    application
}

/// `Globals` under a resource's own properties: maps merge, lists concatenate, the rest is
/// overridden (AWS SAM, "Globals section").
fn merged(global: Option<&Value>, own: Value) -> Value {
    match (global, own) {
        (None, own) => own,
        (Some(global), Value::Null) => global.clone(),
        (Some(Value::Object(global)), Value::Object(own)) => {
            let mut result = global.clone();
            for (key, value) in own {
                let value = merged(global.get(&key), value);
                result.insert(key, value);
            }
            Value::Object(result)
        }
        (Some(Value::Array(global)), Value::Array(own)) => {
            Value::Array(global.iter().cloned().chain(own).collect())
        }
        (Some(_), own) => own,
    }
}

fn read_api(id: String, mut properties: Section<'_, '_>) -> ApiSpec {
    if properties
        .text("StageName")
        .is_some_and(|stage| stage != "$default")
    {
        properties.refuse("StageName", "the local host serves only the stage $default");
    }
    let cors = properties.section("CorsConfiguration").map(read_cors);
    let throttle = properties
        .section("DefaultRouteSettings")
        .and_then(|mut settings| {
            let rate = settings.number("ThrottlingRateLimit");
            let burst = settings.number("ThrottlingBurstLimit");
            settings.finish(&["DetailedMetricsEnabled"]);
            #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52")]
            Some(ThrottleSpec {
                rate: rate? as f64,
                burst: burst? as f64,
            })
        });
    properties.finish(API_DEPLOYMENT_ONLY);
    ApiSpec { id, cors, throttle }
}

fn read_cors(mut cors: Section<'_, '_>) -> CorsSpec {
    let spec = CorsSpec {
        allow_origins: cors.texts("AllowOrigins"),
        allow_methods: cors.texts("AllowMethods"),
        allow_headers: cors.texts("AllowHeaders"),
        expose_headers: cors.texts("ExposeHeaders"),
        max_age: cors.number("MaxAge"),
        allow_credentials: cors.flag("AllowCredentials").unwrap_or(false),
    };
    cors.finish(&[]);
    spec
}

fn read_function(application: &mut Application, id: String, mut properties: Section<'_, '_>) {
    if !properties
        .text("Runtime")
        .is_some_and(|runtime| runtime.starts_with("provided.al2"))
    {
        properties.refuse(
            "Runtime",
            "the local host runs provided.al2023 functions only",
        );
    }
    if properties
        .text("Handler")
        .is_some_and(|handler| handler != "bootstrap")
    {
        properties.refuse("Handler", "the handler of a provided runtime is bootstrap");
    }
    let code = properties.text("CodeUri").unwrap_or_default();
    let binary = code
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    if binary.is_empty() {
        properties.refuse("CodeUri", "the folder cargo lambda writes to was expected");
    }
    let environment = properties
        .section("Environment")
        .map(read_environment)
        .unwrap_or_default();
    let spec = FunctionSpec {
        name: properties
            .text("FunctionName")
            .unwrap_or_else(|| id.clone()),
        binary,
        memory_mb: properties.number("MemorySize").unwrap_or(128),
        timeout: Duration::from_secs(properties.number("Timeout").unwrap_or(3)),
        reserved_concurrency: properties
            .number("ReservedConcurrentExecutions")
            .and_then(|most| usize::try_from(most).ok()),
        environment,
    };
    let events = properties.section("Events");
    properties.finish(FUNCTION_DEPLOYMENT_ONLY);
    if let Some(events) = events {
        read_events(application, &id, spec.reserved_concurrency, events);
    }
    application.functions.insert(id, spec);
}

fn read_environment(mut environment: Section<'_, '_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    if let Some(mut section) = environment.section("Variables") {
        for name in section.keys() {
            if let Some(value) = section.text(&name) {
                variables.insert(name, value);
            }
        }
    }
    environment.finish(&[]);
    variables
}

fn read_events(
    application: &mut Application,
    function: &str,
    reserved: Option<usize>,
    mut events: Section<'_, '_>,
) {
    for name in events.keys() {
        let Some(mut event) = events.section(&name) else {
            continue;
        };
        let kind = event.text("Type").unwrap_or_default();
        let Some(properties) = event.section("Properties") else {
            event.refuse("Properties", "an event needs properties");
            continue;
        };
        match kind.as_str() {
            "HttpApi" => application.routes.extend(read_route(function, properties)),
            "SQS" => {
                application
                    .queue_sources
                    .extend(read_queue_source(function, reserved, properties));
            }
            "Schedule" | "ScheduleV2" => application.schedules.extend(read_schedule(
                function,
                &name,
                kind == "ScheduleV2",
                properties,
            )),
            other => event.refuse(
                "Type",
                &format!("the local host does not support {other} events"),
            ),
        }
        event.finish(&[]);
    }
}

fn read_route(function: &str, mut properties: Section<'_, '_>) -> Option<RouteSpec> {
    properties.value("ApiId");
    if properties
        .text("PayloadFormatVersion")
        .is_some_and(|version| version != "2.0")
    {
        properties.refuse("PayloadFormatVersion", "the local host speaks 2.0 only");
    }
    let timeout = properties
        .number("TimeoutInMillis")
        .map_or(INTEGRATION_TIMEOUT, Duration::from_millis);
    if timeout > INTEGRATION_TIMEOUT {
        properties.refuse("TimeoutInMillis", "an HTTP API waits 30 s at most");
    }
    let path = properties
        .text("Path")
        .unwrap_or_else(|| "$default".to_owned());
    let method = properties
        .text("Method")
        .map(|method| method.to_ascii_uppercase());
    properties.finish(&[]);
    let method =
        method.filter(|method| method != "ANY" && method != "X-AMAZON-APIGATEWAY-ANY-METHOD");
    Some(RouteSpec {
        method,
        path,
        function: function.to_owned(),
        timeout,
    })
}

fn read_queue_source(
    function: &str,
    reserved: Option<usize>,
    mut properties: Section<'_, '_>,
) -> Option<QueueSource> {
    let batch_size = properties.number("BatchSize").unwrap_or(10);
    let window = properties
        .number("MaximumBatchingWindowInSeconds")
        .unwrap_or(0);
    if batch_size == 0 || batch_size > 10_000 || (batch_size > 10 && window == 0) {
        properties.refuse("BatchSize", "1–10, or up to 10000 with a batching window");
    }
    let responses = properties.texts("FunctionResponseTypes");
    if responses
        .iter()
        .any(|kind| kind != "ReportBatchItemFailures")
    {
        properties.refuse(
            "FunctionResponseTypes",
            "only ReportBatchItemFailures exists",
        );
    }
    let scaling = properties.section("ScalingConfig").and_then(|mut scaling| {
        let most = scaling.number("MaximumConcurrency");
        if most.is_some_and(|most| !(2..=1000).contains(&most)) {
            scaling.refuse("MaximumConcurrency", "2–1000");
        }
        scaling.finish(&[]);
        usize::try_from(most?).ok()
    });
    if properties.flag("Enabled") == Some(false) {
        properties.refuse(
            "Enabled",
            "the local host does not support a disabled event source",
        );
    }
    let queue = properties
        .raw("Queue")
        .and_then(|queue| queue_reference(&queue));
    if queue.is_none() {
        properties.refuse("Queue", "!GetAtt of a queue's Arn was expected");
    }
    properties.finish(&[]);
    let maximum = scaling.unwrap_or(DEFAULT_QUEUE_CONCURRENCY);
    Some(QueueSource {
        function: function.to_owned(),
        queue: queue?,
        batch_size: usize::try_from(batch_size).ok()?,
        batching_window: Duration::from_secs(window),
        partial_failures: !responses.is_empty(),
        maximum_concurrency: reserved
            .map_or(maximum, |reserved| maximum.min(reserved))
            .max(1),
    })
}

/// The logical id in `!GetAtt Queue.Arn`.
fn queue_reference(value: &Value) -> Option<String> {
    let pair = value.get("Fn::GetAtt")?.as_array()?;
    (pair.get(1)? == "Arn").then(|| pair.first()?.as_str().map(str::to_owned))?
}

fn read_schedule(
    function: &str,
    event: &str,
    scheduler: bool,
    mut properties: Section<'_, '_>,
) -> Option<ScheduleSpec> {
    let (key, sender) = if scheduler {
        ("ScheduleExpression", ScheduleSender::Scheduler)
    } else {
        ("Schedule", ScheduleSender::EventBridgeRule)
    };
    let every = properties
        .text(key)
        .and_then(|expression| rate(&expression));
    if every.is_none() {
        properties.refuse(
            key,
            "the local host supports rate(N minutes|hours|days) only",
        );
    }
    let input = properties
        .text("Input")
        .map(|text| serde_json::from_str(&text).unwrap_or(json!(text)));
    if properties.flag("Enabled") == Some(false)
        || properties.text("State").is_some_and(|s| s != "ENABLED")
    {
        properties.refuse(
            "State",
            "the local host does not support a disabled schedule",
        );
    }
    let name = properties.text("Name").unwrap_or_else(|| event.to_owned());
    properties.finish(&[
        "Description",
        "FlexibleTimeWindow",
        "PermissionsBoundary",
        "RoleArn",
    ]);
    Some(ScheduleSpec {
        name,
        function: function.to_owned(),
        every: every?,
        input,
        sender,
    })
}

/// `rate(5 minutes)` as a duration.
fn rate(expression: &str) -> Option<Duration> {
    let inner = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    count
        .parse::<u64>()
        .ok()
        .filter(|count| *count > 0)
        .map(|count| Duration::from_secs(count * seconds))
}

fn read_queue(id: &str, mut properties: Section<'_, '_>) -> QueueSpec {
    let fifo = properties.flag("FifoQueue").unwrap_or(false);
    let name = properties
        .text("QueueName")
        .unwrap_or_else(|| id.to_owned());
    if fifo != name.ends_with(".fifo") {
        properties.refuse(
            "QueueName",
            "a FIFO queue's name ends in .fifo, and only a FIFO queue's",
        );
    }
    let seconds = |section: &mut Section<'_, '_>, key: &str, default: u64| {
        Duration::from_secs(section.number(key).unwrap_or(default))
    };
    let visibility_timeout = seconds(&mut properties, "VisibilityTimeout", 30);
    let delay = seconds(&mut properties, "DelaySeconds", 0);
    let retention = seconds(&mut properties, "MessageRetentionPeriod", 345_600);
    let receive_wait = seconds(&mut properties, "ReceiveMessageWaitTimeSeconds", 0);
    let size = properties.number("MaximumMessageSize").unwrap_or(1_048_576);
    let spec = QueueSpec {
        name,
        fifo,
        content_based_deduplication: properties
            .flag("ContentBasedDeduplication")
            .unwrap_or(false),
        visibility_timeout,
        delay,
        retention,
        receive_wait,
        maximum_message_size: usize::try_from(size).unwrap_or(1_048_576),
        redrive: properties.section("RedrivePolicy").and_then(read_redrive),
    };
    properties.finish(QUEUE_DEPLOYMENT_ONLY);
    spec
}

fn read_redrive(mut policy: Section<'_, '_>) -> Option<(String, u32)> {
    let target = policy
        .raw("deadLetterTargetArn")
        .and_then(|target| queue_reference(&target));
    if target.is_none() {
        policy.refuse(
            "deadLetterTargetArn",
            "!GetAtt of a queue's Arn was expected",
        );
    }
    let most = policy
        .number("maxReceiveCount")
        .and_then(|most| u32::try_from(most).ok());
    if most.is_none_or(|most| most == 0) {
        policy.refuse("maxReceiveCount", "at least 1 was expected");
    }
    policy.finish(&[]);
    Some((target?, most?))
}

/// References between resources, and rules that need both sides.
fn check_references(reading: &Reading<'_>, application: &Application) {
    for (id, queue) in &application.queues {
        let Some((target, _)) = &queue.redrive else {
            continue;
        };
        let path = format!("Resources.{id}.Properties.RedrivePolicy");
        match application.queues.get(target) {
            None => reading.refuse(&path, &format!("there is no queue {target}")),
            Some(_) if target == id => {
                reading.refuse(&path, "a queue can't be its own dead letters")
            }
            Some(target) if target.fifo != queue.fifo => {
                reading.refuse(
                    &path,
                    "a queue and its dead-letter queue are both FIFO or neither",
                );
            }
            Some(_) => {}
        }
    }
    for source in &application.queue_sources {
        let path = format!("Resources.{}.Properties.Events", source.function);
        match application.queues.get(&source.queue) {
            None => reading.refuse(&path, &format!("there is no queue {}", source.queue)),
            Some(queue)
                if queue.fifo && (source.batch_size > 10 || !source.batching_window.is_zero()) =>
            {
                reading.refuse(
                    &path,
                    "a FIFO queue has no batching window and batches of 10 at most",
                );
            }
            Some(queue)
                if queue.visibility_timeout < application.functions[&source.function].timeout =>
            {
                reading.refuse(
                    &path,
                    "the queue's visibility timeout is shorter than the function's",
                );
            }
            Some(_) => {}
        }
    }
}
