//! Reads each kind of resource. Supported properties are taken; the rest is on the resource's
//! deployment-only list or refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::DEPLOYMENT_ONLY_RESOURCES;
use super::bucket::read_bucket;
use super::function::read_function;
use super::model::{ApiSpec, Application, CorsSpec, ThrottleSpec};
use super::queue::read_queue;
use super::section::{Reading, Section};

/// Properties of the API without a meaning on a laptop.
const API_DEPLOYMENT_ONLY: &[&str] = &[
    "AccessLogSettings",
    "Description",
    "Domain",
    "FailOnWarnings",
    "Name",
    "PropagateTags",
    "Tags",
];
/// Attributes beside `Type` and `Properties` that only matter to `CloudFormation`.
const RESOURCE_DEPLOYMENT_ONLY: &[&str] = &[
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "UpdateReplacePolicy",
];

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
        buckets: BTreeMap::new(),
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
        // Secrets have been bound to their references by now.
        let bound = kind == "AWS::SecretsManager::Secret";
        if bound || DEPLOYMENT_ONLY_RESOURCES.contains(&kind.as_str()) {
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
            "AWS::S3::Bucket" => {
                let bucket = read_bucket(&id, reading.section(path, properties));
                application.buckets.insert(id, bucket);
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
        (_, own) => own,
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
                reading.refuse(&path, "a queue can't be its own dead letters");
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
    check_notifications(reading, application);
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

fn check_notifications(reading: &Reading<'_>, application: &Application) {
    for (id, bucket) in &application.buckets {
        let path = format!("Resources.{id}.Properties.NotificationConfiguration");
        for notification in &bucket.notifications {
            match application.queues.get(&notification.queue) {
                None => reading.refuse(&path, &format!("there is no queue {}", notification.queue)),
                Some(queue) if queue.fifo => {
                    reading.refuse(&path, "a bucket can't notify a FIFO queue");
                }
                Some(_) => {}
            }
        }
    }
}
