//! The documents about the API.

use std::sync::Arc;

use async_trait::async_trait;
use bothways_http::{
    openapi,
    system::{self, Readiness},
};
use serde_json::Value;

use crate::ask::{get, with_edge};

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

/// All `$ref`s below `value`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| references(element, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_3_1_and_names_nothing_it_does_not_define() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_says_what_it_answers_and_how_it_fails() {
    let document = document();
    let (mut ids, mut count) = (Vec::new(), 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{method} {path}"
            );
            let fault = &responses["500"]["content"]["application/problem+json"]["schema"];
            assert_eq!(
                fault["$ref"], "#/components/schemas/Problem",
                "{method} {path}"
            );
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
    assert_eq!(count, 37);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
}

#[test]
fn imports_are_described_as_lines_of_json() {
    for path in ["/api/products/import", "/api/inventory/import"] {
        let body = document()["paths"][path]["post"]["requestBody"]["content"].clone();
        assert!(body["application/x-ndjson"].is_object(), "{body}");
    }
}

#[tokio::test]
async fn the_documents_are_served_and_the_page_loads_nothing() {
    let router = with_edge(system::docs_router());
    assert_eq!(get(&router, "/api/openapi.json").await.json(), document());
    let page = get(&router, "/api/docs").await;
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'sha256-") && policy.contains("frame-ancestors 'none'"));
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    for path in document()["paths"].as_object().unwrap().keys() {
        assert!(html.contains(path.as_str()), "{path}");
    }
    assert!(!html.contains("<script"));
}

struct Broken(&'static [&'static str]);

#[async_trait]
impl Readiness for Broken {
    async fn missing(&self) -> Vec<String> {
        self.0.iter().map(|name| (*name).to_owned()).collect()
    }
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let ready = with_edge(system::health(Arc::new(Broken(&[]))));
    assert_eq!(get(&ready, "/readyz").await.status, 200);
    let broken = with_edge(system::health(Arc::new(Broken(&["the cart database"]))));
    assert_eq!(get(&broken, "/healthz").await.status, 200);
    let problem = get(&broken, "/readyz").await.problem(503, "unavailable");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("the cart database")
    );
}

#[tokio::test]
async fn about_says_the_architecture_and_the_version() {
    let about = get(&with_edge(system::about("serverless")), "/api/about")
        .await
        .json();
    assert_eq!(about["architecture"], "serverless");
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about.as_object().unwrap().len(), 2);
}
