//! Photos: what is refused at once, and what becomes of the rest however its events come.

use std::sync::{Arc, atomic::Ordering};

use bothways_domain::{
    Caller, Error,
    caller::{Claims, Role},
    event::{Event, EventHandler as _, EventKind},
    id::{PictureId, ProductId, SessionId, Token, UserId},
    media::{MAX_BYTES, MediaApi as _, Variant},
    product::Images,
};

use crate::{studio::Studio, world::World};

fn caller(role: Role) -> Caller {
    let claims = Claims {
        user: UserId::parse("user").unwrap(),
        role,
        session: SessionId::parse("session").unwrap(),
    };
    let bearer = Token::presented("token");
    Caller::User { claims, bearer }
}

struct Scene {
    studio: Arc<Studio>,
    world: Arc<World>,
}

fn scene() -> Scene {
    Scene {
        studio: Studio::of(&["kettle", "mug"]),
        world: World::new(0, 0, false, Vec::new()),
    }
}

impl Scene {
    async fn upload(&self, product: &str, photo: &str) -> PictureId {
        self.world.pass(1);
        let (media, admin) = (self.studio.media(&self.world), caller(Role::Admin));
        let product = ProductId::parse(product).unwrap();
        let upload = media.upload(&admin, &product, photo.into()).await;
        upload.unwrap()
    }

    fn told(&self) -> Vec<Event> {
        self.studio.told.lock().unwrap().clone()
    }

    /// Handles events; the places of those that have to come again, with the reasons.
    async fn handle(&self, events: &[Event]) -> Vec<(usize, String)> {
        self.studio.maker(&self.world).handle(events).await.unwrap()
    }

    async fn shown(&self, id: &str, variant: Variant) -> Option<(String, bool)> {
        let media = self.studio.media(&self.world);
        let picture = media.picture(id, variant).await.unwrap()?;
        let content = String::from_utf8(picture.content).unwrap();
        Some((content, picture.is_fixed))
    }
}

#[tokio::test]
async fn only_an_administrator_uploads_and_only_usable_photos_of_known_products_are_kept() {
    let scene = scene();
    let media = scene.studio.media(&scene.world);
    let (kettle, none) = ("kettle", "none");
    let large = [b"photo".as_slice(), &vec![0; MAX_BYTES]].concat();
    let ask = async |caller: Caller, product: &str, photo: &[u8]| {
        let product = ProductId::parse(product).unwrap();
        media.upload(&caller, &product, photo.to_vec()).await
    };
    let admin = || caller(Role::Admin);
    let refused = ask(Caller::Anonymous, kettle, b"photo").await;
    assert!(matches!(refused, Err(Error::Unauthenticated)));
    let refused = ask(caller(Role::Customer), kettle, b"photo").await;
    assert!(matches!(refused, Err(Error::Forbidden)));
    let refused = ask(admin(), kettle, &large).await;
    assert!(matches!(refused, Err(Error::PayloadTooLarge)));
    let refused = ask(admin(), none, b"photo").await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    let refused = ask(admin(), kettle, b"<svg/>").await;
    assert!(matches!(refused, Err(Error::NotAnImage(_))));
    assert!(scene.studio.kept().is_empty() && scene.told().is_empty());
    assert!(ask(admin(), kettle, &large[..MAX_BYTES]).await.is_ok());
    let told = scene.told();
    let brief: Vec<_> = told.iter().map(|e| (e.kind, e.subject.as_str())).collect();
    assert_eq!(brief, [(EventKind::PhotoUploaded, kettle)]);
}

#[tokio::test]
async fn a_photo_becomes_the_products_picture_and_is_forgotten() {
    let scene = scene();
    let id = scene.upload("kettle", "photo 1").await;
    assert_eq!(scene.shown(id.as_str(), Variant::Card).await, None);
    assert_eq!(scene.shown("kettle", Variant::Card).await, None);
    assert_eq!(scene.handle(&scene.told()).await, []);
    assert_eq!(scene.studio.images("kettle"), Some(Images::of(&id)));
    assert_eq!(scene.studio.images("mug"), None);
    assert!(scene.studio.kept().is_empty());
    let card = |is_fixed| Some(("card of photo 1".to_owned(), is_fixed));
    assert_eq!(scene.shown(id.as_str(), Variant::Card).await, card(true));
    assert_eq!(scene.shown("kettle", Variant::Card).await, card(false));
    for nothing in ["mug", "none", "no id", ""] {
        assert_eq!(scene.shown(nothing, Variant::Card).await, None);
    }
}

#[tokio::test]
async fn events_that_come_again_or_in_another_order_leave_the_newest() {
    let scene = scene();
    let old = scene.upload("kettle", "photo 1").await;
    let early = scene.told();
    scene.handle(&early).await;
    let new = scene.upload("kettle", "photo 2").await;
    let newest = scene.upload("kettle", "photo 3").await;
    let mut events = scene.told();
    events.reverse();
    for _ in 0..2 {
        assert_eq!(scene.handle(&events).await, []);
        assert_eq!(scene.studio.images("kettle"), Some(Images::of(&newest)));
    }
    assert!(old < new && new < newest);
    let first = scene.shown(old.as_str(), Variant::Full).await;
    assert_eq!(
        first,
        Some(("full of photo 1".to_owned(), true)),
        "its path shows what it did"
    );
}

#[tokio::test]
async fn a_broken_photo_keeps_the_old_picture_and_comes_again_until_a_good_one_replaces_it() {
    let scene = scene();
    let good = scene.upload("kettle", "photo 1").await;
    scene.handle(&scene.told()).await;
    scene.upload("kettle", "photo, broken").await;
    scene.upload("mug", "photo of a mug").await;
    let events = scene.told();
    let (broken, mug) = (&events[1], &events[2]);
    let failed = scene.handle(&[broken.clone(), mug.clone()]).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, 0);
    assert!(
        failed[0].1.contains("photo, broken ends early"),
        "{failed:?}"
    );
    assert!(
        scene.studio.images("mug").is_some(),
        "others are not held up"
    );
    assert_eq!(scene.studio.images("kettle"), Some(Images::of(&good)));
    assert_eq!(scene.studio.kept(), ["photo, broken"]);
    let better = scene.upload("kettle", "photo 2").await;
    assert_eq!(
        scene.handle(&scene.told()[3..]).await,
        [],
        "a good one settles it"
    );
    assert_eq!(scene.studio.images("kettle"), Some(Images::of(&better)));
    assert_eq!(
        scene.handle(std::slice::from_ref(broken)).await,
        [],
        "as does a replay then"
    );
}

#[tokio::test]
async fn a_good_photo_before_a_broken_one_is_still_shown() {
    let scene = scene();
    let good = scene.upload("kettle", "photo 1").await;
    scene.upload("kettle", "photo, broken").await;
    let failed = scene.handle(&scene.told()).await;
    assert_eq!(scene.studio.images("kettle"), Some(Images::of(&good)));
    assert_eq!(scene.studio.kept(), ["photo, broken"]);
    assert!(failed.iter().any(|(index, _)| *index == 1));
}

#[tokio::test]
async fn a_crash_before_the_product_knows_is_made_good_by_the_next_try() {
    let scene = scene();
    let id = scene.upload("kettle", "photo 1").await;
    scene.studio.products_down.store(true, Ordering::Relaxed);
    let maker = scene.studio.maker(&scene.world);
    let outage = maker.handle(&scene.told()).await;
    assert!(matches!(outage, Err(Error::Unavailable { .. })));
    assert_eq!(
        scene.studio.kept(),
        ["photo 1"],
        "kept until all of it is done"
    );
    scene.studio.products_down.store(false, Ordering::Relaxed);
    assert_eq!(scene.handle(&scene.told()).await, []);
    assert_eq!(scene.studio.images("kettle"), Some(Images::of(&id)));
}

#[tokio::test]
async fn photos_of_a_product_that_is_gone_are_forgotten() {
    let scene = scene();
    scene.upload("kettle", "photo 1").await;
    scene.studio.products.lock().unwrap().clear();
    assert_eq!(scene.handle(&scene.told()).await, []);
    assert!(scene.studio.kept().is_empty());
    assert!(scene.studio.pictures.lock().unwrap().is_empty());
}

#[tokio::test]
async fn events_of_other_kinds_are_let_pass_and_one_without_a_product_fails() {
    let scene = scene();
    let id = scene.upload("kettle", "photo 1").await;
    let mut events = scene.told();
    events[0].kind = EventKind::ProductChanged;
    assert_eq!(scene.handle(&events).await, []);
    assert_eq!(scene.studio.images("kettle"), None);
    events[0].kind = EventKind::PhotoUploaded;
    events[0].subject = "no product".to_owned();
    assert_eq!(scene.handle(&events).await.len(), 1);
    assert_eq!(Images::of(&id).picture(), Some(id));
}
