//! What holds when several processes write at once. Half of the writers go over each of two sets of connections.

use std::{collections::HashSet, future::Future};

use bothways_domain::{
    cart::CartWrite,
    checkout::{Cancelling, Claimed, Step},
    event::Outbox,
    id::{OrderId, PictureId},
    identity::Rotation,
    import::Change,
    product::Images,
};
use futures::future::join_all;

use crate::{
    Counter, Place,
    cancelling::cancel,
    cart::empty,
    checkout::confirm_order,
    identity::{account, open, rotate, sign_up},
    sample::{
        at, cart_id, claim, line, order_id, product, product_id, quantity, told, told_of, units,
        user_id,
    },
};

/// Does `work` for each of `0..n`, all at once.
pub(crate) async fn at_once<T, F: Future<Output = T>>(n: u32, work: impl Fn(u32) -> F) -> Vec<T> {
    join_all((0..n).map(work)).await
}

/// How many of the answers are so.
pub(crate) fn count<T>(answers: &[T], is_so: impl Fn(&T) -> bool) -> usize {
    answers.iter().filter(|answer| is_so(answer)).count()
}

/// Each makes what is missing or waits for another that does.
pub async fn ten_processes_start_at_once(place: &dyn Place) {
    let stores = at_once(10, |_| place.products()).await;
    let saved = at_once(10, |n| {
        let product = product(&format!("p{n}"), "product", at(0));
        stores[n as usize].save(vec![told(product)])
    });
    for saved in saved.await {
        assert_eq!(saved.unwrap()[0].change, Change::Created);
    }
    assert_eq!(stores[0].page(None, 100).await.unwrap().len(), 10);
    let others = futures::join!(
        place.carts(),
        place.checkouts(),
        place.identities(),
        place.inventory()
    );
    assert_eq!(others.0.find(&cart_id("cart")).await.unwrap(), None);
}

/// The others replace it, and every change is told of.
pub async fn one_of_many_creates_a_product(place: &dyn Place) {
    let stores = [place.products().await, place.products().await];
    let changes = at_once(20, |n| {
        let product = product("kettle", &format!("version {n}"), at(0));
        stores[n as usize % 2].save(vec![told(product)])
    });
    let changes: Vec<Change> = changes
        .await
        .into_iter()
        .map(|saved| saved.unwrap()[0].change)
        .collect();
    assert_eq!(count(&changes, |change| *change == Change::Created), 1);
    assert_eq!(count(&changes, |change| *change == Change::Updated), 19);
    assert_eq!(
        told_of(place.outbox("product").await.as_ref()).await.len(),
        20
    );
}

/// Whatever order their uploads are handled in; what was told of is what was set.
pub async fn of_many_pictures_at_once_the_newest_stays(place: &dyn Place) {
    let stores = [place.products().await, place.products().await];
    stores[0]
        .save(vec![told(product("kettle", "Kettle", at(0)))])
        .await
        .unwrap();
    let pictures: Vec<PictureId> = (0..20)
        .map(|n| PictureId::at(at(n * 7 % 20), &Counter))
        .collect();
    let set = at_once(20, |n| {
        let (store, picture) = (&stores[n as usize % 2], &pictures[n as usize]);
        async move {
            let (_, event) = told(product("kettle", "Kettle", at(1)));
            let id = product_id("kettle");
            store
                .set_picture(&id, picture, &Images::of(picture), event)
                .await
        }
    });
    let set = count(&set.await, |set| *set.as_ref().unwrap());
    let shown = stores[0].find(&[product_id("kettle")]).await.unwrap();
    let newest = pictures.iter().max().unwrap();
    assert_eq!(shown[0].images, Some(Images::of(newest)));
    let told = told_of(place.outbox("product").await.as_ref()).await;
    assert_eq!(told.len(), 1 + set);
}

/// Neither waits for the other forever, and every product ends up as one of them says.
pub async fn imports_in_opposite_orders_both_land(place: &dyn Place) {
    let stores = [place.products().await, place.products().await];
    let batch = |name: &str, reverse: bool| {
        let mut products: Vec<_> = (0..200)
            .map(|n| told(product(&format!("p{n:03}"), name, at(0))))
            .collect();
        if reverse {
            products.reverse();
        }
        products
    };
    for round in ["first", "second"] {
        let names = [format!("{round} up"), format!("{round} down")];
        let (up, down) = futures::join!(
            stores[0].save(batch(&names[0], false)),
            stores[1].save(batch(&names[1], true))
        );
        let changes: Vec<_> = up.unwrap().into_iter().chain(down.unwrap()).collect();
        let created = count(&changes, |saved| saved.change == Change::Created);
        assert_eq!(created, if round == "first" { 200 } else { 0 });
        let landed = stores[0].page(None, 1_000).await.unwrap();
        assert_eq!(landed.len(), 200);
        assert!(
            landed
                .iter()
                .all(|product| product.draft.name == landed[0].draft.name)
        );
        assert!(names.contains(&landed[0].draft.name));
    }
}

/// No line is lost, and the version grows by one for each.
pub async fn every_put_into_a_cart_counts(place: &dyn Place) {
    let stores = [place.carts().await, place.carts().await];
    stores[0].create(&empty("cart")).await.unwrap();
    let id = cart_id("cart");
    let writes = at_once(40, |n| {
        let (store, seen) = (&stores[n as usize % 2], empty("cart"));
        async move {
            store
                .put_line(&seen, &line(&format!("p{n}"), 1), None, at(1))
                .await
                .unwrap()
        }
    });
    let versions = writes.await.into_iter().map(|write| match write {
        CartWrite::Done(cart) => cart.version,
        refused => panic!("{refused:?}"),
    });
    let versions: HashSet<i64> = versions.collect();
    assert_eq!(versions, (2..=41).collect());
    let cart = stores[0].find(&id).await.unwrap().unwrap();
    assert_eq!((cart.lines.len(), cart.version), (40, 41));
    let stale = at_once(10, |n| {
        let (store, cart) = (&stores[n as usize % 2], &cart);
        async move {
            store
                .put_line(cart, &line("p0", 10 + n), Some(41), at(2))
                .await
                .unwrap()
        }
    });
    assert_eq!(
        count(&stale.await, |write| *write == CartWrite::Stale),
        9,
        "one version, one write"
    );
}

/// The other finds no such cart.
pub async fn one_of_two_users_claims_a_cart(place: &dyn Place) {
    let stores = [place.carts().await, place.carts().await];
    stores[0].create(&empty("cart")).await.unwrap();
    let id = cart_id("cart");
    let claims = at_once(10, |n| {
        let (store, id) = (&stores[n as usize % 2], &id);
        async move {
            store
                .claim(id, &user_id(&format!("user-{}", n % 2)), at(1))
                .await
                .unwrap()
        }
    });
    let claims = claims.await;
    assert_eq!(count(&claims, |write| *write == CartWrite::Missing), 5);
    assert_eq!(stores[0].find(&id).await.unwrap().unwrap().version, 2);
}

/// A worker and the recovery that thinks it is gone.
pub async fn an_order_consumed_by_many_at_once_is_consumed_once(place: &dyn Place) {
    let stores = [place.carts().await, place.carts().await];
    let mut cart = empty("cart");
    cart.lines = vec![line("kettle", 50)];
    stores[0].create(&cart).await.unwrap();
    let bought = [units("kettle", 3)];
    let consumed = at_once(12, |n| {
        let (store, id, bought) = (&stores[n as usize % 2], &cart.id, &bought);
        async move {
            store
                .consume(id, &order_id(&format!("order-{}", n % 3)), bought, at(1))
                .await
        }
    });
    for consumed in consumed.await {
        consumed.unwrap();
    }
    let left = stores[0].find(&cart.id).await.unwrap().unwrap();
    assert_eq!((left.lines[0].quantity, left.version), (quantity(41), 4));
}

/// Of requests with one key that arrive together; the others hear that it is running.
pub async fn one_of_many_workers_claims_a_key(place: &dyn Place) {
    let stores = [place.checkouts().await, place.checkouts().await];
    // Several times, as a race that is lost does not always show.
    for round in 0..10 {
        let name = format!("round-{round}");
        for (now, until) in [(0, 100), (100, 300)] {
            let claims = at_once(16, |n| {
                let (store, name) = (&stores[n as usize % 2], &name);
                async move {
                    let claim = claim(name, name, &format!("worker-{now}-{n}"), at(until));
                    store.claim(&claim, at(now)).await.unwrap()
                }
            });
            let claims = claims.await;
            let got_it = |claimed: &Claimed| match claimed {
                Claimed::Fresh(_) => now == 0,
                Claimed::Resumed(_) => now == 100,
                _ => false,
            };
            assert_eq!(count(&claims, got_it), 1);
            assert_eq!(count(&claims, |claimed| *claimed == Claimed::Running), 15);
        }
    }
}

/// A cart is bought once.
pub async fn one_of_many_keys_gets_the_cart(place: &dyn Place) {
    let stores = [place.checkouts().await, place.checkouts().await];
    let claims = at_once(20, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let claim = claim(&format!("key-{n}"), "cart", &format!("worker-{n}"), at(100));
            store.claim(&claim, at(0)).await.unwrap()
        }
    });
    let claims = claims.await;
    assert_eq!(
        count(&claims, |claimed| matches!(claimed, Claimed::Fresh(_))),
        1
    );
    assert_eq!(count(&claims, |claimed| *claimed == Claimed::CartBusy), 19);
}

/// Each checkout is taken by one of them.
pub async fn recoveries_share_what_is_abandoned(place: &dyn Place) {
    let stores = [place.checkouts().await, place.checkouts().await];
    for n in 0..20 {
        let name = format!("n{n}");
        stores[0]
            .claim(&claim(&name, &name, "gone", at(10)), at(0))
            .await
            .unwrap();
    }
    let taken = at_once(8, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let worker = format!("recovery-{n}");
            store
                .take_abandoned(&worker, at(10), at(100), 4)
                .await
                .unwrap()
        }
    });
    let mut taken: Vec<OrderId> = taken
        .await
        .into_iter()
        .flatten()
        .map(|saga| saga.checkout.order_id)
        .collect();
    let rest = stores[0]
        .take_abandoned("rest", at(10), at(100), 100)
        .await
        .unwrap();
    taken.extend(rest.into_iter().map(|saga| saga.checkout.order_id));
    assert_eq!(taken.len(), 20);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), 20);
}

/// One refund, one restocking, one event.
pub async fn one_of_many_cancels_an_order(place: &dyn Place) {
    let stores = [place.checkouts().await, place.checkouts().await];
    let id = confirm_order(stores[0].as_ref(), "key", "cart", "one").await;
    assert!(stores[0].close(&id, "one", Step::Cleared).await.unwrap());
    let cancelled = at_once(16, |n| {
        let (store, id) = (&stores[n as usize % 2], &id);
        async move { cancel(store.as_ref(), id, &format!("worker-{n}"), 50).await }
    });
    let cancelled = cancelled.await;
    assert_eq!(
        count(&cancelled, |answer| matches!(answer, Cancelling::Begun(_))),
        1
    );
    assert_eq!(
        count(&cancelled, |answer| matches!(
            answer,
            Cancelling::Already(_)
        )),
        15
    );
    assert_eq!(
        told_of(place.outbox("checkout").await.as_ref()).await.len(),
        2
    );
}

/// The second is a replay, whoever it is.
pub async fn one_of_two_trades_a_refresh_token_and_the_other_ends_the_session(place: &dyn Place) {
    let stores = [place.identities().await, place.identities().await];
    sign_up(stores[0].as_ref()).await;
    // Several times, as a race that is lost does not always show.
    for round in 0..20 {
        let token = format!("token-{round}");
        let next = [format!("one's-{round}"), format!("other's-{round}")];
        open(stores[0].as_ref(), &format!("session-{round}"), &token).await;
        let (one, other) = futures::join!(
            rotate(stores[0].as_ref(), &token, &next[0], 10),
            rotate(stores[1].as_ref(), &token, &next[1], 10)
        );
        let traded = [one, other];
        let rotated = |answer: &Rotation| matches!(answer, Rotation::Rotated { .. });
        assert_eq!(count(&traded, rotated), 1);
        assert_eq!(count(&traded, |answer| *answer == Rotation::Replayed), 1);
        for token in [&token, &next[0], &next[1]] {
            let refused = rotate(stores[0].as_ref(), token, "next", 20).await;
            assert_eq!(refused, Rotation::Refused);
        }
    }
}

/// The others hear that it is taken.
pub async fn an_address_is_registered_once(place: &dyn Place) {
    let stores = [place.identities().await, place.identities().await];
    let created = at_once(12, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let account = account(&format!("user-{n}"), "ann@example.com");
            store.create_user(&account).await.unwrap()
        }
    });
    assert_eq!(count(&created.await, |created| *created), 1);
}

/// A burst gets no more tries than anybody else.
pub async fn many_failures_at_once_stop_at_the_limit(place: &dyn Place) {
    let stores = [place.identities().await, place.identities().await];
    let noted = at_once(40, |n| {
        let store = &stores[n as usize % 2];
        async move {
            let (now, since) = (at(100 + i64::from(n)), at(50 + i64::from(n)));
            store
                .note_failure("ann@example.com", now, since, 10)
                .await
                .unwrap()
        }
    });
    assert_eq!(count(&noted.await, |noted| *noted), 10);
    assert_eq!(
        stores[0].failures("ann@example.com", at(0)).await.unwrap(),
        10
    );
}

/// The replicas wait.
pub async fn one_of_many_relays_gets_the_lease(place: &dyn Place) {
    let outboxes = [
        place.outbox("checkout").await,
        place.outbox("checkout").await,
    ];
    let outbox = |n: u32| -> &dyn Outbox { outboxes[n as usize % 2].as_ref() };
    let leased = at_once(10, |n| {
        let outbox = outbox(n);
        async move {
            outbox
                .lease(&format!("relay-{n}"), at(0), at(100))
                .await
                .unwrap()
        }
    });
    assert_eq!(count(&leased.await, |leased| *leased), 1);
}
