//! Identifiers. Each is its own type, so that one can't be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error, Result,
    time::{Entropy, Timestamp},
};

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    // Each internal call's token goes through here, and the formatter takes longer than the rest of the check.
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let pairs = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(pairs);
    text
}

/// SHA-256 in hexadecimal: how secrets that only need comparing are kept.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, pattern = "^[A-Za-z0-9._-]{1,64}$")]
        pub struct $name(String);

        impl $name {
            /// Takes `[A-Za-z0-9._-]{1,64}`; anything else can't be such an id and is `None`.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                fits.then(|| Self(text.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text).ok_or_else(|| concat!("not a ", $what, " id").to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

macro_rules! opaque {
    ($name:ident) => {
        impl $name {
            /// A fresh, unguessable id (128 random bits).
            pub fn random(entropy: &dyn Entropy) -> Self {
                Self(hex(&entropy.bits()))
            }
        }
    };
}

id!(/// A product's id, chosen by the administrator.
    ProductId, "product");
id!(/// A cart's id: knowing it is what lets a guest use the cart.
    CartId, "cart");
id!(/// An order's id; also the key of its reservation and its payment.
    OrderId, "order");
id!(/// A user's id.
    UserId, "user");
id!(/// A session: one sign-in and all its refreshes.
    SessionId, "session");
id!(/// An event's id, by which consumers recognise a repetition.
    EventId, "event");

id!(/// A picture's id, which is also its upload's. Ids sort as they were made.
    PictureId, "picture");

opaque!(CartId);
opaque!(OrderId);
opaque!(UserId);
opaque!(SessionId);
opaque!(EventId);

impl PictureId {
    /// A fresh id: the moment in milliseconds, then 80 random bits that tell pictures of one moment apart.
    pub fn at(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let random = hex(&entropy.bits()[6..]);
        Self(format!("{:012x}{random}", now.as_millis().max(0)))
    }
}

impl ProductId {
    /// Takes an id from a request that writes, where an impossible one is a broken rule.
    pub fn parse_for_write(text: &str, pointer: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            Error::invalid(
                pointer,
                "an id is 1 to 64 of the characters A-Z a-z 0-9 . _ -",
            )
        })
    }
}

/// A client's key for one attempt to buy: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes a key, or says what a key is.
    pub fn parse(text: &str) -> Result<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::MalformedRequest(
                "Idempotency-Key is 1 to 255 visible ASCII characters".to_owned(),
            ))
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A secret that is handed out once and afterwards only compared by its digest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A fresh token of 256 random bits.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex(&entropy.bits()) + &hex(&entropy.bits()))
    }

    /// A token as a client presents it.
    pub fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for handing it out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored in its place.
    pub fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
