//! Carts.

use std::sync::Arc;

use bothways_domain::{
    cart::{Cart, CartLine, CartStore, CartWrite, MAX_ITEMS},
    id::CartId,
};

use crate::{
    Place,
    sample::{at, cart_id, line, order_id, product_id, quantity, units, usd, user_id},
};

pub(crate) fn empty(id: &str) -> Cart {
    Cart {
        id: cart_id(id),
        owner: None,
        lines: Vec::new(),
        version: 1,
        updated_at: at(0),
    }
}

/// A store with one cart that holds two kettles and three mugs, its version 3.
async fn filled(place: &dyn Place) -> (Arc<dyn CartStore>, CartId) {
    let store = place.carts().await;
    store.create(&empty("cart")).await.unwrap();
    for line in [line("kettle", 2), line("mug", 3)] {
        put(store.as_ref(), line, None).await;
    }
    (store, cart_id("cart"))
}

/// The cart as a caller sees it before they write: as it is stored, or, when it is gone since, as it was.
async fn seen(store: &dyn CartStore) -> Cart {
    let found = store.find(&cart_id("cart")).await.unwrap();
    found.unwrap_or_else(|| empty("cart"))
}

async fn put(store: &dyn CartStore, line: CartLine, if_version: Option<i64>) -> CartWrite {
    let seen = seen(store).await;
    let write = store.put_line(&seen, &line, if_version, at(10));
    write.await.unwrap()
}

async fn remove(
    store: &dyn CartStore,
    product: &str,
    if_version: Option<i64>,
    now: i64,
) -> CartWrite {
    let (seen, product) = (seen(store).await, product_id(product));
    let write = store.remove_line(&seen, &product, if_version, at(now));
    write.await.unwrap()
}

/// The cart that a write left, which is also the one that is stored.
async fn done(store: &dyn CartStore, write: CartWrite) -> Cart {
    let CartWrite::Done(cart) = write else {
        panic!("the write was refused: {write:?}")
    };
    assert_eq!(store.find(&cart.id).await.unwrap().as_ref(), Some(&cart));
    cart
}

fn contents(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines
        .iter()
        .map(|line| (line.product_id.as_str(), line.quantity.get()))
        .collect()
}

/// With its owner and lines, for every process.
pub async fn a_cart_comes_back_as_it_was_made(place: &dyn Place) {
    let (store, peer) = (place.carts().await, place.carts().await);
    let mut owned = empty("owned");
    owned.owner = Some(user_id("ann"));
    owned.lines = vec![line("mug", 99), line("kettle", 1)];
    for cart in [empty("cart"), owned] {
        store.create(&cart).await.unwrap();
        assert_eq!(peer.find(&cart.id).await.unwrap(), Some(cart));
    }
    assert_eq!(store.find(&cart_id("other")).await.unwrap(), None);
    assert!(
        store.create(&empty("cart")).await.is_err(),
        "an id is used once"
    );
}

/// A changed line stays in its place; one that is put again after its removal comes last.
pub async fn lines_keep_the_order_they_were_first_put(place: &dyn Place) {
    let (store, _) = filled(place).await;
    put(store.as_ref(), line("fork", 1), None).await;
    let write = put(store.as_ref(), line("kettle", 9), None).await;
    let cart = done(store.as_ref(), write).await;
    assert_eq!(contents(&cart), [("kettle", 9), ("mug", 3), ("fork", 1)]);
    assert_eq!((cart.version, cart.updated_at), (5, at(10)));
    let write = remove(store.as_ref(), "kettle", None, 20).await;
    let cart = done(store.as_ref(), write).await;
    assert_eq!((cart.version, cart.updated_at), (6, at(20)));
    let write = put(store.as_ref(), line("kettle", 1), None).await;
    let cart = done(store.as_ref(), write).await;
    assert_eq!(contents(&cart), [("mug", 3), ("fork", 1), ("kettle", 1)]);
}

/// Neither version nor time.
pub async fn putting_the_same_again_changes_nothing(place: &dyn Place) {
    let (store, id) = filled(place).await;
    let before = store.find(&id).await.unwrap().unwrap();
    let write = store.put_line(&before, &line("mug", 3), None, at(99)).await;
    let write = write.unwrap();
    assert_eq!(done(store.as_ref(), write).await, before);
}

/// For putting and removing alike; the right version is let through.
pub async fn a_version_that_no_longer_holds_is_stale(place: &dyn Place) {
    let (store, _) = filled(place).await;
    for version in [2, 4] {
        assert_eq!(
            put(store.as_ref(), line("fork", 1), Some(version)).await,
            CartWrite::Stale
        );
        let removed = remove(store.as_ref(), "mug", Some(version), 20).await;
        assert_eq!(removed, CartWrite::Stale);
    }
    let write = put(store.as_ref(), line("fork", 1), Some(3)).await;
    assert_eq!(done(store.as_ref(), write).await.version, 4);
    let write = remove(store.as_ref(), "mug", Some(4), 20).await;
    assert_eq!(
        contents(&done(store.as_ref(), write).await),
        [("kettle", 2), ("fork", 1)]
    );
}

/// Whoever writes may have seen the cart as it was before others wrote to it.
pub async fn a_write_goes_into_the_cart_as_it_is_now(place: &dyn Place) {
    let (store, _) = filled(place).await;
    let early = empty("cart");
    let write = store.put_line(&early, &line("fork", 1), None, at(20)).await;
    let cart = done(store.as_ref(), write.unwrap()).await;
    assert_eq!(contents(&cart), [("kettle", 2), ("mug", 3), ("fork", 1)]);
    let mut full = early.clone();
    full.lines = (0..MAX_ITEMS).map(|n| line(&format!("p{n}"), 1)).collect();
    let write = store.put_line(&full, &line("spoon", 1), None, at(20)).await;
    assert_eq!(done(store.as_ref(), write.unwrap()).await.lines.len(), 4);
    let mug = product_id("mug");
    let write = store.remove_line(&early, &mug, None, at(30)).await.unwrap();
    let cart = done(store.as_ref(), write).await;
    assert_eq!(contents(&cart), [("kettle", 2), ("fork", 1), ("spoon", 1)]);
    assert_eq!((cart.version, cart.updated_at), (6, at(30)));
    let stale = store
        .put_line(&early, &line("lid", 1), Some(1), at(40))
        .await;
    assert_eq!(stale.unwrap(), CartWrite::Stale);
    assert!(store.delete(&cart.id).await.unwrap());
    let gone = store.put_line(&cart, &line("lid", 1), None, at(50)).await;
    assert_eq!(gone.unwrap(), CartWrite::Missing);
    let gone = store.remove_line(&cart, &mug, None, at(50)).await;
    assert_eq!(gone.unwrap(), CartWrite::Missing);
}

/// What it holds already can still be changed.
pub async fn a_full_cart_takes_no_other_product(place: &dyn Place) {
    let store = place.carts().await;
    let mut cart = empty("cart");
    cart.lines = (0..MAX_ITEMS).map(|n| line(&format!("p{n}"), 1)).collect();
    store.create(&cart).await.unwrap();
    assert_eq!(
        put(store.as_ref(), line("another", 1), None).await,
        CartWrite::Full
    );
    let write = put(store.as_ref(), line("p50", 7), None).await;
    let changed = done(store.as_ref(), write).await;
    assert_eq!(
        (changed.lines.len(), contents(&changed)[50]),
        (MAX_ITEMS, ("p50", 7))
    );
}

/// It is as the caller wants it.
pub async fn removing_what_is_not_there_changes_nothing(place: &dyn Place) {
    let (store, id) = filled(place).await;
    let before = store.find(&id).await.unwrap().unwrap();
    let write = store
        .remove_line(&before, &product_id("fork"), None, at(99))
        .await
        .unwrap();
    assert_eq!(done(store.as_ref(), write).await, before);
}

/// Quantities are not touched, and lines that are gone stay gone.
pub async fn remembering_prices_is_no_change_of_the_cart(place: &dyn Place) {
    let (store, id) = filled(place).await;
    let mut dearer = line("kettle", 77);
    "A better kettle".clone_into(&mut dearer.name);
    dearer.unit_price = usd(9_999);
    store
        .remember(&id, &[dearer, line("gone", 1)])
        .await
        .unwrap();
    let cart = store.find(&id).await.unwrap().unwrap();
    assert_eq!((cart.version, cart.updated_at), (3, at(10)));
    assert_eq!(contents(&cart), [("kettle", 2), ("mug", 3)]);
    assert_eq!(
        (cart.lines[0].name.as_str(), cart.lines[0].unit_price),
        ("A better kettle", usd(9_999))
    );
    store
        .remember(&cart_id("other"), &[line("kettle", 1)])
        .await
        .unwrap();
}

/// Claiming again is fine; for another user there is no such cart.
pub async fn a_cart_is_claimed_by_one_user(place: &dyn Place) {
    let (store, id) = filled(place).await;
    for _ in 0..2 {
        let write = store.claim(&id, &user_id("ann"), at(30)).await.unwrap();
        let cart = done(store.as_ref(), write).await;
        assert_eq!(
            (cart.owner, cart.version, cart.updated_at),
            (Some(user_id("ann")), 4, at(30))
        );
    }
    let others = store.claim(&id, &user_id("bob"), at(40)).await.unwrap();
    assert_eq!(others, CartWrite::Missing);
    let write = put(store.as_ref(), line("fork", 1), None).await;
    assert_eq!(
        done(store.as_ref(), write).await.owner,
        Some(user_id("ann"))
    );
}

/// With its lines and what was noted of its orders.
pub async fn a_deleted_cart_is_gone(place: &dyn Place) {
    let (store, id) = filled(place).await;
    store
        .consume(&id, &order_id("order"), &[units("mug", 1)], at(20))
        .await
        .unwrap();
    assert!(store.delete(&id).await.unwrap());
    assert!(!store.delete(&id).await.unwrap());
    assert_eq!(store.find(&id).await.unwrap(), None);
    store.create(&empty("cart")).await.unwrap();
    assert_eq!(
        store.find(&id).await.unwrap(),
        Some(empty("cart")),
        "nothing is left of the old one"
    );
}

/// What was added since stays; a line that reaches zero goes.
pub async fn an_order_takes_its_lines_out_once(place: &dyn Place) {
    let (store, id) = filled(place).await;
    put(store.as_ref(), line("fork", 1), None).await;
    let bought = [units("kettle", 2), units("mug", 1), units("gone", 5)];
    for _ in 0..2 {
        store
            .consume(&id, &order_id("order"), &bought, at(20))
            .await
            .unwrap();
        let cart = store.find(&id).await.unwrap().unwrap();
        assert_eq!(contents(&cart), [("mug", 2), ("fork", 1)]);
        assert_eq!((cart.version, cart.updated_at), (5, at(20)));
        assert_eq!(cart.lines[0].quantity, quantity(2));
    }
    store
        .consume(&id, &order_id("next"), &[units("mug", 9)], at(30))
        .await
        .unwrap();
    let cart = store.find(&id).await.unwrap().unwrap();
    assert_eq!(
        contents(&cart),
        [("fork", 1)],
        "fewer than were bought: none are left"
    );
    store
        .consume(&id, &order_id("third"), &[units("mug", 9)], at(40))
        .await
        .unwrap();
    assert_eq!(
        store.find(&id).await.unwrap(),
        Some(cart),
        "nothing to take out, nothing changed"
    );
}

/// Except for an order, which has bought it all the same.
pub async fn writing_to_a_missing_cart_says_so(place: &dyn Place) {
    let (store, id) = (place.carts().await, cart_id("cart"));
    assert_eq!(
        put(store.as_ref(), line("mug", 1), None).await,
        CartWrite::Missing
    );
    let removed = remove(store.as_ref(), "mug", Some(1), 1).await;
    assert_eq!(removed, CartWrite::Missing);
    let claimed = store.claim(&id, &user_id("ann"), at(1)).await.unwrap();
    assert_eq!(claimed, CartWrite::Missing);
    store
        .consume(&id, &order_id("order"), &[units("mug", 1)], at(1))
        .await
        .unwrap();
}

/// A cart of that user's with these lines, last changed at that moment.
async fn owned(
    store: &dyn CartStore,
    id: &str,
    user: &str,
    lines: &[(&str, u32)],
    updated_at: i64,
) -> CartId {
    let mut cart = empty(id);
    cart.owner = Some(user_id(user));
    cart.lines = lines.iter().map(|(name, many)| line(name, *many)).collect();
    cart.updated_at = at(updated_at);
    store.create(&cart).await.unwrap();
    cart.id
}

/// Whichever device it was filled on.
pub async fn a_user_finds_the_cart_they_changed_last_a_filled_one_first(place: &dyn Place) {
    let (store, peer) = (place.carts().await, place.carts().await);
    let ann = user_id("ann");
    assert_eq!(peer.of_user(&ann).await.unwrap(), None);
    store.create(&empty("guest")).await.unwrap();
    owned(store.as_ref(), "bobs", "bob", &[("mug", 1)], 99).await;
    let void = owned(store.as_ref(), "void", "ann", &[], 50).await;
    assert_eq!(peer.of_user(&ann).await.unwrap(), Some(void));
    let old = owned(store.as_ref(), "old", "ann", &[("mug", 1)], 10).await;
    assert_eq!(peer.of_user(&ann).await.unwrap(), Some(old));
    let new = owned(store.as_ref(), "new", "ann", &[("mug", 1)], 20).await;
    assert_eq!(peer.of_user(&ann).await.unwrap(), Some(new));
}

/// Quantities add up, to 99 at most; what is new comes after what was there. The guest's cart is gone then.
pub async fn a_guests_cart_is_added_to_the_users_own(place: &dyn Place) {
    let (store, guest) = filled(place).await;
    put(store.as_ref(), line("fork", 60), None).await;
    let lines = [("fork", 50), ("bowl", 1), ("mug", 4)];
    let own = owned(store.as_ref(), "own", "ann", &lines, 5).await;
    let merged = store
        .merge(&guest, &own, &user_id("ann"), at(30))
        .await
        .unwrap();
    let cart = done(store.as_ref(), merged).await;
    let expected = [("fork", 99), ("bowl", 1), ("mug", 7), ("kettle", 2)];
    assert_eq!(contents(&cart), expected);
    assert_eq!((cart.version, cart.updated_at), (2, at(30)));
    assert_eq!(store.find(&guest).await.unwrap(), None);
    let again = store.merge(&guest, &own, &user_id("ann"), at(40)).await;
    assert_eq!(again.unwrap(), CartWrite::Missing);
    assert_eq!(store.find(&own).await.unwrap(), Some(cart));
}

/// As they were, so that nothing is lost.
pub async fn carts_that_hold_too_much_together_stay_apart(place: &dyn Place) {
    let (store, guest) = filled(place).await;
    let names: Vec<_> = (1..MAX_ITEMS).map(|n| format!("p{n}")).collect();
    let lines: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let own = owned(store.as_ref(), "own", "ann", &lines, 5).await;
    let before = (
        store.find(&guest).await.unwrap(),
        store.find(&own).await.unwrap(),
    );
    let merged = store.merge(&guest, &own, &user_id("ann"), at(30)).await;
    assert_eq!(merged.unwrap(), CartWrite::Full);
    let after = (
        store.find(&guest).await.unwrap(),
        store.find(&own).await.unwrap(),
    );
    assert_eq!(after, before);
}

/// Neither from nor into somebody else's, nor into itself.
pub async fn only_ones_own_or_nobodys_cart_is_merged(place: &dyn Place) {
    let (store, guest) = filled(place).await;
    let (ann, bob) = (user_id("ann"), user_id("bob"));
    let own = owned(store.as_ref(), "own", "ann", &[("mug", 1)], 5).await;
    let bobs = owned(store.as_ref(), "bobs", "bob", &[("mug", 1)], 5).await;
    let older = owned(store.as_ref(), "older", "ann", &[("fork", 1)], 1).await;
    for (from, into, user) in [
        (&guest, &bobs, &ann),
        (&bobs, &own, &ann),
        (&own, &own, &ann),
        (&guest, &guest, &bob),
        (&guest, &cart_id("none"), &ann),
        (&cart_id("none"), &own, &ann),
    ] {
        let merged = store.merge(from, into, user, at(30)).await.unwrap();
        assert_eq!(merged, CartWrite::Missing, "{from} into {into}");
    }
    let merged = store.merge(&older, &own, &ann, at(30)).await.unwrap();
    let cart = done(store.as_ref(), merged).await;
    assert_eq!(contents(&cart), [("mug", 1), ("fork", 1)]);
}
