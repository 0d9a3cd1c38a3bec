//! Who is asking. Roles are checked by the use case, not by a route table.

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    id::{SessionId, Token, UserId},
};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
}

impl Role {
    /// The name it is stored and sent by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// What a verified access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user.
    pub user: UserId,
    /// Their role when the token was issued.
    pub role: Role,
    /// The session the token belongs to.
    pub session: SessionId,
}

/// Who makes a request, after its bearer token was looked at.
#[derive(Debug, Clone)]
pub enum Caller {
    /// No credentials.
    Anonymous,
    /// A valid access token; the token itself is kept so that it can be passed on to another service.
    User {
        /// What the token says.
        claims: Claims,
        /// The token.
        bearer: Token,
    },
    /// A bearer token that is no valid access token: perhaps an order's access token.
    Bearer(Token),
    /// An access token nobody could verify, because its keys can't be fetched right now.
    Unverified(Token),
}

impl Caller {
    /// The signed-in user, or `Unauthenticated` (`Unavailable` when nobody can tell).
    pub fn require_user(&self) -> Result<&Claims> {
        match self {
            Self::User { claims, .. } => Ok(claims),
            Self::Unverified(_) => Err(Error::unavailable("identity")),
            Self::Anonymous | Self::Bearer(_) => Err(Error::Unauthenticated),
        }
    }

    /// The signed-in administrator, or `Forbidden` for another user.
    pub fn require_admin(&self) -> Result<&Claims> {
        let claims = self.require_user()?;
        if claims.role == Role::Admin {
            Ok(claims)
        } else {
            Err(Error::Forbidden)
        }
    }

    /// The signed-in user's id, if any.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::User { claims, .. } => Some(&claims.user),
            _ => None,
        }
    }

    /// Whether this is an administrator.
    pub fn is_admin(&self) -> bool {
        self.require_admin().is_ok()
    }

    /// The token as it came, for passing it on.
    pub fn bearer(&self) -> Option<&Token> {
        match self {
            Self::Anonymous => None,
            Self::User { bearer, .. } | Self::Bearer(bearer) | Self::Unverified(bearer) => {
                Some(bearer)
            }
        }
    }
}
