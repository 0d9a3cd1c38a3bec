//! The ports of the identity context.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{EmailAddress, NewUser, Password, Tokens, User};
use crate::{
    Caller, Result,
    caller::{Claims, Role},
    id::{SessionId, Token, UserId},
    time::Timestamp,
};

/// An address and a secret, as presented.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The address as typed.
    pub email: String,
    /// The secret as typed.
    pub password: String,
}

/// A public key as RFC 8037 writes Ed25519 keys in a JSON Web Key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicKey {
    /// The key's id, named in the header of the tokens it verifies.
    pub kid: String,
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key, base64url without padding.
    pub x: String,
}

/// What the rest of the shop can ask of identity.
#[async_trait]
pub trait IdentityApi: Send + Sync {
    /// Makes an account.
    async fn register(&self, user: NewUser) -> Result<User>;

    /// Begins a session.
    async fn sign_in(&self, credentials: &Credentials) -> Result<Tokens>;

    /// Trades a refresh token for the next pair; a replayed one ends the session.
    async fn refresh(&self, token: &Token) -> Result<Tokens>;

    /// As [`Self::refresh`], for a browser whose tabs share one cookie: of several trades of the same token within
    /// a few seconds each gets a pair. For the shop's own pages.
    async fn renew(&self, token: &Token) -> Result<Tokens>;

    /// Changes the caller's password, who has to know the `current` one, and ends their other sessions. Wrong ones
    /// count as failed sign-ins.
    async fn change_password(&self, caller: &Caller, current: &str, new: &Password) -> Result<()>;

    /// Ends every session of the caller.
    async fn sign_out_everywhere(&self, caller: &Caller) -> Result<()>;

    /// Ends the caller's session.
    async fn sign_out(&self, caller: &Caller) -> Result<()>;

    /// The caller's account.
    async fn me(&self, caller: &Caller) -> Result<User>;

    /// The keys that verify access tokens.
    async fn public_keys(&self) -> Result<Vec<PublicKey>>;
}

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// What its owner sees.
    pub user: User,
    /// The password's Argon2id hash in PHC form.
    pub password_hash: String,
}

/// A refresh token as it is stored: by digest, within its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The digest.
    pub digest: String,
    /// The session (the token's family).
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What came of trading a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was current: the new one took its place.
    Rotated {
        /// Whose session it is.
        user: Box<User>,
        /// The session.
        session: SessionId,
    },
    /// It had been traded before: its session is now revoked.
    Replayed,
    /// It is unknown, expired or revoked.
    Refused,
}

/// A key that signs access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The public half, with the key's id.
    pub public: PublicKey,
    /// The private half: the Ed25519 seed, base64url without padding.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public.kid)
    }
}

/// What the identity context needs of a database. Each write is one atomic operation.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Stores a new account; `false` when the address is taken.
    async fn create_user(&self, user: &UserRecord) -> Result<bool>;

    /// The account with that address.
    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<UserRecord>>;

    /// The account of that id.
    async fn user(&self, id: &UserId) -> Result<Option<User>>;

    /// Sets an account's role.
    async fn set_role(&self, id: &UserId, role: Role) -> Result<()>;

    /// Failed sign-ins for an address since a moment.
    async fn failures(&self, email: &str, since: Timestamp) -> Result<u32>;

    /// Notes a failed sign-in unless there were `limit` since a moment already; whether it was noted. Older ones go.
    async fn note_failure(
        &self,
        email: &str,
        now: Timestamp,
        since: Timestamp,
        limit: u32,
    ) -> Result<bool>;

    /// Begins a session with its first refresh token.
    async fn open_session(&self, token: &RefreshToken, now: Timestamp) -> Result<()>;

    /// Trades the refresh token with that digest for `next`, which keeps the session. With `again_since`, one that was
    /// traded at that moment or later is traded again.
    async fn rotate(
        &self,
        digest: &str,
        next_digest: &str,
        next_expires_at: Timestamp,
        again_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Rotation>;

    /// Changes an account's password hash and ends its sessions but `kept`.
    async fn set_password(
        &self,
        user: &UserId,
        hash: &str,
        kept: &SessionId,
        now: Timestamp,
    ) -> Result<()>;

    /// Ends every session of an account.
    async fn revoke_all(&self, user: &UserId, now: Timestamp) -> Result<()>;

    /// Ends a session; one already ended stays so.
    async fn revoke(&self, session: &SessionId, now: Timestamp) -> Result<()>;

    /// Whether a session exists and was not ended.
    async fn is_open(&self, session: &SessionId) -> Result<bool>;

    /// Adds a signing key unless there is one made after `oldest`; of several who do so at once, one adds its own.
    async fn add_key(&self, key: &SigningKey, oldest: Timestamp) -> Result<()>;

    /// The newest signing key.
    async fn current_key(&self) -> Result<Option<SigningKey>>;

    /// The public halves of the keys made since a moment, newest first.
    async fn public_keys(&self, since: Timestamp) -> Result<Vec<PublicKey>>;
}

/// Hashes passwords, off the async threads.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The password's hash, with a fresh salt.
    async fn hash(&self, password: &Password) -> Result<String>;

    /// Whether the password has this hash. Without a hash it takes as long and is `false`.
    async fn verify(&self, password: &Password, hash: Option<&str>) -> Result<bool>;
}

/// Signs access tokens.
pub trait TokenIssuer: Send + Sync {
    /// A new signing key.
    fn new_key(&self, now: Timestamp) -> Result<SigningKey>;

    /// A token that says `claims` until `expires_at`.
    fn issue(
        &self,
        key: &SigningKey,
        claims: &Claims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Token>;
}

/// Turns a bearer token into a caller.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Who presents `token`. Never fails: a token that is no valid access token makes a [`Caller::Bearer`].
    async fn identify(&self, token: Token) -> Caller;
}
