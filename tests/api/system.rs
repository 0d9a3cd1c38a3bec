//! Health, the one permitted difference, and the documents about the API.

use bothways_tests::{Case, Shop, cases, members};
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        it_is_healthy,
        it_is_ready,
        it_says_which_architecture_and_version_it_is,
        its_openapi_document_is_3_1,
        its_openapi_document_has_every_path_and_method,
        its_openapi_document_describes_answers_of_every_operation,
        its_documentation_is_a_readable_page,
    ]
}

/// A time of the contract: RFC 3339 in UTC, and not in the future.
#[track_caller]
pub(crate) fn assert_time(value: &Value) -> OffsetDateTime {
    let text = value.as_str().unwrap_or_default();
    let time =
        OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|_| panic!("no RFC 3339: {value}"));
    assert_eq!(time.offset(), UtcOffset::UTC, "{value}");
    assert!(
        time <= OffsetDateTime::now_utc() + time::Duration::MINUTE,
        "{value} is in the future"
    );
    time
}

async fn it_is_healthy(shop: &Shop) {
    let reply = shop.get("/healthz").send().await;
    assert_eq!(reply.status, 200, "{}", reply.summary());
}

async fn it_is_ready(shop: &Shop) {
    let reply = shop.get("/readyz").send().await;
    assert_eq!(reply.status, 200, "{}", reply.summary());
}

async fn it_says_which_architecture_and_version_it_is(shop: &Shop) {
    let about = shop.get("/api/about").send().await.expect(200);
    assert_eq!(members(&about), ["architecture", "version"]);
    let known = ["microservices", "serverless", "hybrid"];
    assert!(
        known.iter().any(|known| about["architecture"] == *known),
        "{about}"
    );
    if known.contains(&shop.architecture()) {
        assert_eq!(about["architecture"], shop.architecture());
    }
    assert!(
        about["version"]
            .as_str()
            .is_some_and(|version| !version.is_empty()),
        "{about}"
    );
}

async fn openapi(shop: &Shop) -> Value {
    shop.get("/api/openapi.json").send().await.expect(200)
}

async fn its_openapi_document_is_3_1(shop: &Shop) {
    let document = openapi(shop).await;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1."))
    );
    assert!(document["info"]["title"].is_string());
}

/// Every JSON operation of the contract, parameters written as `{}`. Photos follow later.
const OPERATIONS: &[(&str, &[&str])] = &[
    ("/api/search", &["get"]),
    ("/api/search/suggest", &["get"]),
    ("/api/products", &["get"]),
    ("/api/products/{}", &["get", "put", "delete"]),
    ("/api/products/import", &["post"]),
    ("/api/inventory/{}", &["get", "put"]),
    ("/api/inventory/import", &["post"]),
    ("/api/carts", &["post"]),
    ("/api/carts/{}", &["get", "delete"]),
    ("/api/carts/{}/items/{}", &["put", "delete"]),
    ("/api/carts/{}/claim", &["post"]),
    ("/api/carts/{}/merge", &["post"]),
    ("/api/carts/mine", &["get"]),
    ("/api/checkout", &["post"]),
    ("/api/orders", &["get"]),
    ("/api/orders/{}", &["get"]),
    ("/api/orders/{}/cancel", &["post"]),
    ("/api/users", &["post"]),
    ("/api/sessions", &["post", "delete"]),
    ("/api/sessions/refresh", &["post"]),
    ("/api/me", &["get"]),
    ("/api/me/password", &["put"]),
    ("/api/me/sessions", &["delete"]),
    ("/api/about", &["get"]),
];

/// A path with its parameters' names left out.
fn nameless(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn its_openapi_document_has_every_path_and_method(shop: &Shop) {
    let document = openapi(shop).await;
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in OPERATIONS {
        let found = paths.iter().find(|(known, _)| nameless(known) == *path);
        let (_, item) = found.unwrap_or_else(|| panic!("{path} is not described"));
        for method in *methods {
            assert!(item[method].is_object(), "{method} {path} is not described");
        }
    }
}

async fn its_openapi_document_describes_answers_of_every_operation(shop: &Shop) {
    let document = openapi(shop).await;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if ["get", "put", "post", "delete"].contains(&method.as_str()) {
                let answers = operation["responses"].as_object();
                assert!(
                    answers.is_some_and(|answers| !answers.is_empty()),
                    "{method} {path}"
                );
            }
        }
    }
}

async fn its_documentation_is_a_readable_page(shop: &Shop) {
    let page = shop.get("/api/docs").send().await.expect_html(200);
    for (path, _) in OPERATIONS {
        let known = path.split("/{}").next().unwrap_or_default();
        assert!(page.contains(known), "the page does not say {known}");
    }
    assert!(
        !page.contains("<script src=\"http"),
        "no scripts from elsewhere"
    );
}
