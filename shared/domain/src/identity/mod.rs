//! Identity: accounts, sessions and the keys that prove them.

mod email;
mod port;
mod use_cases;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use email::EmailAddress;
pub use port::{
    Credentials, IdentityApi, IdentityStore, PasswordHasher, PublicKey, RefreshToken, Rotation,
    SigningKey, TokenIssuer, TokenVerifier, UserRecord,
};
pub use use_cases::{FirstAdmin, IdentityPolicy, IdentityUseCases};

use crate::{
    Error, Result,
    caller::Role,
    id::{Token, UserId},
    time::Timestamp,
};

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its address, in lower case.
    pub email: String,
    /// The name to greet.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A password of 8 to 128 characters, never shown.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes 8 to 128 characters.
    pub fn parse(text: &str, pointer: &str) -> Result<Self> {
        let fits = (8..=128).contains(&text.chars().count());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(
                pointer,
                "a password has 8 to 128 characters",
            ))
        }
    }

    /// A password as presented at sign-in, whatever its length; `None` beyond what could ever be one.
    pub fn presented(text: &str) -> Option<Self> {
        (text.chars().count() <= 128).then(|| Self(text.to_owned()))
    }

    /// The secret itself, for hashing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What a new account is made from.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Where to write to.
    pub email: EmailAddress,
    /// The secret.
    pub password: Password,
    /// The name to greet: 1 to 200 characters.
    pub name: String,
}

/// What signing in gives.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tokens {
    /// Proves who is asking, for a while.
    #[schema(value_type = String)]
    pub access_token: Token,
    /// Always `Bearer`.
    pub token_type: TokenType,
    /// Seconds until the access token expires.
    pub expires_in: u32,
    /// Gets the next pair, once.
    #[schema(value_type = String)]
    pub refresh_token: Token,
}

/// How an access token is presented.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
}
