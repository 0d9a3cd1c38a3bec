//! Work that a deployment waits for: a function that `CloudFormation` invokes for a custom resource.

use std::{process::ExitCode, sync::Arc};

use bothways_http::problem::causes;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::{Result, Settings, Shop, entry, stores::Opening};

/// Runs the function `name`, which does `work` when its custom resource is made or changed, and says there how it went;
/// nothing has to be undone when that is deleted. Invoked with anything else it does the work, too: an error is
/// the invocation's then.
pub fn deployment_function<W>(name: &'static str, work: W) -> ExitCode
where
    W: AsyncFn(Arc<Shop>) -> Result<()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    entry::run(name, runtime, async {
        let work = &work;
        let invoked = async |event: LambdaEvent<Value>| -> Result<Value> {
            let request = Request::of(&event.payload);
            let deleted = request.as_ref().is_some_and(|request| request.deletes);
            let outcome = async {
                if deleted {
                    return Ok(());
                }
                // Opened for each invocation: what is wrong with a setting has to reach the deployment that waits.
                work(Arc::new(Shop::open(Settings, Opening::Ahead(1))?)).await
            };
            let outcome = outcome.await;
            match request {
                Some(request) => request.respond(outcome).await?,
                None => outcome?,
            }
            Ok(json!({ "done": true }))
        };
        lambda_runtime::run(service_fn(invoked)).await
    })
}

/// What `CloudFormation` asks, and where it waits for the answer (AWS `CloudFormation` User Guide, "Custom resource request
/// objects").
struct Request {
    url: String,
    deletes: bool,
    stack: Value,
    number: Value,
    logical: Value,
    physical: String,
}

impl Request {
    fn of(event: &Value) -> Option<Self> {
        let url = event["ResponseURL"].as_str()?.to_owned();
        let logical = event["LogicalResourceId"].clone();
        // The same one every time, or CloudFormation would take it for another resource and delete the first.
        let physical = event["PhysicalResourceId"].as_str();
        let physical = physical.or(logical.as_str()).unwrap_or("done").to_owned();
        Some(Self {
            url,
            deletes: event["RequestType"] == "Delete",
            stack: event["StackId"].clone(),
            number: event["RequestId"].clone(),
            logical,
            physical,
        })
    }

    fn answer(&self, outcome: Result<()>) -> Value {
        let (status, reason) = match outcome {
            Ok(()) => ("SUCCESS", String::new()),
            Err(error) => {
                let reason = causes(error.as_ref());
                tracing::error!(reason, "the deployment is told that this failed");
                ("FAILED", reason)
            }
        };
        json!({
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": self.physical,
            "StackId": self.stack,
            "RequestId": self.number,
            "LogicalResourceId": self.logical,
        })
    }

    async fn respond(self, outcome: Result<()>) -> Result<()> {
        let answer = self.answer(outcome).to_string();
        // A presigned URL of S3: it was signed for no content type.
        let response = reqwest::Client::new().put(&self.url).body(answer);
        response.send().await?.error_for_status()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Value {
        json!({
            "RequestType": kind, "ResponseURL": "http://127.0.0.1:1/", "StackId": "arn:stack", "RequestId": "r-1",
            "LogicalResourceId": "Migrations", "ResourceType": "Custom::Migrations",
        })
    }

    #[test]
    fn the_answer_names_the_request_and_how_it_went() {
        let request = Request::of(&event("Create")).unwrap();
        let answer = request.answer(Err("no such host".into()));
        assert_eq!(
            answer,
            json!({
                "Status": "FAILED", "Reason": "no such host", "PhysicalResourceId": "Migrations",
                "StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "Migrations",
            })
        );
        assert_eq!(request.answer(Ok(()))["Status"], "SUCCESS");
        assert!(!request.deletes && Request::of(&event("Delete")).unwrap().deletes);
    }

    #[test]
    fn a_resource_keeps_its_id_and_a_hand_asks_without_one() {
        let mut again = event("Update");
        again["PhysicalResourceId"] = json!("old");
        assert_eq!(Request::of(&again).unwrap().physical, "old");
        assert!(Request::of(&json!({})).is_none());
    }
}
