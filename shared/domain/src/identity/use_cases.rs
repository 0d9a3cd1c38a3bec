//! The rules of the identity context.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;

use super::{
    Credentials, EmailAddress, IdentityApi, IdentityStore, NewUser, Password, PasswordHasher,
    PublicKey, RefreshToken, Rotation, SigningKey, TokenIssuer, TokenType, Tokens, User,
    UserRecord,
};
use crate::{
    Caller, Error, Result,
    caller::{Claims, Role},
    id::{SessionId, Token, UserId},
    time::{Clock, Entropy, Timestamp},
};

/// How long things of the identity context last.
#[derive(Debug, Clone, Copy)]
pub struct IdentityPolicy {
    /// An access token, in milliseconds.
    pub access_ttl_millis: i64,
    /// A refresh token, in milliseconds.
    pub refresh_ttl_millis: i64,
    /// A signing key is replaced at this age, in milliseconds.
    pub key_age_millis: i64,
    /// Failed sign-ins an address may have within [`Self::failure_window_millis`].
    pub max_failures: u32,
    /// The window failures are counted in, in milliseconds.
    pub failure_window_millis: i64,
    /// How long after a trade a browser's other tabs may trade the same refresh token, in milliseconds.
    pub renewal_grace_millis: i64,
}

impl Default for IdentityPolicy {
    fn default() -> Self {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 24 * 60 * MINUTE;
        Self {
            access_ttl_millis: 15 * MINUTE,
            refresh_ttl_millis: 30 * DAY,
            key_age_millis: 30 * DAY,
            max_failures: 10,
            failure_window_millis: MINUTE,
            renewal_grace_millis: 10_000,
        }
    }
}

/// The administrator whom the shop begins with. Made when somebody first comes with the address, so that no start waits for
/// it.
pub struct FirstAdmin {
    email: EmailAddress,
    password: Password,
    is_made: AtomicBool,
}

impl FirstAdmin {
    /// With this address and, unless an account has it already, this password.
    pub fn new(email: EmailAddress, password: Password) -> Self {
        Self {
            email,
            password,
            is_made: AtomicBool::new(false),
        }
    }
}

/// The identity context over its store.
pub struct IdentityUseCases {
    /// The shop's accounts.
    pub store: Arc<dyn IdentityStore>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signs access tokens.
    pub issuer: Arc<dyn TokenIssuer>,
    /// How long things last.
    pub policy: IdentityPolicy,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and tokens.
    pub entropy: Arc<dyn Entropy>,
    /// If the shop begins with one.
    pub first_admin: Option<FirstAdmin>,
}

impl IdentityUseCases {
    /// Makes sure that the first administrator exists, if `email` is theirs. An account that has the address becomes one;
    /// its password stays.
    async fn ensure_admin(&self, email: &EmailAddress) -> Result<()> {
        let first = self.first_admin.as_ref();
        let Some(first) = first.filter(|first| first.email == *email) else {
            return Ok(());
        };
        if !first.is_made.load(Ordering::Relaxed) {
            self.make_admin(&first.email, &first.password).await?;
            first.is_made.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn make_admin(&self, email: &EmailAddress, password: &Password) -> Result<()> {
        if self.promote(email).await? {
            return Ok(());
        }
        let name = "Administrator".to_owned();
        let user = NewUser {
            email: email.clone(),
            password: password.clone(),
            name,
        };
        match self.create(user, Role::Admin).await {
            // Another instance was faster.
            Err(Error::EmailTaken) => self.promote(email).await.map(|_| ()),
            other => other.map(|_| ()),
        }
    }

    async fn promote(&self, email: &EmailAddress) -> Result<bool> {
        let Some(record) = self.store.user_by_email(email).await? else {
            return Ok(false);
        };
        if record.user.role != Role::Admin {
            self.store.set_role(&record.user.id, Role::Admin).await?;
        }
        Ok(true)
    }

    async fn create(&self, new: NewUser, role: Role) -> Result<User> {
        let password_hash = self.hasher.hash(&new.password).await?;
        let user = User {
            id: UserId::random(self.entropy.as_ref()),
            email: new.email.as_str().to_owned(),
            name: new.name,
            role,
            created_at: self.clock.now(),
        };
        let record = UserRecord {
            user,
            password_hash,
        };
        if self.store.create_user(&record).await? {
            Ok(record.user)
        } else {
            Err(Error::EmailTaken)
        }
    }

    /// The key to sign with: the newest, or a new one when that is too old.
    async fn signing_key(&self, now: Timestamp) -> Result<SigningKey> {
        let current = self.store.current_key().await?;
        let oldest = now.plus_millis(-self.policy.key_age_millis);
        if let Some(key) = current.filter(|key| key.created_at > oldest) {
            return Ok(key);
        }
        let key = self.issuer.new_key(now)?;
        self.store.add_key(&key, oldest).await?;
        // Somebody else may have been first, and one key is enough: all have to learn of each.
        Ok(self.store.current_key().await?.unwrap_or(key))
    }

    async fn issue(&self, user: &User, session: SessionId, refresh_token: Token) -> Result<Tokens> {
        let now = self.clock.now();
        let key = self.signing_key(now).await?;
        let claims = Claims {
            user: user.id.clone(),
            role: user.role,
            session,
        };
        let expires_at = now.plus_millis(self.policy.access_ttl_millis);
        let access_token = self.issuer.issue(&key, &claims, now, expires_at)?;
        let expires_in = u32::try_from(self.policy.access_ttl_millis / 1_000).unwrap_or(u32::MAX);
        Ok(Tokens {
            access_token,
            token_type: TokenType::Bearer,
            expires_in,
            refresh_token,
        })
    }

    /// The account these credentials belong to. An unknown address takes as long as a wrong password.
    async fn authenticate(&self, email: &str, credentials: &Credentials) -> Result<Option<User>> {
        let address = EmailAddress::parse(email, "/email").ok();
        let record = match &address {
            Some(address) => {
                self.ensure_admin(address).await?;
                self.store.user_by_email(address).await?
            }
            None => None,
        };
        let Some(password) = Password::presented(&credentials.password) else {
            return Ok(None);
        };
        let hash = record.as_ref().map(|record| record.password_hash.as_str());
        let right = self.hasher.verify(&password, hash).await?;
        Ok(record.filter(|_| right).map(|record| record.user))
    }

    /// As [`Self::authenticate`], but no more often than the policy allows failures.
    async fn authenticate_with_limit(&self, credentials: &Credentials) -> Result<Option<User>> {
        let IdentityPolicy {
            max_failures,
            failure_window_millis,
            ..
        } = self.policy;
        let now = self.clock.now();
        let since = now.plus_millis(-failure_window_millis);
        // An address that can't be one is counted too, but in a bounded form.
        let email: String = credentials.email.to_lowercase().chars().take(254).collect();
        if self.store.failures(&email, since).await? >= max_failures {
            return Err(self.rate_limited());
        }
        let user = self.authenticate(&email, credentials).await?;
        // Many at once are counted one by one, so that no burst gets more tries than the limit.
        if user.is_none()
            && !self
                .store
                .note_failure(&email, now, since, max_failures)
                .await?
        {
            return Err(self.rate_limited());
        }
        Ok(user)
    }

    fn rate_limited(&self) -> Error {
        let retry_after = u32::try_from(self.policy.failure_window_millis / 1_000).unwrap_or(60);
        Error::RateLimited { retry_after }
    }

    async fn trade(&self, token: &Token, again_within_millis: Option<i64>) -> Result<Tokens> {
        let (now, next) = (self.clock.now(), Token::random(self.entropy.as_ref()));
        let expires_at = now.plus_millis(self.policy.refresh_ttl_millis);
        let again_since = again_within_millis.map(|millis| now.plus_millis(-millis));
        let rotation = self
            .store
            .rotate(
                &token.digest(),
                &next.digest(),
                expires_at,
                again_since,
                now,
            )
            .await?;
        match rotation {
            Rotation::Rotated { user, session } => self.issue(&user, session, next).await,
            Rotation::Replayed => {
                tracing::warn!("a refresh token was used twice; its session is over");
                Err(Error::Unauthenticated)
            }
            Rotation::Refused => Err(Error::Unauthenticated),
        }
    }
}

#[async_trait]
impl IdentityApi for IdentityUseCases {
    async fn register(&self, user: NewUser) -> Result<User> {
        self.ensure_admin(&user.email).await?;
        self.create(user, Role::Customer).await
    }

    async fn sign_in(&self, credentials: &Credentials) -> Result<Tokens> {
        let user = self.authenticate_with_limit(credentials).await?;
        let user = user.ok_or(Error::Unauthenticated)?;
        let now = self.clock.now();
        let (session, secret) = (
            SessionId::random(self.entropy.as_ref()),
            Token::random(self.entropy.as_ref()),
        );
        let refresh = RefreshToken {
            digest: secret.digest(),
            session: session.clone(),
            user: user.id.clone(),
            expires_at: now.plus_millis(self.policy.refresh_ttl_millis),
        };
        self.store.open_session(&refresh, now).await?;
        self.issue(&user, session, secret).await
    }

    async fn refresh(&self, token: &Token) -> Result<Tokens> {
        self.trade(token, None).await
    }

    async fn renew(&self, token: &Token) -> Result<Tokens> {
        self.trade(token, Some(self.policy.renewal_grace_millis))
            .await
    }

    async fn change_password(&self, caller: &Caller, current: &str, new: &Password) -> Result<()> {
        let session = &caller.require_user()?.session;
        let credentials = Credentials {
            email: self.me(caller).await?.email,
            password: current.to_owned(),
        };
        let Some(user) = self.authenticate_with_limit(&credentials).await? else {
            let wrong = "this is not your password of now";
            return Err(Error::invalid("/current_password", wrong));
        };
        let hash = self.hasher.hash(new).await?;
        self.store
            .set_password(&user.id, &hash, session, self.clock.now())
            .await
    }

    async fn sign_out_everywhere(&self, caller: &Caller) -> Result<()> {
        let user = &caller.require_user()?.user;
        self.store.revoke_all(user, self.clock.now()).await
    }

    async fn sign_out(&self, caller: &Caller) -> Result<()> {
        let session = &caller.require_user()?.session;
        self.store.revoke(session, self.clock.now()).await
    }

    async fn me(&self, caller: &Caller) -> Result<User> {
        let claims = caller.require_user()?;
        if !self.store.is_open(&claims.session).await? {
            return Err(Error::Unauthenticated);
        }
        self.store
            .user(&claims.user)
            .await?
            .ok_or(Error::Unauthenticated)
    }

    async fn public_keys(&self) -> Result<Vec<PublicKey>> {
        let now = self.clock.now();
        // A key signs until it is replaced, and its last tokens outlive that a little.
        let lifetime = self.policy.key_age_millis + 2 * self.policy.access_ttl_millis;
        let keys = self.store.public_keys(now.plus_millis(-lifetime)).await?;
        if keys.is_empty() {
            Ok(vec![self.signing_key(now).await?.public])
        } else {
            Ok(keys)
        }
    }
}
