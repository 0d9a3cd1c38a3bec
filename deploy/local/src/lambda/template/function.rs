//! Reads a function and the events that invoke it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::model::{
    Application, FunctionSpec, QueueSource, RouteSpec, ScheduleSender, ScheduleSpec,
};
use super::section::Section;

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
/// Longest integration timeout of an HTTP API, and its default ("Quotas for HTTP APIs").
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Concurrent batches Lambda starts with for a standard queue without `ScalingConfig`.
const DEFAULT_QUEUE_CONCURRENCY: usize = 5;

/// Reads an `AWS::Serverless::Function`, `Globals` merged into its properties.
pub(super) fn read_function(
    application: &mut Application,
    id: String,
    mut properties: Section<'_, '_>,
) {
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
            "HttpApi" => application.routes.push(read_route(function, properties)),
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

fn read_route(function: &str, mut properties: Section<'_, '_>) -> RouteSpec {
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
    RouteSpec {
        method,
        path,
        function: function.to_owned(),
        timeout,
    }
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
pub(super) fn queue_reference(value: &Value) -> Option<String> {
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
