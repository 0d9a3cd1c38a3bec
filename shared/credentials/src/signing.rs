//! Access tokens: JWTs (RFC 7519) signed with Ed25519 (RFC 8037), each naming its key in `kid`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bothways_domain::{
    Error, Result,
    caller::{Claims, Role},
    id::{SessionId, Token, UserId, hex},
    identity::{PublicKey, SigningKey, TokenIssuer},
    time::Timestamp,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use crate::ed25519::{self, PKCS8_PREFIX};

/// Who issues the tokens: this shop.
pub(crate) const ISSUER: &str = "bothways";

/// The claims as they stand in a token (times in seconds since the epoch).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireClaims {
    iss: String,
    sub: UserId,
    sid: SessionId,
    role: Role,
    iat: i64,
    exp: i64,
}

impl From<WireClaims> for Claims {
    fn from(wire: WireClaims) -> Self {
        Self {
            user: wire.sub,
            role: wire.role,
            session: wire.sid,
        }
    }
}

/// Makes keys and signs tokens with them.
#[derive(Debug, Default)]
pub struct JwtIssuer;

impl TokenIssuer for JwtIssuer {
    fn new_key(&self, now: Timestamp) -> Result<SigningKey> {
        let seed: [u8; 32] = rand::random();
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let public = PublicKey {
            kid: hex(&rand::random::<[u8; 8]>()),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            x: URL_SAFE_NO_PAD.encode(public.as_bytes()),
        };
        Ok(SigningKey {
            public,
            secret: URL_SAFE_NO_PAD.encode(seed),
            created_at: now,
        })
    }

    fn issue(
        &self,
        key: &SigningKey,
        claims: &Claims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Token> {
        let seed = URL_SAFE_NO_PAD
            .decode(&key.secret)
            .map_err(Error::internal)?;
        let der = [PKCS8_PREFIX.as_slice(), &seed].concat();
        let header = Header {
            kid: Some(key.public.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let claims = WireClaims {
            iss: ISSUER.to_owned(),
            sub: claims.user.clone(),
            sid: claims.session.clone(),
            role: claims.role,
            iat: now.as_millis().div_euclid(1_000),
            exp: expires_at.as_millis().div_euclid(1_000),
        };
        ed25519::install();
        let token =
            encode(&header, &claims, &EncodingKey::from_ed_der(&der)).map_err(Error::internal)?;
        Ok(Token::presented(token))
    }
}
