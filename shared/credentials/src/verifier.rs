//! Turns bearer tokens into callers, with the keys identity publishes. The keys are kept, so that signed-in
//! shoppers stay signed in while identity is gone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bothways_domain::{
    Caller,
    caller::Claims,
    id::Token,
    identity::{IdentityApi, TokenVerifier},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::{
    ed25519,
    signing::{ISSUER, WireClaims},
};

/// How soon the keys are asked for again when a token names one that is not known: a stranger who makes
/// up key ids can't make us ask more often. Who comes in between waits, as the key may have been made since.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, DecodingKey>,
    asked: Option<Instant>,
    /// Whether the last time of asking failed.
    failed: bool,
}

/// Verifies access tokens.
pub struct JwtVerifier {
    identity: Arc<dyn IdentityApi>,
    keys: Mutex<Keys>,
}

enum Lookup {
    Found(DecodingKey),
    Unknown,
    /// Identity can't be asked, so nobody can tell.
    Unreachable,
}

impl JwtVerifier {
    /// A verifier that asks `identity` for keys it does not know.
    pub fn new(identity: Arc<dyn IdentityApi>) -> Self {
        Self {
            identity,
            keys: Mutex::default(),
        }
    }

    async fn key(&self, kid: &str) -> Lookup {
        let came = Instant::now();
        loop {
            let mut keys = self.keys.lock().await;
            if let Some(key) = keys.by_id.get(kid) {
                return Lookup::Found(key.clone());
            }
            let again = keys.asked.map(|asked| asked + ASK_AGAIN_AFTER);
            match again.filter(|again| *again > Instant::now()) {
                None => self.ask(&mut keys).await,
                Some(again) if !keys.failed && keys.asked < Some(came) => {
                    drop(keys);
                    sleep_until(again).await;
                    continue;
                }
                Some(_) => {}
            }
            return match keys.by_id.get(kid) {
                Some(key) => Lookup::Found(key.clone()),
                None if keys.failed => Lookup::Unreachable,
                None => Lookup::Unknown,
            };
        }
    }

    async fn ask(&self, keys: &mut Keys) {
        // Every key made until now is among them.
        let mut asked = Instant::now();
        match self.identity.public_keys().await {
            Ok(published) => {
                let decoded = published.into_iter().filter_map(|key| {
                    let decoding = DecodingKey::from_ed_components(&key.x).ok()?;
                    Some((key.kid, decoding))
                });
                keys.by_id = decoded.collect();
                keys.failed = false;
            }
            Err(error) => {
                tracing::warn!(%error, "the keys that verify access tokens can't be fetched");
                keys.failed = true;
                // Asking may have taken long, and whoever waited meanwhile need not find that out, too.
                asked = Instant::now();
            }
        }
        keys.asked = Some(asked);
    }
}

fn verify(token: &Token, key: &DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.leeway = 5;
    ed25519::install();
    decode::<WireClaims>(token.reveal(), key, &validation)
        .ok()
        .map(|data| data.claims.into())
}

#[async_trait]
impl TokenVerifier for JwtVerifier {
    async fn identify(&self, token: Token) -> Caller {
        let header = decode_header(token.reveal()).ok();
        let kid = header
            .filter(|header| header.alg == Algorithm::EdDSA)
            .and_then(|header| header.kid);
        // No access token of ours names no key: perhaps an order's access token.
        let Some(kid) = kid else {
            return Caller::Bearer(token);
        };
        match self.key(&kid).await {
            Lookup::Unreachable => Caller::Unverified(token),
            Lookup::Unknown => Caller::Bearer(token),
            Lookup::Found(key) => match verify(&token, &key) {
                Some(claims) => Caller::User {
                    claims,
                    bearer: token,
                },
                None => Caller::Bearer(token),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use bothways_domain::{
        Error, Result,
        caller::Role,
        id::{SessionId, UserId},
        identity::{
            Credentials, NewUser, Password, PublicKey, SigningKey, TokenIssuer, Tokens, User,
        },
        time::Timestamp,
    };

    use super::*;
    use crate::JwtIssuer;

    /// Identity reduced to the keys it publishes; everything else is out of reach.
    #[derive(Clone)]
    struct Published(Arc<Mutex<Option<Vec<PublicKey>>>>);

    fn published(keys: Option<Vec<PublicKey>>) -> Published {
        Published(Arc::new(Mutex::new(keys)))
    }

    #[async_trait]
    impl IdentityApi for Published {
        async fn register(&self, _: NewUser) -> Result<User> {
            Err(Error::unavailable("identity"))
        }
        async fn sign_in(&self, _: &Credentials) -> Result<Tokens> {
            Err(Error::unavailable("identity"))
        }
        async fn refresh(&self, _: &Token) -> Result<Tokens> {
            Err(Error::unavailable("identity"))
        }
        async fn renew(&self, _: &Token) -> Result<Tokens> {
            Err(Error::unavailable("identity"))
        }
        async fn change_password(&self, _: &Caller, _: &str, _: &Password) -> Result<()> {
            Err(Error::unavailable("identity"))
        }
        async fn sign_out_everywhere(&self, _: &Caller) -> Result<()> {
            Err(Error::unavailable("identity"))
        }
        async fn sign_out(&self, _: &Caller) -> Result<()> {
            Err(Error::unavailable("identity"))
        }
        async fn me(&self, _: &Caller) -> Result<User> {
            Err(Error::unavailable("identity"))
        }
        async fn public_keys(&self) -> Result<Vec<PublicKey>> {
            let keys = self.0.lock().await.clone();
            keys.ok_or_else(|| Error::unavailable("identity"))
        }
    }

    fn now() -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    fn token(key: &SigningKey, lasts_millis: i64) -> Token {
        let claims = Claims {
            user: UserId::parse("u1").unwrap(),
            role: Role::Admin,
            session: SessionId::parse("s1").unwrap(),
        };
        JwtIssuer
            .issue(key, &claims, now(), now().plus_millis(lasts_millis))
            .unwrap()
    }

    #[tokio::test]
    async fn a_token_signed_with_any_published_key_is_its_user() {
        let (old, new) = (
            JwtIssuer.new_key(now()).unwrap(),
            JwtIssuer.new_key(now()).unwrap(),
        );
        let keys = vec![new.public.clone(), old.public.clone()];
        let verifier = JwtVerifier::new(Arc::new(published(Some(keys))));
        for key in [&old, &new] {
            let caller = verifier.identify(token(key, 60_000)).await;
            assert!(caller.is_admin(), "{caller:?}");
        }
    }

    #[tokio::test]
    async fn an_expired_forged_or_tampered_token_is_nobody() {
        let (known, stranger) = (
            JwtIssuer.new_key(now()).unwrap(),
            JwtIssuer.new_key(now()).unwrap(),
        );
        let verifier = JwtVerifier::new(Arc::new(published(Some(vec![known.public.clone()]))));
        let mut forged = stranger.clone();
        forged.public.kid.clone_from(&known.public.kid);
        let good = token(&known, 60_000);
        let mut tampered = good.reveal().to_owned();
        tampered.replace_range(
            tampered.len() - 5..tampered.len() - 4,
            if tampered.ends_with('A') { "B" } else { "~" },
        );
        let bad = [
            token(&known, -60_000),
            token(&stranger, 60_000),
            token(&forged, 60_000),
            Token::presented(tampered),
        ];
        for token in bad {
            let caller = verifier.identify(token).await;
            assert!(matches!(caller, Caller::Bearer(_)), "{caller:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_made_since_the_keys_were_asked_for_is_waited_for_and_an_invented_one_is_too() {
        let (old, new, invented) = (
            JwtIssuer.new_key(now()).unwrap(),
            JwtIssuer.new_key(now()).unwrap(),
            JwtIssuer.new_key(now()).unwrap(),
        );
        let identity = published(Some(vec![old.public.clone()]));
        let verifier = JwtVerifier::new(Arc::new(identity.clone()));
        assert!(verifier.identify(token(&old, 60_000)).await.is_admin());
        let began = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        *identity.0.lock().await = Some(vec![old.public.clone(), new.public.clone()]);
        let tokens = [&old, &new, &new, &invented].map(|key| token(key, 60_000));
        let [first, second, third, nobody] = tokens.map(|token| verifier.identify(token));
        let callers = tokio::join!(first, second, third, nobody);
        assert!(callers.0.is_admin() && callers.1.is_admin() && callers.2.is_admin());
        assert!(matches!(callers.3, Caller::Bearer(_)), "{:?}", callers.3);
        assert_eq!(began.elapsed(), ASK_AGAIN_AFTER);
    }

    #[tokio::test]
    async fn without_keys_nobody_can_tell() {
        let key = JwtIssuer.new_key(now()).unwrap();
        let verifier = JwtVerifier::new(Arc::new(published(None)));
        assert!(matches!(
            verifier.identify(token(&key, 60_000)).await,
            Caller::Unverified(_)
        ));
        let opaque = verifier.identify(Token::presented("abc")).await;
        assert!(matches!(opaque, Caller::Bearer(_)));
    }
}
