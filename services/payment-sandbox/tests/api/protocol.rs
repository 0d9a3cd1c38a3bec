//! Who may ask, how it has to be asked, and that every refusal has Stripe's shape.

use reqwest::Method;

use crate::app::{App, KEY, Reply};

#[tokio::test]
async fn without_the_secret_key_everything_is_401() {
    let app = App::with(|settings| settings.key = Some("sk_test_right".to_owned())).await;
    for authorization in [
        None,
        Some("Bearer sk_test_wrong"),
        Some("Basic sk_test_right"),
        Some("sk_test_right"),
    ] {
        for (method, path) in [
            (Method::GET, "/v1/payment_intents"),
            (Method::POST, "/v1/payment_intents"),
            (Method::POST, "/v1/refunds"),
            (Method::GET, "/v1/charges"),
        ] {
            let mut request = app.client.request(method, format!("{}{path}", app.url));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            Reply::of(request)
                .await
                .is_error(401, "invalid_request_error", "");
        }
    }
    let right = app
        .client
        .get(format!("{}/v1/charges", app.url))
        .bearer_auth("sk_test_right");
    assert_eq!(Reply::of(right).await.status, 200);
}

#[tokio::test]
async fn without_a_configured_key_any_secret_key_will_do() {
    let app = App::start().await;
    assert_eq!(app.get("/v1/charges").await.status, 200);
    let publishable = app
        .client
        .get(format!("{}/v1/charges", app.url))
        .bearer_auth("pk_test_x");
    Reply::of(publishable)
        .await
        .is_error(401, "invalid_request_error", "");
}

/// Parameters, and the code and the parameter of the refusal.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = App::start().await;
    let cases: [Case; 11] = [
        (&[("currency", "usd")], "parameter_missing", "amount"),
        (&[("amount", "5")], "parameter_missing", "currency"),
        (
            &[("amount", "0"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            &[("amount", "1.5"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            &[("amount", "100000000"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            &[("amount", ""), ("currency", "usd")],
            "parameter_invalid_empty",
            "amount",
        ),
        (&[("amount", "5"), ("currency", "dollars")], "", "currency"),
        (
            &[("amount", "5"), ("currency", "usd"), ("confirm", "yes")],
            "",
            "confirm",
        ),
        (
            &[
                ("amount", "5"),
                ("currency", "usd"),
                ("capture_method", "later"),
            ],
            "",
            "capture_method",
        ),
        (
            &[("amount", "5"), ("currency", "usd"), ("colour", "red")],
            "parameter_unknown",
            "colour",
        ),
        (
            &[("amount", "5"), ("currency", "usd"), ("amount", "6")],
            "parameter_invalid",
            "amount",
        ),
    ];
    for (params, code, param) in cases {
        let error = app.post("/v1/payment_intents", params).await.is_error(
            400,
            "invalid_request_error",
            code,
        );
        assert_eq!(error["param"], param, "{params:?}");
    }
    let listed = app.get("/v1/payment_intents").await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(0));
    let largest = [("amount", "99999999"), ("currency", "usd")];
    assert_eq!(app.post("/v1/payment_intents", &largest).await.status, 200);
}

#[tokio::test]
async fn metadata_has_stripes_limits() {
    let app = App::start().await;
    let create = async |metadata: &[(String, String)]| {
        let mut params = vec![
            ("amount".to_owned(), "5".to_owned()),
            ("currency".to_owned(), "usd".to_owned()),
        ];
        params.extend_from_slice(metadata);
        Reply::of(
            app.request(Method::POST, "/v1/payment_intents")
                .form(&params),
        )
        .await
    };
    let entry =
        |key: usize, value: usize| (format!("metadata[{}]", "k".repeat(key)), "v".repeat(value));
    assert_eq!(create(&[entry(40, 500)]).await.status, 200);
    for past in [entry(41, 1), entry(1, 501)] {
        let error = create(&[past])
            .await
            .is_error(400, "invalid_request_error", "");
        assert_eq!(error["param"], "metadata");
    }
    let many: Vec<_> = (0..51)
        .map(|n| (format!("metadata[{n}]"), "v".to_owned()))
        .collect();
    assert_eq!(create(&many[..50]).await.status, 200);
    create(&many)
        .await
        .is_error(400, "invalid_request_error", "");
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let app = App::start().await;
    let json = app
        .request(Method::POST, "/v1/payment_intents")
        .json(&serde_json::json!({ "amount": 5 }));
    Reply::of(json)
        .await
        .is_error(400, "invalid_request_error", "");
    let large = format!("amount=5&description={}", "x".repeat(70_000));
    let large = app
        .request(Method::POST, "/v1/payment_intents")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(large);
    Reply::of(large)
        .await
        .is_error(413, "invalid_request_error", "");
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_404_in_stripes_shape() {
    let app = App::start().await;
    for (method, path) in [
        (Method::GET, "/v1/customers"),
        (Method::GET, "/"),
        (Method::DELETE, "/v1/payment_intents"),
        (Method::GET, "/v1/payment_intents/pi_x/confirm"),
    ] {
        let reply = Reply::of(app.request(method, path)).await;
        let error = reply.is_error(404, "invalid_request_error", "");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("Unrecognized request URL"))
        );
    }
}

#[tokio::test]
async fn health_needs_no_key_and_every_answer_has_a_request_id() {
    let app = App::start().await;
    for path in ["/healthz", "/readyz"] {
        let reply = Reply::of(app.client.get(format!("{}{path}", app.url))).await;
        assert_eq!(reply.status, 200);
    }
    let reply = app.get("/v1/charges").await;
    assert!(
        reply.headers["request-id"]
            .to_str()
            .is_ok_and(|id| id.starts_with("req_"))
    );
    assert!(KEY.starts_with("sk_"));
}
