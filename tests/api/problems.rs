//! Errors look the same from every layer.

use bothways_tests::{Case, Reply, SOON, Shop, cases, email, eventually, id, key};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_unknown_path_below_api_is_not_found,
        a_method_a_resource_does_not_take_is_refused,
        an_unheard_of_method_is_refused,
        malformed_json_is_refused_everywhere,
        json_of_another_shape_is_a_broken_rule,
        a_body_that_is_not_declared_as_json_is_refused_everywhere,
        json_may_be_declared_with_a_charset,
        an_unknown_member_is_refused_everywhere,
        a_missing_body_is_refused,
        a_body_past_1_mib_is_refused_everywhere,
        a_body_of_exactly_1_mib_is_read,
        a_body_past_what_any_layer_takes_is_413,
        a_valid_request_id_is_echoed,
        every_answer_has_a_request_id_of_its_own,
        a_request_id_that_is_not_valid_is_replaced,
        a_problem_names_the_request_id_that_was_sent,
        a_bad_token_is_refused_where_a_sign_in_is_needed,
        problems_say_nothing_of_the_insides,
    ]
}

/// A request that takes JSON, with what it takes when all is well.
struct Taking {
    method: Method,
    path: String,
    token: Option<String>,
    body: Value,
}

impl Taking {
    fn ask(&self, shop: &Shop) -> bothways_tests::Ask {
        let ask = shop
            .ask(&self.method, &self.path)
            .header("idempotency-key", key());
        match &self.token {
            Some(token) => ask.bearer(token),
            None => ask,
        }
    }
}

/// Every request of the contract that takes JSON.
async fn takers(shop: &Shop) -> Vec<Taking> {
    let (admin, product) = (shop.admin().await, shop.product().stock(9).create().await);
    let cart = shop.cart_of(&[(&product.id, 1)]).await;
    let new = shop.product().unwritten();
    let user = shop.user().await;
    let taking = |method: &Method, path: &str, token: Option<&str>, body: Value| Taking {
        method: method.clone(),
        path: path.to_owned(),
        token: token.map(str::to_owned),
        body,
    };
    let stock = format!("/api/inventory/{}", product.id);
    let account = json!({ "email": email(), "password": "correct horse", "name": "Robin" });
    let session = json!({ "email": user.email, "password": user.password });
    let refresh = json!({ "refresh_token": user.refresh_token });
    vec![
        taking(&Method::PUT, &new.path(), Some(&admin), new.body.clone()),
        taking(&Method::PUT, &stock, Some(&admin), json!({ "on_hand": 3 })),
        taking(
            &Method::PUT,
            &cart.item(&product.id),
            None,
            json!({ "quantity": 2 }),
        ),
        taking(
            &Method::POST,
            "/api/checkout",
            None,
            shop.checkout(&cart.id).body,
        ),
        taking(&Method::POST, "/api/users", None, account),
        taking(&Method::POST, "/api/sessions", None, session),
        taking(&Method::POST, "/api/sessions/refresh", None, refresh),
    ]
}

async fn an_unknown_path_below_api_is_not_found(shop: &Shop) {
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/carts/x/y/z",
        "/api/products/a/b",
        "/api/v1/products",
    ] {
        shop.get(path).send().await.problem("not-found");
    }
    shop.post("/api/nothing")
        .json(&json!({}))
        .send()
        .await
        .problem("not-found");
}

async fn a_method_a_resource_does_not_take_is_refused(shop: &Shop) {
    let wrong = [
        (Method::POST, "/api/search"),
        (Method::DELETE, "/api/search/suggest"),
        (Method::POST, "/api/products/x"),
        (Method::DELETE, "/api/products"),
        (Method::DELETE, "/api/inventory/x"),
        (Method::GET, "/api/carts"),
        (Method::POST, "/api/carts/x"),
        (Method::POST, "/api/carts/x/items/y"),
        (Method::GET, "/api/carts/x/claim"),
        (Method::GET, "/api/checkout"),
        (Method::POST, "/api/orders"),
        (Method::DELETE, "/api/orders/x"),
        (Method::GET, "/api/orders/x/cancel"),
        (Method::GET, "/api/users"),
        (Method::GET, "/api/sessions"),
        (Method::GET, "/api/sessions/refresh"),
        (Method::POST, "/api/me"),
        (Method::POST, "/api/about"),
        (Method::POST, "/api/openapi.json"),
        (Method::POST, "/.well-known/jwks.json"),
    ];
    for (method, path) in wrong {
        shop.ask(&method, path)
            .send()
            .await
            .problem("method-not-allowed");
    }
}

async fn an_unheard_of_method_is_refused(shop: &Shop) {
    let method = Method::from_bytes(b"BREW").expect("a method");
    let reply = shop.ask(&method, "/api/search").send().await;
    assert!(matches!(reply.status, 405 | 501), "{}", reply.summary());
}

async fn malformed_json_is_refused_everywhere(shop: &Shop) {
    for taker in takers(shop).await {
        for malformed in ["{", "{\"a\":}", "nonsense", "{} {}", "{\"a\": \"\u{1}\"}"] {
            let reply = taker
                .ask(shop)
                .body("application/json", malformed)
                .send()
                .await;
            reply.problem("malformed-request");
        }
        let not_utf8 = b"{\"a\":\"\xff\"}".to_vec();
        let reply = taker
            .ask(shop)
            .body("application/json", not_utf8)
            .send()
            .await;
        reply.problem("malformed-request");
    }
}

async fn json_of_another_shape_is_a_broken_rule(shop: &Shop) {
    for taker in takers(shop).await {
        for shape in [json!([]), json!("text"), json!(null), json!(7)] {
            taker
                .ask(shop)
                .json(&shape)
                .send()
                .await
                .problem("validation");
        }
    }
}

async fn a_body_that_is_not_declared_as_json_is_refused_everywhere(shop: &Shop) {
    for taker in takers(shop).await {
        let body = taker.body.to_string();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
        ] {
            let reply = taker.ask(shop).body(kind, body.clone()).send().await;
            reply.problem("unsupported-media-type");
        }
        taker
            .ask(shop)
            .bare_body(body)
            .send()
            .await
            .problem("unsupported-media-type");
    }
}

async fn json_may_be_declared_with_a_charset(shop: &Shop) {
    let account = json!({ "email": email(), "password": "correct horse", "name": "Robin" });
    let ask = shop
        .post("/api/users")
        .body("application/json; charset=utf-8", account.to_string());
    ask.send().await.expect(201);
}

async fn an_unknown_member_is_refused_everywhere(shop: &Shop) {
    for taker in takers(shop).await {
        let mut body = taker.body.clone();
        body["unheard_of"] = json!(1);
        taker
            .ask(shop)
            .json(&body)
            .send()
            .await
            .invalid("/unheard_of");
    }
}

async fn a_missing_body_is_refused(shop: &Shop) {
    for taker in takers(shop).await {
        let reply = taker.ask(shop).body("application/json", "").send().await;
        reply.problem("malformed-request");
    }
}

/// The body as JSON, blown up by white space to `size` bytes.
fn padded(body: &Value, size: usize) -> String {
    let body = body.to_string();
    " ".repeat(size - body.len()) + &body
}

async fn a_body_past_1_mib_is_refused_everywhere(shop: &Shop) {
    for taker in takers(shop).await {
        let body = padded(&taker.body, (1 << 20) + 1);
        let reply: Reply = taker.ask(shop).body("application/json", body).send().await;
        reply.problem("payload-too-large");
    }
}

async fn a_body_of_exactly_1_mib_is_read(shop: &Shop) {
    for taker in takers(shop).await {
        let body = padded(&taker.body, 1 << 20);
        let reply = taker.ask(shop).body("application/json", body).send().await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.summary());
    }
}

/// Past 6 MB API Gateway answers itself, in its own words; the status still holds.
async fn a_body_past_what_any_layer_takes_is_413(shop: &Shop) {
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    let reply = ask
        .body("application/x-ndjson", " ".repeat(11 << 20))
        .try_send()
        .await;
    // A server may also stop reading and close, as RFC 9110 has it for 413.
    if let Ok(reply) = reply {
        assert_eq!(reply.status, 413, "{}", reply.summary());
    }
    // The connection may be closing, so the next request over it may have to be sent again.
    eventually(SOON, "the next request is answered", async || {
        let next = shop.get("/api/about").try_send().await?;
        if next.status == 200 {
            Ok(())
        } else {
            Err(next.summary())
        }
    })
    .await;
}

async fn a_valid_request_id_is_echoed(shop: &Shop) {
    let sent = format!("request-{}", id());
    let reply = shop
        .get("/api/about")
        .header("x-request-id", &sent)
        .send()
        .await;
    assert_eq!(reply.must_header("x-request-id"), sent);
}

async fn every_answer_has_a_request_id_of_its_own(shop: &Shop) {
    let (first, second) = (
        shop.get("/api/about").send().await,
        shop.get("/api/about").send().await,
    );
    assert!(!first.must_header("x-request-id").is_empty());
    assert_ne!(
        first.must_header("x-request-id"),
        second.must_header("x-request-id")
    );
}

async fn a_request_id_that_is_not_valid_is_replaced(shop: &Shop) {
    for wrong in ["", "x".repeat(5000).as_str(), "with space; and \"quotes\""] {
        let reply = shop
            .get("/api/about")
            .header("x-request-id", wrong)
            .send()
            .await;
        assert_ne!(reply.must_header("x-request-id"), wrong);
        assert!(!reply.must_header("x-request-id").is_empty());
    }
}

async fn a_problem_names_the_request_id_that_was_sent(shop: &Shop) {
    let sent = format!("request-{}", id());
    let reply = shop
        .get("/api/nothing")
        .header("x-request-id", &sent)
        .send()
        .await;
    assert_eq!(reply.problem("not-found")["request_id"], sent);
}

async fn a_bad_token_is_refused_where_a_sign_in_is_needed(shop: &Shop) {
    for path in [
        "/api/me",
        "/api/orders",
        "/api/carts/mine",
        "/api/inventory/x",
    ] {
        shop.get(path)
            .bearer("nonsense")
            .send()
            .await
            .problem("unauthenticated");
    }
}

async fn problems_say_nothing_of_the_insides(shop: &Shop) {
    let replies = [
        shop.get("/api/nothing").send().await,
        shop.get("/api/products/%00").send().await,
        shop.get("/api/search?page=x").send().await,
        shop.post("/api/users")
            .body("application/json", "{")
            .send()
            .await,
    ];
    for reply in replies {
        let text = reply.text().to_lowercase();
        for inside in [
            "sqlite",
            "postgres",
            "sqlx",
            "panicked",
            ".rs:",
            "/home/",
            "/root/",
            "127.0.0.1",
        ] {
            assert!(!text.contains(inside), "{inside}: {}", reply.summary());
        }
    }
}
