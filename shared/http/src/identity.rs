//! Accounts, sessions and the keys that verify access tokens.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::{StatusCode, header::CACHE_CONTROL, header::LOCATION},
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error, Result,
    error::Violations,
    id::Token,
    identity::{
        Credentials, EmailAddress, IdentityApi, NewUser, Password, PublicKey, TokenVerifier,
        Tokens, User,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    Answer,
    extract::{Json as Body, Who},
    problem::document,
    routes::routes,
};

/// The most characters of a name.
const MAX_NAME: usize = 200;

type Api = Arc<dyn IdentityApi>;

#[derive(Clone, FromRef)]
pub(crate) struct Identity {
    api: Arc<dyn IdentityApi>,
    verifier: Arc<dyn TokenVerifier>,
}

/// The routes of identity.
pub fn router(api: Arc<dyn IdentityApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    routes().with_state(Identity { api, verifier })
}

routes!(routes, described -> Identity {
    [register]
    [sign_in, sign_out]
    [refresh]
    [me]
    [change_password]
    [sign_out_everywhere]
    [keys]
});

/// What an account is made from.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// Where to write to.
    pub(crate) email: String,
    /// 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub(crate) password: String,
    /// The name to greet.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
}

/// An address and its password.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The address.
    pub(crate) email: String,
    /// Its password.
    pub(crate) password: String,
}

/// A password and the one to come after it.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password of now.
    pub(crate) current_password: String,
    /// 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub(crate) new_password: String,
}

/// A refresh token.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// As it was handed out.
    #[schema(value_type = String)]
    pub(crate) refresh_token: Token,
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct KeySet {
    /// Newest first.
    pub(crate) keys: Vec<PublicKey>,
}

/// Checks what an account is made from, naming every broken rule at once. The storefront's form takes the same.
pub fn new_user(email: &str, password: &str, name: &str) -> Result<NewUser> {
    let mut broken = Violations::default();
    let email = broken.take(EmailAddress::parse(email, "/email"));
    let password = broken.take(Password::parse(password, "/password"));
    let name = name.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains('\0');
    broken.require(
        fits,
        "/name",
        format!("a name has 1 to {MAX_NAME} characters"),
    );
    broken.finish()?;
    match (email, password) {
        (Some(email), Some(password)) => Ok(NewUser {
            email,
            password,
            name: name.to_owned(),
        }),
        _ => Err(Error::internal(
            "a registration without faults is incomplete",
        )),
    }
}

/// Makes an account
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "accounts",
    operation_id = "register",
    request_body = Registration,
    responses(
        (status = 201, description = "The new account", body = User, headers(("Location" = String, description = "Where its owner finds it"))),
        document::Register,
    )
)]
async fn register(State(api): State<Api>, Body(form): Body<Registration>) -> Answer<Response> {
    let user = new_user(&form.email, &form.password, &form.name)?;
    let user = api.register(user).await?;
    Ok((StatusCode::CREATED, [(LOCATION, "/api/me")], Json(user)).into_response())
}

/// Signs in
#[utoipa::path(
    post,
    path = "/api/sessions",
    tag = "accounts",
    operation_id = "sign_in",
    request_body = SignIn,
    responses((status = 200, description = "A new session's tokens", body = Tokens), document::SignIn)
)]
async fn sign_in(State(api): State<Api>, Body(form): Body<SignIn>) -> Answer<Json<Tokens>> {
    let SignIn { email, password } = form;
    let tokens = api.sign_in(&Credentials { email, password }).await?;
    Ok(Json(tokens))
}

/// Trades a refresh token for the next pair of tokens
///
/// Each refresh token works once; using one again ends its session.
#[utoipa::path(
    post,
    path = "/api/sessions/refresh",
    tag = "accounts",
    operation_id = "refresh_session",
    request_body = RefreshRequest,
    responses((status = 200, description = "The session's next tokens", body = Tokens), document::Refresh)
)]
async fn refresh(State(api): State<Api>, Body(form): Body<RefreshRequest>) -> Answer<Json<Tokens>> {
    Ok(Json(api.refresh(&form.refresh_token).await?))
}

/// Signs out
#[utoipa::path(
    delete,
    path = "/api/sessions",
    tag = "accounts",
    operation_id = "sign_out",
    security(("bearer" = [])),
    responses((status = 204, description = "The session is over"), document::SignedOut)
)]
async fn sign_out(State(api): State<Api>, Who(caller): Who) -> Answer<StatusCode> {
    api.sign_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The signed-in user
#[utoipa::path(
    get,
    path = "/api/me",
    tag = "accounts",
    operation_id = "get_me",
    security(("bearer" = [])),
    responses((status = 200, description = "The caller's account", body = User), document::SignedOut)
)]
async fn me(State(api): State<Api>, Who(caller): Who) -> Answer<Json<User>> {
    Ok(Json(api.me(&caller).await?))
}

/// Changes the signed-in user's password
///
/// Every other session of the user ends; this one goes on. Wrong passwords of now count as failed sign-ins.
#[utoipa::path(
    put,
    path = "/api/me/password",
    tag = "accounts",
    operation_id = "change_password",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses((status = 204, description = "Changed"), document::SignIn)
)]
async fn change_password(
    State(api): State<Api>,
    Who(caller): Who,
    Body(form): Body<PasswordChange>,
) -> Answer<StatusCode> {
    caller.require_user()?;
    let new = Password::parse(&form.new_password, "/new_password")?;
    api.change_password(&caller, &form.current_password, &new)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of the signed-in user, this one included
///
/// Access tokens already handed out work until they expire, except here.
#[utoipa::path(
    delete,
    path = "/api/me/sessions",
    tag = "accounts",
    operation_id = "sign_out_everywhere",
    security(("bearer" = [])),
    responses((status = 204, description = "All sessions are over"), document::SignedOut)
)]
async fn sign_out_everywhere(State(api): State<Api>, Who(caller): Who) -> Answer<StatusCode> {
    api.sign_out_everywhere(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The keys that verify access tokens
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "accounts",
    operation_id = "get_keys",
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = KeySet))
)]
async fn keys(State(api): State<Api>) -> Answer<Response> {
    let keys = api.public_keys().await?;
    let caching = [(CACHE_CONTROL, "public, max-age=60")];
    Ok((caching, Json(KeySet { keys })).into_response())
}
