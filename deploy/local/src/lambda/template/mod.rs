//! Reads `deploy/aws/template.yaml`, the file that is deployed, so that the emulation can't drift
//! from the deployment. What the local host can't honour is refused by name, never ignored; what
//! has a meaning only on AWS (policies, tags, alarms) is on explicit lists.

mod bucket;
mod conditions;
mod function;
mod intrinsics;
pub(crate) mod model;
mod queue;
mod resources;
mod section;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use conditions::Conditions;
pub(crate) use intrinsics::Resolver;
use model::Application;
use section::Reading;

/// Region and account of the local host, as they appear in ARNs and events.
pub(crate) const REGION: &str = "us-east-1";
/// The account id local emulators commonly use.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The value of `AWS::StackName`.
const STACK: &str = "bothways-local";

/// Sections of the template that only matter in a deployment.
const DEPLOYMENT_ONLY_SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Outputs",
    "Rules",
];

/// Resources that only matter in a deployment: nothing local depends on their being there. Functions bring their tables
/// up to date themselves where they may, so migrations have nothing to wait for.
const DEPLOYMENT_ONLY_RESOURCES: &[&str] = &[
    "AWS::CloudFront::Distribution",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Topic",
    "AWS::SQS::QueuePolicy",
    "Custom::Migrations",
];

/// Reads the template.
///
/// `parameters` are the values a deployment would be given; `queue_endpoint` is the base of queue
/// URLs. The error names everything the host can't honour, a line each.
pub(crate) fn load(
    text: &str,
    parameters: &BTreeMap<String, String>,
    queue_endpoint: &str,
) -> Result<Application, Vec<String>> {
    let yaml: serde_norway::Value =
        serde_norway::from_str(text).map_err(|error| vec![format!("not YAML: {error}")])?;
    let Value::Object(mut template) = intrinsics::to_json(yaml).map_err(|error| vec![error])?
    else {
        return Err(vec!["the template is not a mapping".to_owned()]);
    };
    let mut resolver = Resolver::default();
    let mut early = bind_parameters(
        &mut resolver,
        object(template.remove("Parameters")),
        parameters,
    );
    let resources = decide(&resolver, &mut template)?;
    early.extend(bind_resources(&mut resolver, &resources, queue_endpoint));

    let reading = Reading::new(&resolver);
    check_sections(&reading, &mut template);
    let globals = object(template.remove("Globals"));
    let application = resources::read(&reading, resources, &globals);
    early.extend(reading.into_refusals());
    if early.is_empty() {
        Ok(application)
    } else {
        Err(early)
    }
}

/// The resources whose conditions hold. Everything an `Fn::If` leaves to choose, there and in `Globals`, is chosen.
fn decide(
    resolver: &Resolver,
    template: &mut Map<String, Value>,
) -> Result<Map<String, Value>, Vec<String>> {
    let conditions = Conditions::read(object(template.remove("Conditions")), resolver)?;
    let mut resources = Map::new();
    for (id, mut resource) in object(template.remove("Resources")) {
        let named = |problem: String| vec![format!("Resources.{id}: {problem}")];
        if conditions.keep(&mut resource).map_err(named)?
            && let Some(resource) = conditions.choose(resource).map_err(named)?
        {
            resources.insert(id, resource);
        }
    }
    if let Some(globals) = template.remove("Globals") {
        let globals = conditions.choose(globals);
        let globals = globals.map_err(|problem| vec![format!("Globals: {problem}")])?;
        template.extend(globals.map(|globals| ("Globals".to_owned(), globals)));
    }
    Ok(resources)
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn check_sections(reading: &Reading<'_>, template: &mut Map<String, Value>) {
    match template.remove("Transform") {
        Some(Value::String(name)) if name == "AWS::Serverless-2016-10-31" => {}
        _ => reading.refuse("Transform", "AWS::Serverless-2016-10-31 was expected"),
    }
    for key in template.keys() {
        if key != "Globals" && !DEPLOYMENT_ONLY_SECTIONS.contains(&key.as_str()) {
            reading.refuse(key, "the local host does not support this section");
        }
    }
}

/// Gives parameters their values: the launcher's, else the default.
fn bind_parameters(
    resolver: &mut Resolver,
    declared: Map<String, Value>,
    given: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for name in given.keys().filter(|name| !declared.contains_key(*name)) {
        problems.push(format!(
            "Parameters.{name}: the launcher sets it, the template lacks it"
        ));
    }
    for (name, declaration) in declared {
        let value = given.get(&name).map(|value| json!(value));
        match value.or_else(|| declaration.get("Default").cloned()) {
            Some(value) => {
                resolver.refs.insert(name, value);
            }
            None => problems.push(format!("Parameters.{name}: no value and no default")),
        }
    }
    for (name, value) in [
        ("AWS::Region", json!(REGION)),
        ("AWS::AccountId", json!(ACCOUNT)),
        ("AWS::Partition", json!("aws")),
        ("AWS::StackName", json!(STACK)),
        ("AWS::URLSuffix", json!("amazonaws.com")),
    ] {
        resolver.refs.insert(name.to_owned(), value);
    }
    problems
}

/// Gives resources their local names, URLs and ARNs, so that references to them resolve.
fn bind_resources(
    resolver: &mut Resolver,
    resources: &Map<String, Value>,
    queue_endpoint: &str,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (id, resource) in resources {
        let properties = &resource["Properties"];
        match resource["Type"].as_str() {
            Some("AWS::SQS::Queue") => match local_name(resolver, id, &properties["QueueName"]) {
                Ok(name) => bind_queue(resolver, id, &name, queue_endpoint),
                Err(error) => {
                    problems.push(format!("Resources.{id}.Properties.QueueName: {error}"));
                }
            },
            Some("AWS::Serverless::Function") => {
                match local_name(resolver, id, &properties["FunctionName"]) {
                    Ok(name) => bind_function(resolver, id, &name),
                    Err(error) => {
                        problems.push(format!("Resources.{id}.Properties.FunctionName: {error}"));
                    }
                }
            }
            Some("AWS::S3::Bucket") => {
                let name = match &properties["BucketName"] {
                    Value::Null => Ok(bucket::default_name(id)),
                    name => local_name(resolver, id, name),
                };
                match name {
                    Ok(name) => bind_bucket(resolver, id, &name),
                    Err(error) => {
                        problems.push(format!("Resources.{id}.Properties.BucketName: {error}"));
                    }
                }
            }
            Some("AWS::SecretsManager::Secret") => {
                match resolver.resolve(&properties["SecretString"]) {
                    Ok(Value::String(secret)) => bind_secret(resolver, id, secret),
                    Ok(_) => problems.push(format!(
                        "Resources.{id}.Properties.SecretString: the local host makes no secrets, text was expected"
                    )),
                    Err(error) => problems.push(format!("Resources.{id}.Properties.SecretString: {error}")),
                }
            }
            Some("AWS::Serverless::HttpApi") => {
                resolver.refs.insert(id.clone(), json!(id));
            }
            _ => {}
        }
    }
    problems
}

fn local_name(resolver: &Resolver, id: &str, name: &Value) -> Result<String, String> {
    match name {
        Value::Null => Ok(id.to_owned()),
        name => intrinsics::plain_text(&resolver.resolve(name)?),
    }
}

fn bind_queue(resolver: &mut Resolver, id: &str, name: &str, endpoint: &str) {
    let url = json!(format!("{endpoint}/{ACCOUNT}/{name}"));
    resolver.refs.insert(id.to_owned(), url.clone());
    for (attribute, value) in [
        (
            "Arn",
            json!(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")),
        ),
        ("QueueName", json!(name)),
        ("QueueUrl", url),
    ] {
        resolver
            .attributes
            .insert((id.to_owned(), attribute.to_owned()), value);
    }
}

fn bind_secret(resolver: &mut Resolver, id: &str, secret: String) {
    let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{id}");
    resolver.secrets.insert(arn.clone(), secret);
    resolver.refs.insert(id.to_owned(), json!(arn));
}

fn bind_bucket(resolver: &mut Resolver, id: &str, name: &str) {
    resolver.refs.insert(id.to_owned(), json!(name));
    let arn = json!(format!("arn:aws:s3:::{name}"));
    resolver
        .attributes
        .insert((id.to_owned(), "Arn".to_owned()), arn);
}

fn bind_function(resolver: &mut Resolver, id: &str, name: &str) {
    resolver.refs.insert(id.to_owned(), json!(name));
    let arn = json!(function_arn(name));
    resolver
        .attributes
        .insert((id.to_owned(), "Arn".to_owned()), arn);
}

/// The ARN of a function on the local host.
pub(crate) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

#[cfg(test)]
mod deployed_tests;
#[cfg(test)]
mod tests;
