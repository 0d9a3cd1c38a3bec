//! A function on the real Lambda runtime client that does what its event asks, misbehaviour
//! included: what the tests of the local host run.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("EXIT_AT_START").is_some() {
        std::process::exit(3);
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    // An HTTP event carries what to do in its path, a queue's in its first message.
    let asked = event.payload["rawPath"]
        .as_str()
        .or(event.payload["Records"][0]["body"].as_str())
        .or(event.payload["do"].as_str())
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    match asked.split_once('/').unwrap_or((&asked, "")) {
        ("sleep", milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds.parse()?)).await;
        }
        ("exit", _) => std::process::exit(7),
        ("fail", _) => return Err("asked to fail".into()),
        ("large", megabytes) => return Ok(json!("x".repeat(megabytes.parse::<usize>()? << 20))),
        ("fail-items", _) => {
            let failures: Vec<Value> = event.payload["Records"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|record| record["body"] != "good")
                .map(|record| json!({"itemIdentifier": record["messageId"]}))
                .collect();
            return Ok(json!({ "batchItemFailures": failures }));
        }
        _ => {}
    }
    let body = json!({
        "pid": std::process::id(),
        "function": event.context.env_config.function_name,
        "request_id": event.context.request_id,
        "deadline": event.context.deadline,
        "trace_id": event.context.xray_trace_id,
        "arn": event.context.invoked_function_arn,
        "greeting": std::env::var("GREETING").unwrap_or_default(),
        "region": std::env::var("AWS_REGION").unwrap_or_default(),
        "event": event.payload,
    });
    Ok(json!({
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": body.to_string(),
    }))
}
