//! Accounts, sessions and signing keys.

use bothways_domain::{
    caller::Role,
    id::SessionId,
    identity::{
        EmailAddress, IdentityStore, PublicKey, RefreshToken, Rotation, SigningKey, User,
        UserRecord,
    },
    time::Timestamp,
};
use futures::future::join_all;

use crate::{
    Place,
    sample::{at, user_id},
};

pub(crate) fn account(id: &str, email: &str) -> UserRecord {
    let user = User {
        id: user_id(id),
        email: email.to_owned(),
        name: "Ann Öberg".to_owned(),
        role: Role::Customer,
        created_at: at(1),
    };
    UserRecord {
        user,
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
    }
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text, "").unwrap()
}

fn session(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

/// Ann's account, with a session whose first refresh token is `first` and ends at 1 000.
async fn signed_in(store: &dyn IdentityStore) {
    sign_up(store).await;
    open(store, "session", "first").await;
}

/// Ann's account.
pub(crate) async fn sign_up(store: &dyn IdentityStore) {
    let ann = account("ann", "ann@example.com");
    assert!(store.create_user(&ann).await.unwrap());
}

/// A session of Ann's with its first refresh token, which ends at 1 000.
pub(crate) async fn open(store: &dyn IdentityStore, id: &str, digest: &str) {
    let token = RefreshToken {
        digest: digest.to_owned(),
        session: session(id),
        user: user_id("ann"),
        expires_at: at(1_000),
    };
    store.open_session(&token, at(0)).await.unwrap();
}

/// Trades at that moment for a token that lasts another 1 000.
pub(crate) async fn rotate(
    store: &dyn IdentityStore,
    digest: &str,
    next: &str,
    now: i64,
) -> Rotation {
    store
        .rotate(digest, next, at(now + 1_000), None, at(now))
        .await
        .unwrap()
}

fn rotated() -> Rotation {
    Rotation::Rotated {
        user: Box::new(account("ann", "ann@example.com").user),
        session: session("session"),
    }
}

fn key(kid: &str, created_at: Timestamp) -> SigningKey {
    let text = str::to_owned;
    let public = PublicKey {
        kid: text(kid),
        kty: text("OKP"),
        crv: text("Ed25519"),
        alg: text("EdDSA"),
        usage: text("sig"),
        x: text("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
    };
    SigningKey {
        public,
        secret: format!("the secret of {kid}"),
        created_at,
    }
}

/// By address and by id, for every process.
pub async fn an_account_comes_back_as_it_was_made(place: &dyn Place) {
    let (store, peer) = (place.identities().await, place.identities().await);
    let ann = account("ann", "ann@example.com");
    assert!(store.create_user(&ann).await.unwrap());
    assert_eq!(
        peer.user_by_email(&email("Ann@Example.com")).await.unwrap(),
        Some(ann.clone())
    );
    assert_eq!(peer.user(&ann.user.id).await.unwrap(), Some(ann.user));
    assert_eq!(
        peer.user_by_email(&email("bob@example.com")).await.unwrap(),
        None
    );
    assert_eq!(peer.user(&user_id("bob")).await.unwrap(), None);
}

/// The first who came keeps it.
pub async fn an_address_has_one_account(place: &dyn Place) {
    let store = place.identities().await;
    let ann = account("ann", "ann@example.com");
    assert!(store.create_user(&ann).await.unwrap());
    assert!(
        !store
            .create_user(&account("eve", "ann@example.com"))
            .await
            .unwrap()
    );
    assert_eq!(
        store
            .user_by_email(&email("ann@example.com"))
            .await
            .unwrap(),
        Some(ann)
    );
    assert_eq!(store.user(&user_id("eve")).await.unwrap(), None);
}

/// Of that account only; of an unknown one nothing happens.
pub async fn a_role_can_be_changed(place: &dyn Place) {
    let store = place.identities().await;
    store
        .create_user(&account("ann", "ann@example.com"))
        .await
        .unwrap();
    store
        .create_user(&account("bob", "bob@example.com"))
        .await
        .unwrap();
    store.set_role(&user_id("ann"), Role::Admin).await.unwrap();
    store.set_role(&user_id("eve"), Role::Admin).await.unwrap();
    for (id, role) in [("ann", Role::Admin), ("bob", Role::Customer)] {
        assert_eq!(store.user(&user_id(id)).await.unwrap().unwrap().role, role);
    }
}

/// Whatever was typed for an address.
pub async fn failures_are_counted_by_address_and_forgotten_with_time(place: &dyn Place) {
    let store = place.identities().await;
    let odd = "no address: \u{0} ünd ' more";
    for (address, now) in [("ann@example.com", 10), ("ann@example.com", 20), (odd, 30)] {
        assert!(
            store
                .note_failure(address, at(now), at(0), 10)
                .await
                .unwrap()
        );
    }
    assert_eq!(store.failures("ann@example.com", at(0)).await.unwrap(), 2);
    assert_eq!(store.failures("ann@example.com", at(20)).await.unwrap(), 1);
    assert_eq!(store.failures("ann@example.com", at(21)).await.unwrap(), 0);
    assert_eq!(store.failures(odd, at(0)).await.unwrap(), 1);
    assert_eq!(store.failures("bob@example.com", at(0)).await.unwrap(), 0);
    assert!(
        store
            .note_failure("bob@example.com", at(40), at(20), 10)
            .await
            .unwrap()
    );
    assert_eq!(
        store.failures("ann@example.com", at(0)).await.unwrap(),
        1,
        "the older one is gone"
    );
}

/// Until enough of them are too old to count.
pub async fn no_failure_is_noted_beyond_the_limit(place: &dyn Place) {
    let store = place.identities().await;
    for now in [1, 2, 3] {
        assert!(
            store
                .note_failure("ann@example.com", at(now), at(0), 3)
                .await
                .unwrap()
        );
    }
    assert!(
        !store
            .note_failure("ann@example.com", at(4), at(0), 3)
            .await
            .unwrap()
    );
    assert!(
        store
            .note_failure("bob@example.com", at(4), at(0), 3)
            .await
            .unwrap()
    );
    assert_eq!(store.failures("ann@example.com", at(0)).await.unwrap(), 3);
    assert!(
        store
            .note_failure("ann@example.com", at(5), at(2), 3)
            .await
            .unwrap()
    );
    assert_eq!(store.failures("ann@example.com", at(2)).await.unwrap(), 3);
}

/// The thief and the owner can't be told apart, so neither goes on.
pub async fn a_refresh_token_is_traded_once_and_a_replay_ends_its_session(place: &dyn Place) {
    let store = place.identities().await;
    signed_in(store.as_ref()).await;
    open(store.as_ref(), "elsewhere", "other").await;
    assert_eq!(
        rotate(store.as_ref(), "first", "second", 10).await,
        rotated()
    );
    assert_eq!(
        rotate(store.as_ref(), "second", "third", 20).await,
        rotated()
    );
    assert!(store.is_open(&session("session")).await.unwrap());
    assert_eq!(
        rotate(store.as_ref(), "first", "stolen", 30).await,
        Rotation::Replayed
    );
    assert!(!store.is_open(&session("session")).await.unwrap());
    for token in ["first", "second", "third", "stolen"] {
        assert_eq!(
            rotate(store.as_ref(), token, "fourth", 40).await,
            Rotation::Refused
        );
    }
    assert!(
        store.is_open(&session("elsewhere")).await.unwrap(),
        "other sessions go on"
    );
    assert!(matches!(
        rotate(store.as_ref(), "other", "next", 40).await,
        Rotation::Rotated { .. }
    ));
}

/// It was traded, and whoever has it should not.
pub async fn an_old_token_replayed_late_still_ends_its_session(place: &dyn Place) {
    let store = place.identities().await;
    signed_in(store.as_ref()).await;
    assert_eq!(
        rotate(store.as_ref(), "first", "second", 900).await,
        rotated()
    );
    assert_eq!(
        rotate(store.as_ref(), "first", "stolen", 1_500).await,
        Rotation::Replayed
    );
    assert!(!store.is_open(&session("session")).await.unwrap());
}

/// It ends no session.
pub async fn an_expired_or_unknown_token_is_refused(place: &dyn Place) {
    let store = place.identities().await;
    signed_in(store.as_ref()).await;
    assert_eq!(
        rotate(store.as_ref(), "unknown", "second", 10).await,
        Rotation::Refused
    );
    assert_eq!(
        rotate(store.as_ref(), "first", "second", 1_000).await,
        Rotation::Refused
    );
    assert!(store.is_open(&session("session")).await.unwrap());
    assert_eq!(
        rotate(store.as_ref(), "first", "second", 999).await,
        rotated()
    );
}

/// Ending it again, or one that never was, is fine.
pub async fn a_revoked_session_is_over(place: &dyn Place) {
    let (store, peer) = (place.identities().await, place.identities().await);
    signed_in(store.as_ref()).await;
    assert!(peer.is_open(&session("session")).await.unwrap());
    for id in ["session", "session", "unknown"] {
        store.revoke(&session(id), at(5)).await.unwrap();
        assert!(!peer.is_open(&session(id)).await.unwrap());
    }
    assert_eq!(
        rotate(store.as_ref(), "first", "second", 10).await,
        Rotation::Refused
    );
}

/// Tabs of one browser share its cookie; who comes later than that is a thief.
pub async fn a_token_just_traded_may_be_traded_again_where_that_is_allowed(place: &dyn Place) {
    let store = place.identities().await;
    signed_in(store.as_ref()).await;
    let renew = async |digest, next, again_since, now| {
        store
            .rotate(digest, next, at(9_000), Some(at(again_since)), at(now))
            .await
            .unwrap()
    };
    assert_eq!(renew("first", "second", 0, 100).await, rotated());
    assert_eq!(renew("first", "sibling", 100, 110).await, rotated());
    assert_eq!(renew("second", "third", 100, 120).await, rotated());
    assert_eq!(renew("sibling", "fourth", 100, 120).await, rotated());
    assert_eq!(
        renew("first", "stolen", 101, 130).await,
        Rotation::Replayed,
        "trading again does not move the moment it was first traded"
    );
    assert!(!store.is_open(&session("session")).await.unwrap());
    assert_eq!(renew("third", "late", 0, 140).await, Rotation::Refused);
}

/// The one the change was made in goes on; other people's sessions do, too.
pub async fn a_changed_password_ends_the_other_sessions(place: &dyn Place) {
    let (store, peer) = (place.identities().await, place.identities().await);
    signed_in(store.as_ref()).await;
    open(store.as_ref(), "elsewhere", "other").await;
    bob(store.as_ref()).await;
    store
        .set_password(&user_id("ann"), "new hash", &session("session"), at(5))
        .await
        .unwrap();
    let ann = peer.user_by_email(&email("ann@example.com")).await.unwrap();
    assert_eq!(ann.unwrap().password_hash, "new hash");
    let bob = peer.user_by_email(&email("bob@example.com")).await.unwrap();
    assert_ne!(bob.unwrap().password_hash, "new hash");
    for (id, open) in [("session", true), ("elsewhere", false), ("bobs", true)] {
        assert_eq!(peer.is_open(&session(id)).await.unwrap(), open, "{id}");
    }
}

/// All of that account's; doing it again is fine.
pub async fn every_session_of_an_account_is_ended(place: &dyn Place) {
    let store = place.identities().await;
    signed_in(store.as_ref()).await;
    open(store.as_ref(), "elsewhere", "other").await;
    bob(store.as_ref()).await;
    for now in [5, 6] {
        store.revoke_all(&user_id("ann"), at(now)).await.unwrap();
    }
    for (id, open) in [("session", false), ("elsewhere", false), ("bobs", true)] {
        assert_eq!(store.is_open(&session(id)).await.unwrap(), open, "{id}");
    }
    let refused = rotate(store.as_ref(), "first", "second", 10).await;
    assert_eq!(refused, Rotation::Refused);
}

/// Bob, with a session of his own.
async fn bob(store: &dyn IdentityStore) {
    let bob = account("bob", "bob@example.com");
    assert!(store.create_user(&bob).await.unwrap());
    let token = RefreshToken {
        digest: "bobs".to_owned(),
        session: session("bobs"),
        user: user_id("bob"),
        expires_at: at(1_000),
    };
    store.open_session(&token, at(0)).await.unwrap();
}

/// Without their secrets.
pub async fn the_newest_key_signs_and_old_ones_go_out_of_sight(place: &dyn Place) {
    let store = place.identities().await;
    assert_eq!(store.current_key().await.unwrap(), None);
    assert_eq!(store.public_keys(at(0)).await.unwrap(), []);
    let keys = [
        key("middle", at(20)),
        key("old", at(10)),
        key("new", at(30)),
    ];
    for key in &keys {
        store.add_key(key, at(40)).await.unwrap();
    }
    assert!(
        store.add_key(&keys[0], at(40)).await.is_err(),
        "a key's id is used once"
    );
    assert_eq!(store.current_key().await.unwrap(), Some(keys[2].clone()));
    let [middle, old, new] = keys.map(|key| key.public);
    let all = store.public_keys(at(10)).await.unwrap();
    assert_eq!(all, [new.clone(), middle.clone(), old]);
    assert_eq!(store.public_keys(at(11)).await.unwrap(), [new, middle]);
    assert_eq!(store.public_keys(at(31)).await.unwrap(), []);
}

/// Who signs in first may do so together with others.
pub async fn of_keys_made_at_once_one_is_added(place: &dyn Place) {
    let store = place.identities().await;
    let keys: Vec<_> = (0..8)
        .map(|number| key(&format!("k{number}"), at(20)))
        .collect();
    let added = keys.iter().map(|key| store.add_key(key, at(10)));
    join_all(added)
        .await
        .into_iter()
        .for_each(|added| added.unwrap());
    assert_eq!(store.public_keys(at(0)).await.unwrap().len(), 1);
    let current = store.current_key().await.unwrap().unwrap();
    // One as old as that is too old, one that is younger is not.
    store.add_key(&key("more", at(30)), at(19)).await.unwrap();
    assert_eq!(store.current_key().await.unwrap(), Some(current));
    store.add_key(&key("more", at(30)), at(20)).await.unwrap();
    assert_eq!(store.public_keys(at(0)).await.unwrap().len(), 2);
}
