//! Signing in and out, and the tokens that come of it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bothways_tests::{
    Case, SOON, Shop, User, cases, email, entries, eventually, members, token_part,
};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        signing_in_gives_a_bearer_token_and_a_refresh_token,
        a_wrong_password_is_refused,
        an_unknown_address_is_refused_with_the_same_words_as_a_wrong_password,
        more_than_10_failures_for_an_address_are_limited,
        failures_for_one_address_do_not_limit_another,
        failures_for_an_unknown_address_are_limited_too,
        refreshing_gives_a_new_pair,
        a_refresh_token_works_once,
        a_replayed_refresh_token_revokes_its_whole_family,
        a_replayed_refresh_token_leaves_other_sessions_alone,
        a_made_up_refresh_token_is_refused,
        an_access_token_is_no_refresh_token,
        signing_out_ends_the_session,
        signing_out_ends_this_session_only,
        signing_out_needs_a_session,
        the_published_keys_verify_access_tokens,
        the_published_keys_are_public_halves_only,
        a_tampered_access_token_is_refused,
        an_unsigned_access_token_is_refused,
    ]
}

async fn try_password(shop: &Shop, email: &str, password: &str) -> bothways_tests::Reply {
    let body = json!({ "email": email, "password": password });
    shop.post("/api/sessions").json(&body).send().await
}

async fn refresh(shop: &Shop, token: &str) -> bothways_tests::Reply {
    let body = json!({ "refresh_token": token });
    shop.post("/api/sessions/refresh").json(&body).send().await
}

async fn me(shop: &Shop, token: &str) -> bothways_tests::Reply {
    shop.get("/api/me").bearer(token).send().await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn signing_in_gives_a_bearer_token_and_a_refresh_token(shop: &Shop) {
    let user = shop.user().await;
    let session = user.sign_in(shop).await.expect(200);
    assert_eq!(
        members(&session),
        ["access_token", "expires_in", "refresh_token", "token_type"]
    );
    assert_eq!(session["token_type"], "Bearer");
    assert!(
        session["expires_in"]
            .as_i64()
            .is_some_and(|seconds| seconds > 0),
        "{session}"
    );
    assert!(text(&session["refresh_token"]).len() >= 16, "{session}");
    me(shop, text(&session["access_token"])).await.expect(200);
}

async fn a_wrong_password_is_refused(shop: &Shop) {
    let user = shop.user().await;
    try_password(shop, &user.email, "not the password")
        .await
        .problem("unauthenticated");
}

async fn an_unknown_address_is_refused_with_the_same_words_as_a_wrong_password(shop: &Shop) {
    let user = shop.user().await;
    let mut wrong = try_password(shop, &user.email, "not the password")
        .await
        .problem("unauthenticated");
    let mut unknown = try_password(shop, &email(), "not the password")
        .await
        .problem("unauthenticated");
    wrong["request_id"] = Value::Null;
    unknown["request_id"] = Value::Null;
    assert_eq!(wrong, unknown);
}

/// Fails to sign in until the shop has had enough: not before the 11th time, and soon after.
async fn fail_until_limited(shop: &Shop, email: &str) {
    for _ in 0..10 {
        try_password(shop, email, "not the password")
            .await
            .problem("unauthenticated");
    }
    eventually(SOON, "failures are limited", async || {
        let reply = try_password(shop, email, "not the password").await;
        if reply.status == 429 {
            reply.problem("rate-limited");
            return Ok(());
        }
        reply.problem("unauthenticated");
        Err(reply.summary())
    })
    .await;
}

async fn more_than_10_failures_for_an_address_are_limited(shop: &Shop) {
    let user = shop.user().await;
    fail_until_limited(shop, &user.email).await;
}

async fn failures_for_one_address_do_not_limit_another(shop: &Shop) {
    let (noisy, quiet) = (shop.user().await, shop.user().await);
    fail_until_limited(shop, &noisy.email).await;
    quiet.sign_in(shop).await.expect(200);
}

async fn failures_for_an_unknown_address_are_limited_too(shop: &Shop) {
    fail_until_limited(shop, &email()).await;
}

async fn refreshing_gives_a_new_pair(shop: &Shop) {
    let user = shop.user().await;
    let session = refresh(shop, &user.refresh_token).await.expect(200);
    assert_ne!(session["refresh_token"], user.refresh_token.as_str());
    assert_eq!(session["token_type"], "Bearer");
    let me = me(shop, text(&session["access_token"])).await.expect(200);
    assert_eq!(me["id"], user.id);
}

async fn a_refresh_token_works_once(shop: &Shop) {
    let user = shop.user().await;
    refresh(shop, &user.refresh_token).await.expect(200);
    refresh(shop, &user.refresh_token)
        .await
        .problem("unauthenticated");
}

async fn a_replayed_refresh_token_revokes_its_whole_family(shop: &Shop) {
    let user = shop.user().await;
    let second = refresh(shop, &user.refresh_token).await.expect(200);
    let third = refresh(shop, text(&second["refresh_token"]))
        .await
        .expect(200);
    refresh(shop, &user.refresh_token)
        .await
        .problem("unauthenticated");
    refresh(shop, text(&third["refresh_token"]))
        .await
        .problem("unauthenticated");
}

async fn a_replayed_refresh_token_leaves_other_sessions_alone(shop: &Shop) {
    let user = shop.user().await;
    let other = user.sign_in(shop).await.expect(200);
    refresh(shop, &user.refresh_token).await.expect(200);
    refresh(shop, &user.refresh_token)
        .await
        .problem("unauthenticated");
    refresh(shop, text(&other["refresh_token"]))
        .await
        .expect(200);
}

async fn a_made_up_refresh_token_is_refused(shop: &Shop) {
    for token in ["x".to_owned(), bothways_tests::key()] {
        refresh(shop, &token).await.problem("unauthenticated");
    }
}

async fn an_access_token_is_no_refresh_token(shop: &Shop) {
    let user = shop.user().await;
    refresh(shop, &user.access_token)
        .await
        .problem("unauthenticated");
    me(shop, &user.refresh_token)
        .await
        .problem("unauthenticated");
}

async fn sign_out(shop: &Shop, user: &User) {
    shop.delete("/api/sessions")
        .bearer(&user.access_token)
        .send()
        .await
        .expect(204);
}

async fn signing_out_ends_the_session(shop: &Shop) {
    let user = shop.user().await;
    sign_out(shop, &user).await;
    refresh(shop, &user.refresh_token)
        .await
        .problem("unauthenticated");
    me(shop, &user.access_token)
        .await
        .problem("unauthenticated");
}

async fn signing_out_ends_this_session_only(shop: &Shop) {
    let user = shop.user().await;
    let other = user.sign_in(shop).await.expect(200);
    sign_out(shop, &user).await;
    me(shop, text(&other["access_token"])).await.expect(200);
    refresh(shop, text(&other["refresh_token"]))
        .await
        .expect(200);
}

async fn signing_out_needs_a_session(shop: &Shop) {
    shop.delete("/api/sessions")
        .send()
        .await
        .problem("unauthenticated");
}

async fn published_keys(shop: &Shop) -> Vec<Value> {
    let jwks = shop.get("/.well-known/jwks.json").send().await.expect(200);
    entries(&jwks["keys"]).to_vec()
}

async fn the_published_keys_verify_access_tokens(shop: &Shop) {
    let user = shop.user().await;
    let header = token_part(&user.access_token, 0);
    let keys = published_keys(shop).await;
    let key = keys
        .iter()
        .find(|key| key["kid"].is_string() && key["kid"] == header["kid"]);
    let key = key.unwrap_or_else(|| panic!("no key {}: {keys:?}", header["kid"]));
    assert_eq!([&header["alg"], &key["crv"]], ["EdDSA", "Ed25519"]);
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let public = decode(key["x"].as_str().expect("a public key"));
    let (signed, signature) = user.access_token.rsplit_once('.').expect("a JWT");
    // Another implementation of Ed25519 than the shop's.
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.as_bytes(), &decode(signature))
        .expect("a verified token");
    assert_eq!(token_part(&user.access_token, 1)["sub"], user.id.as_str());
}

async fn the_published_keys_are_public_halves_only(shop: &Shop) {
    let keys = published_keys(shop).await;
    assert!(!keys.is_empty());
    for key in keys {
        assert!(key["kid"].is_string(), "{key}");
        assert!(
            key["kty"] == "OKP" || key["kty"] == "EC" || key["kty"] == "RSA",
            "{key}"
        );
        for private in ["d", "p", "q", "k"] {
            assert!(key[private].is_null(), "the key shows {private}");
        }
    }
}

async fn a_tampered_access_token_is_refused(shop: &Shop) {
    let user = shop.user().await;
    let mut claims = token_part(&user.access_token, 1);
    claims["role"] = json!("admin");
    let parts: Vec<&str> = user.access_token.split('.').collect();
    let forged = format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        parts[2]
    );
    me(shop, &forged).await.problem("unauthenticated");
    let product = shop.product().unwritten();
    let reply = shop
        .put(&product.path())
        .bearer(&forged)
        .json(&product.body)
        .send()
        .await;
    reply.problem("unauthenticated");
}

async fn an_unsigned_access_token_is_refused(shop: &Shop) {
    let user = shop.user().await;
    let mut header = token_part(&user.access_token, 0);
    header["alg"] = json!("none");
    let claims = user.access_token.split('.').nth(1).unwrap_or_default();
    let forged = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header.to_string()));
    me(shop, &forged).await.problem("unauthenticated");
}
