//! Passwords that change, and sessions that all end.

use bothways_tests::{Case, Reply, Shop, User, cases};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_changed_password_is_the_one_that_signs_in,
        a_changed_password_ends_the_other_sessions_and_keeps_this_one,
        a_password_is_not_changed_without_the_one_of_now,
        a_new_password_has_8_to_128_characters,
        changing_a_password_needs_a_sign_in,
        wrong_passwords_of_now_are_limited_like_sign_ins,
        signing_out_everywhere_ends_every_session,
        signing_out_everywhere_leaves_other_users_alone,
        signing_out_everywhere_needs_a_sign_in,
    ]
}

async fn change(shop: &Shop, user: &User, current: &str, new: &str) -> Reply {
    let body = json!({ "current_password": current, "new_password": new });
    let ask = shop.put("/api/me/password").bearer(&user.access_token);
    ask.json(&body).send().await
}

async fn sign_in(shop: &Shop, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password });
    shop.post("/api/sessions").json(&body).send().await
}

async fn refresh(shop: &Shop, token: &str) -> Reply {
    let body = json!({ "refresh_token": token });
    shop.post("/api/sessions/refresh").json(&body).send().await
}

async fn me(shop: &Shop, token: &str) -> Reply {
    shop.get("/api/me").bearer(token).send().await
}

async fn a_changed_password_is_the_one_that_signs_in(shop: &Shop) {
    let user = shop.user().await;
    let reply = change(shop, &user, &user.password, "another secret").await;
    assert_eq!(reply.status, 204, "{}", reply.summary());
    sign_in(shop, &user.email, &user.password)
        .await
        .problem("unauthenticated");
    sign_in(shop, &user.email, "another secret")
        .await
        .expect(200);
}

async fn a_changed_password_ends_the_other_sessions_and_keeps_this_one(shop: &Shop) {
    let user = shop.user().await;
    let other = user.sign_in(shop).await.expect(200);
    let reply = change(shop, &user, &user.password, "another secret").await;
    assert_eq!(reply.status, 204, "{}", reply.summary());
    let text = |name: &str| other[name].as_str().unwrap_or_default().to_owned();
    refresh(shop, &text("refresh_token"))
        .await
        .problem("unauthenticated");
    me(shop, &text("access_token"))
        .await
        .problem("unauthenticated");
    me(shop, &user.access_token).await.expect(200);
    refresh(shop, &user.refresh_token).await.expect(200);
}

async fn a_password_is_not_changed_without_the_one_of_now(shop: &Shop) {
    let user = shop.user().await;
    change(shop, &user, "not the password", "another secret")
        .await
        .invalid("/current_password");
    sign_in(shop, &user.email, &user.password).await.expect(200);
    sign_in(shop, &user.email, "another secret")
        .await
        .problem("unauthenticated");
}

async fn a_new_password_has_8_to_128_characters(shop: &Shop) {
    let user = shop.user().await;
    for new in ["short77", &"x".repeat(129)] {
        change(shop, &user, &user.password, new)
            .await
            .invalid("/new_password");
    }
    sign_in(shop, &user.email, &user.password).await.expect(200);
}

async fn changing_a_password_needs_a_sign_in(shop: &Shop) {
    let body = json!({ "current_password": "a secret", "new_password": "another secret" });
    let ask = shop.put("/api/me/password").json(&body);
    ask.send().await.problem("unauthenticated");
}

async fn wrong_passwords_of_now_are_limited_like_sign_ins(shop: &Shop) {
    let user = shop.user().await;
    let mut limited = None;
    for _ in 0..12 {
        let reply = change(shop, &user, "not the password", "another secret").await;
        if reply.status == 429 {
            limited = Some(reply);
            break;
        }
        reply.invalid("/current_password");
    }
    let limited = limited.expect("over 10 failures a minute are too many");
    limited.problem("rate-limited");
    limited.retry_after();
    sign_in(shop, &user.email, &user.password)
        .await
        .problem("rate-limited");
}

async fn signing_out_everywhere_ends_every_session(shop: &Shop) {
    let user = shop.user().await;
    let other = user.sign_in(shop).await.expect(200);
    let reply = shop
        .delete("/api/me/sessions")
        .bearer(&user.access_token)
        .send()
        .await;
    assert_eq!(reply.status, 204, "{}", reply.summary());
    let other = other["refresh_token"].as_str().unwrap_or_default();
    for token in [user.refresh_token.as_str(), other] {
        refresh(shop, token).await.problem("unauthenticated");
    }
    me(shop, &user.access_token)
        .await
        .problem("unauthenticated");
    user.sign_in(shop).await.expect(200);
}

async fn signing_out_everywhere_leaves_other_users_alone(shop: &Shop) {
    let (user, other) = (shop.user().await, shop.user().await);
    let ask = shop.delete("/api/me/sessions").bearer(&user.access_token);
    assert_eq!(ask.send().await.status, 204);
    me(shop, &other.access_token).await.expect(200);
    refresh(shop, &other.refresh_token).await.expect(200);
}

async fn signing_out_everywhere_needs_a_sign_in(shop: &Shop) {
    let reply = shop.delete("/api/me/sessions").send().await;
    reply.problem("unauthenticated");
}
