//! What proves who somebody is: password hashes (Argon2id), access tokens (JWT signed with Ed25519) and
//! their verification by published keys.

mod ed25519;
mod password;
mod signing;
mod verifier;

pub use password::Argon2Hasher;
pub use signing::JwtIssuer;
pub use verifier::JwtVerifier;
