//! The example events that AWS publishes, replayed into the functions: each takes the form of its events, whatever is in
//! them.

use bothways_tests::{Case, Launcher, Options, SOON, Shop, cases, eventually};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        every_function_behind_the_api_answers_api_gateways_events,
        a_message_that_holds_no_events_is_named_as_failed,
        a_buckets_notification_is_read_and_what_is_no_upload_is_named_as_failed,
        functions_on_a_schedule_take_eventbridges_events,
    ]
}

macro_rules! published {
    ($name:literal) => {
        include_str!(concat!("published_events/example-", $name, ".json"))
    };
}

/// Of payload format 2.0.
const API_GATEWAY: [&str; 6] = [
    published!("apigw-v2-request-no-authorizer"),
    published!("apigw-v2-request-multi-value-parameters"),
    published!("apigw-v2-request-iam"),
    published!("apigw-v2-request-jwt-authorizer"),
    published!("apigw-v2-request-lambda-authorizer"),
    published!("apigw-sam-http-request"),
];
const SQS: &str = published!("sqs-event");
const S3: &str = published!("s3-event");
const EVENTBRIDGE: [&str; 2] = [
    published!("eventbridge-schedule"),
    published!("eventbridge-event-obj"),
];

/// Behind the API, without the storefront, which answers what these don't.
const ANSWERING: [&str; 7] = [
    "cart",
    "checkout",
    "identity",
    "inventory",
    "media",
    "product",
    "search",
];
const FOLLOWING_A_QUEUE: [&str; 4] = ["indexer", "fulfilment", "thumbnails", "outbox-relay"];
const ON_A_SCHEDULE: [&str; 3] = ["outbox-relay", "checkout-recovery", "fulfilment"];

fn read(event: &str) -> Value {
    serde_json::from_str(event).expect("JSON")
}

/// What a function makes of an event; the queue's own messages may have taken its concurrency.
async fn invoke(shop: &Shop, function: &str, event: &Value) -> Value {
    eventually(SOON, "it is invoked", async || {
        shop.control().invoke(function, event).await
    })
    .await
}

async fn every_function_behind_the_api_answers_api_gateways_events(shop: &Shop) {
    for event in API_GATEWAY.map(read) {
        for function in ANSWERING {
            let answer = invoke(shop, function, &event).await;
            assert_eq!(answer["statusCode"], 404, "{function}: {answer}");
            let kind = &answer["headers"]["content-type"];
            assert_eq!(kind, "application/problem+json", "{function}: {answer}");
            let body = answer["body"].as_str().unwrap_or_default();
            assert_eq!(read(body)["type"], "/problems/not-found", "{function}");
        }
        let page = invoke(shop, "storefront", &event).await;
        let is_home = event["rawPath"] == "/";
        assert_eq!(
            page["statusCode"],
            if is_home { 200 } else { 404 },
            "{page}"
        );
        let kind = page["headers"]["content-type"].as_str().unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{page}");
    }
}

async fn a_message_that_holds_no_events_is_named_as_failed(shop: &Shop) {
    for function in FOLLOWING_A_QUEUE {
        let answer = invoke(shop, function, &read(SQS)).await;
        let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "MessageID_1" }] });
        assert_eq!(answer, failed, "{function}");
    }
}

async fn a_buckets_notification_is_read_and_what_is_no_upload_is_named_as_failed(shop: &Shop) {
    let mut batch = read(SQS);
    batch["Records"][0]["body"] = json!(S3);
    // The same for a key of the shop's, of a photo that is gone by now.
    let mut upload = read(S3);
    upload["Records"][0]["s3"]["object"]["key"] = json!("uploads/Happy-Face/019f");
    let mut second = batch["Records"][0].clone();
    second["messageId"] = json!("MessageID_2");
    second["body"] = json!(upload.to_string());
    let records = batch["Records"].as_array_mut().expect("records");
    records.push(second);
    let answer = invoke(shop, "thumbnails", &batch).await;
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "MessageID_1" }] });
    assert_eq!(answer, failed);
}

async fn functions_on_a_schedule_take_eventbridges_events(_: &Shop) {
    // Some stay for most of their minute, unless told otherwise.
    let options = Options::of("serverless")
        .env("RECOVERY_WINDOW_MS", "0")
        .env("FULFILMENT_WINDOW_MS", "0");
    let launcher = Launcher::start(options);
    let shop = &launcher.shop("serverless");
    for event in EVENTBRIDGE.map(read) {
        for function in ON_A_SCHEDULE {
            let answer = invoke(shop, function, &event).await;
            let is_done = answer.is_null() || answer == json!({ "batchItemFailures": [] });
            assert!(is_done, "{function}: {answer}");
        }
    }
}
