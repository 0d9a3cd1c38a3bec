//! Products.

use std::collections::BTreeMap;

use bothways_domain::{
    event::{Event, EventKind},
    id::PictureId,
    import::Change,
    product::{Category, Images, Product, ProductStore, Rating},
    time::Timestamp,
};

use crate::{
    Counter, Place,
    sample::{at, product, product_id, told, told_of},
};

async fn save(store: &dyn ProductStore, products: Vec<Product>) -> Vec<Change> {
    let products = products.into_iter().map(told).collect();
    let saved = store.save(products).await.unwrap();
    saved.into_iter().map(|saved| saved.change).collect()
}

async fn find(store: &dyn ProductStore, id: &str) -> Option<Product> {
    store.find(&[product_id(id)]).await.unwrap().pop()
}

async fn set_picture(
    store: &dyn ProductStore,
    id: &str,
    picture: &PictureId,
    now: Timestamp,
) -> bool {
    let (id, images) = (product_id(id), Images::of(picture));
    let event = Event::of_product(EventKind::ProductChanged, &id, now, &Counter);
    let set = store.set_picture(&id, picture, &images, event).await;
    set.unwrap()
}

fn ids(products: &[Product]) -> Vec<&str> {
    products.iter().map(|product| product.id.as_str()).collect()
}

fn in_category(id: &str, levels: &[&str], stars: Option<f64>) -> Product {
    let mut product = product(id, id, at(0));
    product.draft.category = Category::new(levels.iter().map(|&level| level.to_owned()).collect());
    product.draft.rating = stars.and_then(Rating::parse);
    product
}

/// Stored for every process, and told of in the same breath.
pub async fn a_new_product_is_created_and_told_of(place: &dyn Place) {
    let (store, peer) = (place.products().await, place.products().await);
    let (kettle, event) = told(product("kettle", "Kettle", at(0)));
    let saved = store
        .save(vec![(kettle.clone(), event.clone())])
        .await
        .unwrap();
    assert_eq!(saved.len(), 1);
    assert_eq!(
        (&saved[0].product, saved[0].change),
        (&kettle, Change::Created)
    );
    assert_eq!(find(peer.as_ref(), "kettle").await, Some(kettle));
    let pending = place
        .outbox("product")
        .await
        .pending(at(0), 10)
        .await
        .unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((&pending[0].event, pending[0].attempts), (&event, 0));
}

/// An import that is sent twice.
pub async fn the_same_product_again_changes_nothing_and_is_not_told_of(place: &dyn Place) {
    let store = place.products().await;
    let kettle = product("kettle", "Kettle", at(0));
    save(store.as_ref(), vec![kettle.clone()]).await;
    let again = store
        .save(vec![told(product("kettle", "Kettle", at(5)))])
        .await
        .unwrap();
    assert_eq!(
        (&again[0].product, again[0].change),
        (&kettle, Change::Unchanged)
    );
    assert_eq!(find(store.as_ref(), "kettle").await, Some(kettle));
    let events = told_of(place.outbox("product").await.as_ref()).await;
    assert_eq!(events, [(EventKind::ProductChanged, "kettle".to_owned())]);
}

/// What the administrator does not say of a product is not theirs to change.
pub async fn a_changed_product_keeps_its_pictures_and_its_time_of_creation(place: &dyn Place) {
    let store = place.products().await;
    let text = str::to_owned;
    let images = Images {
        thumb: text("/media/kettle/thumb"),
        card: text("/media/kettle/card"),
        full: text("/media/kettle/full"),
    };
    let mut first = product("kettle", "Kettle", at(0));
    first.images = Some(images.clone());
    save(store.as_ref(), vec![first]).await;
    let saved = store
        .save(vec![told(product("kettle", "Big kettle", at(7)))])
        .await
        .unwrap();
    let mut expected = product("kettle", "Big kettle", at(7));
    expected.created_at = at(0);
    expected.images = Some(images);
    assert_eq!(
        (&saved[0].product, saved[0].change),
        (&expected, Change::Updated)
    );
    assert_eq!(find(store.as_ref(), "kettle").await, Some(expected));
    assert_eq!(
        told_of(place.outbox("product").await.as_ref()).await.len(),
        2
    );
}

/// Every field, at its limits and in several scripts.
pub async fn everything_said_of_a_product_comes_back(place: &dyn Place) {
    let store = place.products().await;
    let mut rich = product("A-z_0.9", "Zürich 雪 “kettle” \\ ' ; --", at(123));
    rich.draft.brand = Some("Brüder & Söhne".to_owned());
    let level = |n: u32| format!("{n}{}", "雪".repeat(199));
    rich.draft.category = Category::new((0..6).map(level).collect());
    rich.draft.description = "line\nanother\t".repeat(1_000);
    let attribute = |n: u32| (format!("name {n}"), format!("value \"{n}\" \u{0}"));
    rich.draft.attributes = (0..200).map(attribute).collect::<BTreeMap<_, _>>();
    rich.draft.rating = Rating::parse(4.3);
    let mut bare = product("b", "b", at(0));
    bare.draft.category = Category::default();
    bare.draft.rating = Rating::parse(0.0);
    bare.draft.price = crate::sample::usd(bothways_domain::money::MAX_PRICE);
    save(store.as_ref(), vec![rich.clone(), bare.clone()]).await;
    assert_eq!(find(store.as_ref(), "A-z_0.9").await, Some(rich));
    assert_eq!(find(store.as_ref(), "b").await, Some(bare));
}

/// A file that names a product on two lines: each line counts, in order.
pub async fn one_save_may_hold_a_product_twice(place: &dyn Place) {
    let store = place.products().await;
    let (first, second) = (
        product("kettle", "One", at(0)),
        product("kettle", "Two", at(0)),
    );
    let changes = save(
        store.as_ref(),
        vec![first.clone(), second.clone(), second.clone()],
    )
    .await;
    assert_eq!(
        changes,
        [Change::Created, Change::Updated, Change::Unchanged]
    );
    assert_eq!(find(store.as_ref(), "kettle").await, Some(second));
    let changes = save(
        store.as_ref(),
        vec![first.clone(), product("mug", "Mug", at(0)), first],
    )
    .await;
    assert_eq!(
        changes,
        [Change::Updated, Change::Created, Change::Unchanged]
    );
    assert_eq!(
        told_of(place.outbox("product").await.as_ref()).await.len(),
        4
    );
}

/// An import whose every line is bad.
pub async fn nothing_to_save_is_fine(place: &dyn Place) {
    let store = place.products().await;
    assert!(store.save(Vec::new()).await.unwrap().is_empty());
    assert!(store.find(&[]).await.unwrap().is_empty());
}

/// Unknown ids are left out, repeated ones found once, and upper case is another id.
pub async fn only_known_products_are_found(place: &dyn Place) {
    let store = place.products().await;
    let both = vec![product("a", "a", at(0)), product("b", "b", at(0))];
    save(store.as_ref(), both).await;
    let asked = ["b", "nothing", "a", "b", "A"].map(product_id);
    let mut found = store.find(&asked).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ids(&found), ["a", "b"]);
}

/// Not those of a broader or narrower category; unrated ones last; the product itself not at all.
pub async fn related_products_share_the_exact_category_best_rated_first(place: &dyn Place) {
    let store = place.products().await;
    let here = ["Kitchen", "Kettles"];
    let products = vec![
        in_category("itself", &here, Some(5.0)),
        in_category("unrated-b", &here, None),
        in_category("unrated-a", &here, None),
        in_category("worst", &here, Some(0.0)),
        in_category("same-Z", &here, Some(3.5)),
        in_category("same-a", &here, Some(3.5)),
        in_category("best", &here, Some(4.9)),
        in_category("broader", &["Kitchen"], Some(5.0)),
        in_category("narrower", &["Kitchen", "Kettles", "Copper"], Some(5.0)),
        in_category("other", &["Kitchen", "Mugs"], Some(5.0)),
    ];
    let itself = products[0].clone();
    save(store.as_ref(), products).await;
    let related = store.related(&itself, 10).await.unwrap();
    let expected = [
        "best",
        "same-Z",
        "same-a",
        "worst",
        "unrated-a",
        "unrated-b",
    ];
    assert_eq!(ids(&related), expected);
    assert_eq!(
        ids(&store.related(&itself, 2).await.unwrap()),
        expected[..2]
    );
}

/// As if both had been asked for one after the other.
pub async fn a_product_comes_with_its_related_ones(place: &dyn Place) {
    let store = place.products().await;
    let mut products: Vec<_> = ["a", "b", "c", "d"]
        .map(|id| in_category(id, &["Kettles"], None))
        .into();
    products.push(in_category("best", &["Kettles"], Some(4.5)));
    products.push(in_category("alone", &["Mugs"], Some(5.0)));
    save(store.as_ref(), products.clone()).await;
    for itself in products {
        let related = store.related(&itself, 3).await.unwrap();
        let both = store.with_related(&itself.id, 3).await.unwrap();
        assert_eq!(both, Some((itself, related)));
    }
    let nothing = product_id("nothing");
    assert_eq!(store.with_related(&nothing, 3).await.unwrap(), None);
}

/// The order is that of the ids' bytes, whatever language the database speaks.
pub async fn pages_go_through_all_products_in_the_order_of_their_ids(place: &dyn Place) {
    let store = place.products().await;
    let sorted = [
        "-1", ".a", "0", "A", "B-2", "B-a", "B2", "_", "a", "a-b", "ab", "b",
    ];
    let mut shuffled = sorted;
    shuffled.reverse();
    save(
        store.as_ref(),
        shuffled.map(|id| product(id, id, at(0))).into(),
    )
    .await;
    let mut seen = Vec::new();
    loop {
        let page = store.page(seen.last(), 5).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 5);
        seen.extend(page.into_iter().map(|product| product.id));
    }
    assert_eq!(seen, sorted.map(product_id));
}

/// The event and the time of change come with it; putting the product afterwards leaves the picture.
pub async fn a_newer_picture_replaces_and_is_told_of(place: &dyn Place) {
    let (store, peer) = (place.products().await, place.products().await);
    save(store.as_ref(), vec![product("kettle", "Kettle", at(0))]).await;
    for n in 1..=2 {
        let picture = PictureId::at(at(n), &Counter);
        let set = set_picture(store.as_ref(), "kettle", &picture, at(n + 10)).await;
        assert!(set);
        let found = find(peer.as_ref(), "kettle").await.unwrap();
        assert_eq!(found.images, Some(Images::of(&picture)));
        assert_eq!((found.created_at, found.updated_at), (at(0), at(n + 10)));
    }
    let shown = find(store.as_ref(), "kettle").await.unwrap().images;
    save(store.as_ref(), vec![product("kettle", "New", at(20))]).await;
    assert_eq!(find(store.as_ref(), "kettle").await.unwrap().images, shown);
    let events = told_of(place.outbox("product").await.as_ref()).await;
    assert_eq!(
        events,
        vec![(EventKind::ProductChanged, "kettle".to_owned()); 4]
    );
}

/// The same again, an older one, or one of a product that is gone: not told of either.
pub async fn a_picture_that_is_not_newer_changes_nothing(place: &dyn Place) {
    let store = place.products().await;
    save(store.as_ref(), vec![product("kettle", "Kettle", at(0))]).await;
    let old = PictureId::at(at(1), &Counter);
    let new = PictureId::at(at(2), &Counter);
    assert!(set_picture(store.as_ref(), "kettle", &new, at(3)).await);
    let before = find(store.as_ref(), "kettle").await;
    for picture in [&new, &old] {
        assert!(!set_picture(store.as_ref(), "kettle", picture, at(9)).await);
    }
    assert!(!set_picture(store.as_ref(), "mug", &new, at(9)).await);
    assert_eq!(find(store.as_ref(), "kettle").await, before);
    assert_eq!(find(store.as_ref(), "mug").await, None);
    let events = told_of(place.outbox("product").await.as_ref()).await;
    assert_eq!(events.len(), 2);
}

/// Deleting again deletes nothing and tells nothing.
pub async fn a_deleted_product_is_gone_and_told_of_once(place: &dyn Place) {
    let store = place.products().await;
    save(store.as_ref(), vec![product("kettle", "Kettle", at(0))]).await;
    for first in [true, false] {
        let id = product_id("kettle");
        let event = Event::of_product(EventKind::ProductDeleted, &id, at(1), &Counter);
        assert_eq!(store.delete(&id, event).await.unwrap(), first);
    }
    assert_eq!(find(store.as_ref(), "kettle").await, None);
    let events = told_of(place.outbox("product").await.as_ref()).await;
    let kinds: Vec<_> = events.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [EventKind::ProductChanged, EventKind::ProductDeleted]
    );
    let again = save(store.as_ref(), vec![product("kettle", "Kettle", at(2))]).await;
    assert_eq!(again, [Change::Created]);
}

/// The largest import there can be, in one transaction and without a statement for each product's every step.
pub async fn a_thousand_products_are_saved_at_once(place: &dyn Place) {
    let store = place.products().await;
    let many = |name: &str| -> Vec<Product> {
        (0..1_000)
            .map(|n| product(&format!("p{n:04}"), name, at(0)))
            .collect()
    };
    let changes = save(store.as_ref(), many("one")).await;
    assert_eq!(changes, [Change::Created; 1_000]);
    let changes = save(store.as_ref(), many("two")).await;
    assert_eq!(changes, [Change::Updated; 1_000]);
    let changes = save(store.as_ref(), many("two")).await;
    assert_eq!(changes, [Change::Unchanged; 1_000]);
    assert_eq!(store.page(None, 1_000).await.unwrap().len(), 1_000);
    let events = told_of(place.outbox("product").await.as_ref()).await;
    let subjects: Vec<_> = events.iter().map(|(_, subject)| subject.clone()).collect();
    let expected: Vec<_> = (0..2_000).map(|n| format!("p{:04}", n % 1_000)).collect();
    assert_eq!(subjects, expected);
}
