//! Orders, as they are asked for.

use bothways_domain::{
    checkout::{CheckoutStore, Claimed, Step},
    id::OrderId,
    paging::Paging,
};

use crate::{
    Counter, Place,
    sample::{at, claim, order, progress, user_id},
};

async fn place_at(
    store: &dyn CheckoutStore,
    name: &str,
    owner: Option<&str>,
    moment: i64,
) -> OrderId {
    let claim = claim(name, name, "one", at(100));
    assert!(matches!(
        store.claim(&claim, at(0)).await.unwrap(),
        Claimed::Fresh(_)
    ));
    let placed = order(&claim.order_id, name, owner, at(moment));
    assert!(
        store
            .place(&placed, "one", &progress(Step::Placed, at(100)))
            .await
            .unwrap()
    );
    assert_eq!(store.order(&claim.order_id).await.unwrap(), Some(placed));
    claim.order_id
}

/// A guest's and a user's, with every field.
pub async fn an_order_comes_back_as_it_was_placed(place: &dyn Place) {
    let store = place.checkouts().await;
    place_at(store.as_ref(), "guest", None, 1).await;
    let id = place_at(store.as_ref(), "user", Some("ann"), 2).await;
    let peer = place.checkouts().await;
    assert_eq!(
        peer.order(&id).await.unwrap(),
        store.order(&id).await.unwrap()
    );
}

/// Of the same moment by id; other users' and guests' are not among them.
pub async fn orders_of_a_user_come_newest_first_in_pages(place: &dyn Place) {
    let store = place.checkouts().await;
    let mut mine = Vec::new();
    for (n, moment) in [50, 10, 30, 30, 20].into_iter().enumerate() {
        let id = place_at(store.as_ref(), &format!("mine-{n}"), Some("ann"), moment).await;
        mine.push((moment, id));
        place_at(store.as_ref(), &format!("bobs-{n}"), Some("bob"), moment).await;
        place_at(store.as_ref(), &format!("guests-{n}"), None, moment).await;
    }
    mine.sort_by(|one, other| other.cmp(one));
    let ann = user_id("ann");
    let mut seen = Vec::new();
    for page in 1..=3 {
        let page = store
            .orders_of(&ann, Paging::parse(Some(page), Some(2)).unwrap())
            .await
            .unwrap();
        assert_eq!(page.total, 5);
        seen.push(page.entries.len());
        for order in page.entries {
            let (moment, id) = mine.remove(0);
            assert_eq!((order.created_at, order.id), (at(moment), id));
        }
    }
    assert_eq!(seen, [2, 2, 1]);
    let beyond = store
        .orders_of(&ann, Paging::parse(Some(4), Some(2)).unwrap())
        .await
        .unwrap();
    assert_eq!((beyond.entries.len(), beyond.total), (0, 5));
    let nobodys = store
        .orders_of(&user_id("eve"), Paging::default())
        .await
        .unwrap();
    assert_eq!((nobodys.entries.len(), nobodys.total), (0, 0));
}

/// Users' and guests'; of the same moment by id.
pub async fn everybodys_orders_come_newest_first_in_pages(place: &dyn Place) {
    let store = place.checkouts().await;
    let none = store.all_orders(Paging::default()).await.unwrap();
    assert_eq!((none.entries.len(), none.total), (0, 0));
    let mut all = Vec::new();
    for (n, (owner, moment)) in [(Some("ann"), 50), (None, 70), (Some("bob"), 50)]
        .into_iter()
        .enumerate()
    {
        let id = place_at(store.as_ref(), &format!("order-{n}"), owner, moment).await;
        all.push((at(moment), id));
    }
    all.sort_by(|one, other| other.cmp(one));
    let mut seen = Vec::new();
    for page in 1..=3 {
        let paging = Paging::parse(Some(page), Some(2)).unwrap();
        let page = store.all_orders(paging).await.unwrap();
        assert_eq!(page.total, 3);
        let orders = page.entries.into_iter();
        seen.extend(orders.map(|order| (order.created_at, order.id)));
    }
    assert_eq!(seen, all);
}

/// Whoever guesses an id learns nothing.
pub async fn an_order_nobody_placed_is_not_found(place: &dyn Place) {
    let store = place.checkouts().await;
    assert_eq!(store.order(&OrderId::random(&Counter)).await.unwrap(), None);
}
