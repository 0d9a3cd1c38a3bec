//! Identity over HTTP.

use async_trait::async_trait;
use axum::http::Method;
use bothways_domain::{
    Caller, Result,
    id::Token,
    identity::{Credentials, IdentityApi, NewUser, Password, PublicKey, Tokens, User},
};

use super::{Remote, remote::LONG_TIMEOUT};
use crate::identity::{KeySet, PasswordChange, RefreshRequest, Registration, SignIn};

/// Identity as another process runs it.
#[derive(Debug, Clone)]
pub struct IdentityClient(Remote);

impl IdentityClient {
    /// Identity at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }
}

#[async_trait]
impl IdentityApi for IdentityClient {
    async fn register(&self, user: NewUser) -> Result<User> {
        let form = Registration {
            email: user.email.as_str().to_owned(),
            password: user.password.reveal().to_owned(),
            name: user.name,
        };
        let call = self.0.post(&["api", "users"])?.timeout(LONG_TIMEOUT);
        call.json(&form).send().await?.json()
    }

    async fn sign_in(&self, credentials: &Credentials) -> Result<Tokens> {
        let Credentials { email, password } = credentials.clone();
        let call = self.0.post(&["api", "sessions"])?.timeout(LONG_TIMEOUT);
        call.json(&SignIn { email, password }).send().await?.json()
    }

    async fn refresh(&self, token: &Token) -> Result<Tokens> {
        // Never repeated: the second use of a refresh token ends its session.
        let refresh_token = token.clone();
        let call = self.0.post(&["api", "sessions", "refresh"])?;
        call.json(&RefreshRequest { refresh_token })
            .send()
            .await?
            .json()
    }

    async fn renew(&self, token: &Token) -> Result<Tokens> {
        let refresh_token = token.clone();
        let call = self.0.internal(Method::POST, "sessions/renew")?;
        call.json(&RefreshRequest { refresh_token })
            .send()
            .await?
            .json()
    }

    async fn change_password(&self, caller: &Caller, current: &str, new: &Password) -> Result<()> {
        let change = PasswordChange {
            current_password: current.to_owned(),
            new_password: new.reveal().to_owned(),
        };
        let call = self.0.call(Method::PUT, &["api", "me", "password"])?;
        let call = call.timeout(LONG_TIMEOUT).caller(caller);
        call.json(&change).send().await.map(|_| ())
    }

    async fn sign_out_everywhere(&self, caller: &Caller) -> Result<()> {
        let call = self.0.call(Method::DELETE, &["api", "me", "sessions"])?;
        call.caller(caller).repeatable().send().await.map(|_| ())
    }

    async fn sign_out(&self, caller: &Caller) -> Result<()> {
        let call = self.0.call(Method::DELETE, &["api", "sessions"])?;
        call.caller(caller).repeatable().send().await.map(|_| ())
    }

    async fn me(&self, caller: &Caller) -> Result<User> {
        let call = self.0.get(&["api", "me"])?;
        call.caller(caller).send().await?.json()
    }

    async fn public_keys(&self) -> Result<Vec<PublicKey>> {
        let call = self.0.get(&[".well-known", "jwks.json"])?;
        let set: KeySet = call.send().await?.json()?;
        Ok(set.keys)
    }
}
