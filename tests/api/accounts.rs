//! Registering, and who one is.

use bothways_tests::{Case, Shop, cases, email, members, word};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        registering_answers_with_the_new_user,
        a_new_user_is_a_customer,
        no_answer_ever_contains_a_password,
        a_password_of_8_characters_is_taken_and_one_of_7_is_not,
        a_password_of_128_characters_is_taken_and_one_of_129_is_not,
        the_length_of_a_password_is_counted_in_characters,
        a_taken_address_is_refused,
        an_address_without_an_at_sign_is_refused,
        a_user_without_a_name_is_refused,
        every_broken_rule_of_a_registration_is_named_at_once,
        nobody_makes_themselves_an_administrator,
        me_is_the_signed_in_user,
        me_needs_a_token,
        a_token_somebody_made_up_is_no_token,
        the_first_administrator_has_the_role_admin,
    ]
}

fn registration() -> Value {
    json!({ "email": email(), "password": "correct horse", "name": "Robin Trial" })
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut body = registration();
    body[member] = value.into();
    body
}

async fn registering_answers_with_the_new_user(shop: &Shop) {
    let body = registration();
    let user = shop.post("/api/users").json(&body).send().await.expect(201);
    assert_eq!(
        members(&user),
        ["created_at", "email", "id", "name", "role"]
    );
    assert_eq!(user["email"], body["email"]);
    assert_eq!(user["name"], body["name"]);
    crate::system::assert_time(&user["created_at"]);
}

async fn a_new_user_is_a_customer(shop: &Shop) {
    let user = shop
        .post("/api/users")
        .json(&registration())
        .send()
        .await
        .expect(201);
    assert_eq!(user["role"], "customer");
}

async fn no_answer_ever_contains_a_password(shop: &Shop) {
    let password = format!("very secret {}", word());
    let body = with("password", password.as_str());
    let registered = shop.post("/api/users").json(&body).send().await;
    registered.expect(201);
    let again = shop.post("/api/users").json(&body).send().await;
    again.problem("email-taken");
    let short = shop
        .post("/api/users")
        .json(&with("password", "s3cret!"))
        .send()
        .await;
    short.invalid("/password");
    assert!(
        !registered.text().contains(&password),
        "{}",
        registered.summary()
    );
    assert!(!again.text().contains(&password), "{}", again.summary());
    assert!(!short.text().contains("s3cret!"), "{}", short.summary());
}

async fn password_of(shop: &Shop, password: String) -> bothways_tests::Reply {
    shop.post("/api/users")
        .json(&with("password", password))
        .send()
        .await
}

async fn a_password_of_8_characters_is_taken_and_one_of_7_is_not(shop: &Shop) {
    password_of(shop, "p".repeat(8)).await.expect(201);
    password_of(shop, "p".repeat(7)).await.invalid("/password");
}

async fn a_password_of_128_characters_is_taken_and_one_of_129_is_not(shop: &Shop) {
    password_of(shop, "p".repeat(128)).await.expect(201);
    password_of(shop, "p".repeat(129))
        .await
        .invalid("/password");
}

async fn the_length_of_a_password_is_counted_in_characters(shop: &Shop) {
    password_of(shop, "ü".repeat(128)).await.expect(201);
    password_of(shop, "ü".repeat(7)).await.invalid("/password");
}

async fn a_taken_address_is_refused(shop: &Shop) {
    let body = registration();
    shop.post("/api/users").json(&body).send().await.expect(201);
    let mut other = body.clone();
    other["password"] = json!("another password");
    shop.post("/api/users")
        .json(&other)
        .send()
        .await
        .problem("email-taken");
    let session = json!({ "email": body["email"], "password": body["password"] });
    shop.post("/api/sessions")
        .json(&session)
        .send()
        .await
        .expect(200);
}

async fn an_address_without_an_at_sign_is_refused(shop: &Shop) {
    for wrong in ["", "robin", "robin.example", "@example.com", "robin@"] {
        shop.post("/api/users")
            .json(&with("email", wrong))
            .send()
            .await
            .invalid("/email");
    }
}

async fn a_user_without_a_name_is_refused(shop: &Shop) {
    shop.post("/api/users")
        .json(&with("name", ""))
        .send()
        .await
        .invalid("/name");
    let mut body = registration();
    body.as_object_mut().expect("an object").remove("name");
    shop.post("/api/users")
        .json(&body)
        .send()
        .await
        .problem("validation");
}

async fn every_broken_rule_of_a_registration_is_named_at_once(shop: &Shop) {
    let body = json!({ "email": "nowhere", "password": "short", "name": "Robin" });
    let reply = shop.post("/api/users").json(&body).send().await;
    reply.invalid("/email");
    reply.invalid("/password");
}

async fn nobody_makes_themselves_an_administrator(shop: &Shop) {
    shop.post("/api/users")
        .json(&with("role", "admin"))
        .send()
        .await
        .invalid("/role");
}

async fn me_is_the_signed_in_user(shop: &Shop) {
    let user = shop.user().await;
    let me = shop
        .get("/api/me")
        .bearer(&user.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(me["id"], user.id);
    assert_eq!(me["email"], user.email);
    assert_eq!(me["role"], "customer");
}

async fn me_needs_a_token(shop: &Shop) {
    shop.get("/api/me").send().await.problem("unauthenticated");
    shop.get("/api/me")
        .header("authorization", "Basic cm9iaW46c2VjcmV0")
        .send()
        .await
        .problem("unauthenticated");
}

async fn a_token_somebody_made_up_is_no_token(shop: &Shop) {
    for token in ["x", "a.b.c", &word(), ""] {
        shop.get("/api/me")
            .bearer(token)
            .send()
            .await
            .problem("unauthenticated");
    }
}

async fn the_first_administrator_has_the_role_admin(shop: &Shop) {
    let me = shop
        .get("/api/me")
        .bearer(&shop.admin().await)
        .send()
        .await
        .expect(200);
    assert_eq!(me["role"], "admin");
    assert_eq!(me["email"], shop.access().admin_email.as_str());
}
