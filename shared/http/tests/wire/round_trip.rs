//! What a client answers over a socket is what the use case would have answered in process, failures included.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::Arc,
};

use axum::Router;
use bothways_domain::{
    Caller, Error, FieldError, Money, Result,
    caller::Role,
    cart::{CartApi, Quantity},
    checkout::{CheckoutApi, CheckoutRequest, OrderDesk},
    event::{DeadLetterSource, Event, EventKind, EventSink, PendingEvent},
    id::{CartId, EventId, IdempotencyKey, OrderId, PictureId, ProductId, Token},
    identity::{Credentials, EmailAddress, IdentityApi, NewUser, Password},
    import::ImportLine,
    inventory::{InventoryApi, StockLine},
    media::{MediaApi, Variant},
    paging::Paging,
    product::{Category, Images, ProductApi},
    search::{SearchApi, SearchRequest, Sort},
    time::Timestamp,
};
use bothways_http::{
    clients::{
        CartClient, CheckoutClient, DeadLetterClient, DeskClient, IdentityClient, InventoryClient,
        MediaClient, ProductClient, PushSink, Remote, SearchClient,
    },
    internal,
};
use bothways_upstream::Registry;
use tokio::net::TcpListener;

use crate::{
    ask::shop,
    fake::Fake,
    values::{address, draft, product_id, user},
};

const SECRET: &str = "between services";

/// Failures that any call may meet.
const FAILURES: [fn() -> Error; 6] = [
    || Error::Validation(vec![FieldError::new("/a", "b")]),
    || Error::Unauthenticated,
    || Error::Forbidden,
    || Error::Conflict("3 are reserved".to_owned()),
    || Error::unavailable("inventory"),
    || Error::RateLimited { retry_after: 60 },
];

/// Serves everything `fake` can be asked, and says where.
pub(crate) async fn serve(fake: &Arc<Fake>) -> String {
    let internal = internal::product(fake.clone(), SECRET)
        .merge(internal::inventory(fake.clone(), SECRET))
        .merge(internal::cart(fake.clone(), fake.clone(), SECRET))
        .merge(internal::checkout(fake.clone(), SECRET))
        .merge(internal::desk(fake.clone(), SECRET))
        .merge(internal::dead_letters(fake.clone(), SECRET))
        .merge(internal::identity(fake.clone(), SECRET))
        .merge(internal::events(fake.clone(), SECRET));
    listen(shop(fake).merge(internal)).await
}

/// Serves `router` on a free port until the test is over.
pub(crate) async fn listen(router: Router) -> String {
    // Every process has one TLS implementation; which test sets it does not matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A neighbour with one replica.
fn remote(name: &'static str, url: &str, secret: &str) -> Remote {
    let upstream = Registry::default().upstream(name, url).unwrap();
    Remote::new(name, upstream, secret).unwrap()
}

/// A port here and, over HTTP, there.
struct Both<A: ?Sized> {
    fake: Arc<Fake>,
    here: Arc<A>,
    there: Arc<A>,
}

impl<A: ?Sized> Both<A> {
    async fn agree<T: Debug>(&self, ask: impl AsyncFn(&A) -> Result<T>) {
        let said = self.say_the_same(&ask).await;
        assert!(said.starts_with("Ok"), "{said}");
        for failure in FAILURES {
            self.fake.fail(Some(failure));
            let said = self.say_the_same(&ask).await;
            assert!(said.starts_with("Err"), "{said}");
        }
        self.fake.fail(None);
    }

    /// What both say, having been asked the same.
    async fn say_the_same<T: Debug>(&self, ask: impl AsyncFn(&A) -> Result<T>) -> String {
        let here = format!("{:?}", ask(&self.here).await);
        let asked = self.fake.taken();
        assert_eq!(format!("{:?}", ask(&self.there).await), here);
        assert_eq!(self.fake.taken(), asked);
        here
    }
}

/// In one order, whatever the map's.
fn sorted<V>(map: HashMap<ProductId, V>) -> BTreeMap<ProductId, V> {
    map.into_iter().collect()
}

macro_rules! both {
    ($api:ident, $client:ident) => {{
        let fake = Arc::new(Fake::default());
        let remote = remote("there", &serve(&fake).await, SECRET);
        let (here, there): (Arc<dyn $api>, Arc<dyn $api>) =
            (fake.clone(), Arc::new($client::new(remote)));
        Both { fake, here, there }
    }};
}

fn ids() -> Vec<ProductId> {
    vec![product_id("a.B_c-1"), product_id("b")]
}

fn line<T>(line: u32, value: Result<T, &str>) -> ImportLine<T> {
    let value = value.map_err(str::to_owned);
    ImportLine { line, value }
}

#[tokio::test]
async fn search() {
    let both = both!(SearchApi, SearchClient);
    let request = SearchRequest {
        query: "hp & \"tonr\" +ü".to_owned(),
        categories: vec![
            Category::parse_path("Printing > Toner & drums"),
            Category::parse_path("B"),
        ],
        brands: vec!["A, B".to_owned(), "100%".to_owned()],
        min_price: Some(0),
        max_price: Some(1_000),
        in_stock: Some(false),
        sort: Sort::PriceDesc,
        paging: Paging::parse(Some(3), Some(7)).unwrap(),
    };
    both.agree(async |api| api.search(&request).await).await;
    let all = SearchRequest::default();
    both.agree(async |api| api.search(&all).await).await;
    both.agree(async |api| api.suggest("ket tle&").await).await;
    both.agree(async |api| api.suggest("").await).await;
}

#[tokio::test]
async fn media() {
    let (both, admin) = (both!(MediaApi, MediaClient), user(Role::Admin));
    both.agree(async |api| {
        let photo = b"\x89PNG, or so it says".to_vec();
        api.upload(&admin, &product_id("p"), photo).await
    })
    .await;
    for variant in Variant::ALL {
        both.agree(async |api| api.picture("picture", variant).await)
            .await;
        both.agree(async |api| api.picture("p", variant).await)
            .await;
        both.agree(async |api| api.picture("none", variant).await)
            .await;
    }
}

#[tokio::test]
async fn products() {
    let (both, admin) = (both!(ProductApi, ProductClient), user(Role::Admin));
    both.agree(async |api| api.view(&product_id("p")).await)
        .await;
    both.agree(async |api| api.view(&product_id("none")).await)
        .await;
    both.agree(async |api| api.views(&ids()).await).await;
    both.agree(async |api| api.records(&ids()).await).await;
    for picture in ["old", "new"].map(|id| PictureId::parse(id).unwrap()) {
        both.agree(async |api| {
            let images = Images::of(&picture);
            api.set_picture(&product_id("p"), &picture, images).await
        })
        .await;
    }
    both.agree(async |api| api.catalogue(None, 100).await).await;
    both.agree(async |api| api.catalogue(Some(&product_id("p")), 3).await)
        .await;
    for id in ["new", "old"] {
        both.agree(async |api| api.put(&admin, &product_id(id), draft()).await)
            .await;
    }
    both.agree(async |api| api.delete(&admin, &product_id("p")).await)
        .await;
    both.agree(async |api| {
        let lines = vec![
            line(2, Ok((product_id("a"), draft()))),
            line(3, Err("no JSON")),
            line(7, Ok((product_id("b"), draft()))),
        ];
        api.import(&admin, lines).await
    })
    .await;
}

#[tokio::test]
async fn a_product_whose_id_no_url_can_hold_is_not_there() {
    let both = both!(ProductApi, ProductClient);
    for id in [".", ".."] {
        assert!(both.there.view(&product_id(id)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn inventory() {
    let (both, admin) = (both!(InventoryApi, InventoryClient), user(Role::Admin));
    let order = OrderId::parse("o1").unwrap();
    let lines = [StockLine {
        product_id: product_id("p"),
        quantity: 3,
    }];
    both.agree(async |api| api.level(&admin, &product_id("p")).await)
        .await;
    both.agree(async |api| api.set(&admin, &product_id("p"), 12).await)
        .await;
    both.agree(async |api| {
        let lines = vec![line(1, Err("no JSON")), line(4, Ok((product_id("a"), 0)))];
        api.import(&admin, lines).await
    })
    .await;
    both.agree(async |api| Ok(sorted(api.availability(&ids()).await?)))
        .await;
    both.agree(async |api| api.availability(&[]).await).await;
    both.agree(async |api| Ok(sorted(api.standing(&ids()).await?)))
        .await;
    both.agree(async |api| api.reserve(&order, &lines).await)
        .await;
    both.agree(async |api| api.release(&order).await).await;
    both.agree(async |api| api.settle(&order).await).await;
    both.agree(async |api| api.restock(&order).await).await;
}

#[tokio::test]
async fn carts() {
    let both = both!(CartApi, CartClient);
    let (id, none) = (CartId::parse("c1").unwrap(), CartId::parse("none").unwrap());
    let callers = [
        Caller::Anonymous,
        user(Role::Customer),
        Caller::Bearer(Token::presented("an order's")),
    ];
    let (p, two) = (product_id("p"), Quantity::parse(2).unwrap());
    for caller in &callers {
        both.agree(async |api| api.create(caller).await).await;
        both.agree(async |api| api.view(caller, &id).await).await;
        both.agree(async |api| api.view(caller, &none).await).await;
        both.agree(async |api| api.contents(caller, &id).await)
            .await;
        both.agree(async |api| api.contents(caller, &none).await)
            .await;
        both.agree(async |api| api.delete(caller, &id).await).await;
        for version in [None, Some(12)] {
            both.agree(async |api| api.put_item(caller, &id, &p, two, version).await)
                .await;
            both.agree(async |api| api.remove_item(caller, &id, &p, version).await)
                .await;
        }
    }
    let shopper = user(Role::Customer);
    both.agree(async |api| api.claim(&shopper, &id).await).await;
    both.agree(async |api| api.mine(&shopper).await).await;
    both.agree(async |api| api.merge(&shopper, &id).await).await;
    let order = OrderId::parse("o1").unwrap();
    both.agree(async |api| api.consume(&id, &order, &[]).await)
        .await;
}

fn checkout_request() -> CheckoutRequest {
    CheckoutRequest {
        cart_id: "c1".to_owned(),
        email: "robin@example.org".to_owned(),
        shipping_address: address(),
        payment_method: "pm_card_visa".to_owned(),
        expected_total: Some(Money::new(509, bothways_domain::Currency::USD)),
    }
}

#[tokio::test]
async fn checkout() {
    let both = both!(CheckoutApi, CheckoutClient);
    let (shopper, request) = (user(Role::Customer), checkout_request());
    let key = IdempotencyKey::parse("a/key~1").unwrap();
    let (id, none) = (
        OrderId::parse("o1").unwrap(),
        OrderId::parse("none").unwrap(),
    );
    for replayed in [false, true] {
        *both.fake.replayed.lock().unwrap() = replayed;
        both.agree(async |api| api.checkout(&shopper, &key, &request, "r-1").await)
            .await;
    }
    both.fake.fail(Some(|| Error::Replayed {
        error: Box::new(Error::PaymentDeclined {
            code: "insufficient_funds".to_owned(),
        }),
        request_id: "first".to_owned(),
    }));
    both.say_the_same(async |api| api.checkout(&shopper, &key, &request, "r-1").await)
        .await;
    both.fake.fail(None);
    both.agree(async |api| api.order(&shopper, &id).await).await;
    both.agree(async |api| api.order(&shopper, &none).await)
        .await;
    both.agree(async |api| {
        api.orders(&shopper, Paging::parse(Some(2), Some(5)).unwrap())
            .await
    })
    .await;
    both.agree(async |api| {
        api.all_orders(&shopper, Paging::parse(Some(2), Some(5)).unwrap())
            .await
    })
    .await;
    both.agree(async |api| api.cancel(&shopper, &id).await)
        .await;
    both.agree(async |api| api.recover().await).await;
}

#[tokio::test]
async fn orders_at_the_desk() {
    let both = both!(OrderDesk, DeskClient);
    for id in ["o1", "none", "over"] {
        let id = OrderId::parse(id).unwrap();
        both.agree(async |desk| desk.order(&id).await).await;
        both.agree(async |desk| desk.ship(&id).await).await;
        both.agree(async |desk| desk.deliver(&id).await).await;
    }
}

#[tokio::test]
async fn identity() {
    let (both, caller) = (both!(IdentityApi, IdentityClient), user(Role::Customer));
    both.agree(async |api| {
        let user = NewUser {
            email: EmailAddress::parse("robin@example.org", "").unwrap(),
            password: Password::parse("correct horse", "").unwrap(),
            name: "Robin".to_owned(),
        };
        api.register(user).await
    })
    .await;
    let credentials = Credentials {
        email: "robin@example.org".to_owned(),
        password: "correct horse".to_owned(),
    };
    both.agree(async |api| api.sign_in(&credentials).await)
        .await;
    both.agree(async |api| api.refresh(&Token::presented("r")).await)
        .await;
    both.agree(async |api| api.renew(&Token::presented("r")).await)
        .await;
    let new = Password::parse("battery staple", "").unwrap();
    both.agree(async |api| api.change_password(&caller, "correct horse", &new).await)
        .await;
    both.agree(async |api| api.sign_out_everywhere(&caller).await)
        .await;
    both.agree(async |api| api.sign_out(&caller).await).await;
    both.agree(async |api| api.me(&caller).await).await;
    both.agree(async |api| api.public_keys().await).await;
}

#[tokio::test]
async fn dead_letters() {
    let both = both!(DeadLetterSource, DeadLetterClient);
    both.agree(async |api| api.parked(10_000).await).await;
    let id = EventId::parse("e1").unwrap();
    both.agree(async |api| api.replay(&id).await).await;
}

fn event(id: &str, subject: &str) -> Event {
    let id = EventId::parse(id).unwrap();
    let time = Timestamp::from_millis(1_790_000_000_123);
    Event::new(id, EventKind::ProductChanged, subject, time)
}

/// The events as an outbox holds them.
fn waiting(events: &[Event]) -> Vec<PendingEvent> {
    let pending = |(event, sequence): (&Event, i64)| PendingEvent {
        sequence,
        event: event.clone(),
        attempts: 0,
    };
    events.iter().zip(1..).map(pending).collect()
}

#[tokio::test]
async fn events_are_pushed_to_every_subscriber() {
    let (first, second) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
    let urls = [serve(&first).await, serve(&second).await];
    let urls = urls.map(|url| format!("{url}/internal/events"));
    let sink = PushSink::new(urls.to_vec(), SECRET).unwrap();
    let events = [event("e1", "a"), event("e2", "bad"), event("e3", "c")];
    let failed = sink.deliver(&waiting(&events)).await.unwrap();
    assert_eq!(failed, [(1, "no".to_owned())]);
    let (first, second) = (first.taken(), second.taken());
    assert_eq!(first, [format!("{:?}", ("handle", &events[..]))]);
    assert_eq!(first, second);
}

#[tokio::test]
async fn events_are_not_delivered_to_a_subscriber_that_is_gone_or_refuses() {
    let fake = Arc::new(Fake::default());
    let url = format!("{}/internal/events", serve(&fake).await);
    let stranger = PushSink::new(vec![url.clone()], "wrong").unwrap();
    assert!(
        stranger
            .deliver(&waiting(&[event("e1", "a")]))
            .await
            .is_err()
    );
    let gone = vec![url, "http://127.0.0.1:1/internal/events".to_owned()];
    let sink = PushSink::new(gone, SECRET).unwrap();
    assert!(sink.deliver(&waiting(&[event("e1", "a")])).await.is_err());
    let nobody = PushSink::new(Vec::new(), SECRET).unwrap();
    assert!(
        nobody
            .deliver(&waiting(&[event("e1", "a")]))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_neighbour_that_is_gone_is_unavailable() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let remote = remote("product", "http://127.0.0.1:1", SECRET);
    let gone = ProductClient::new(remote).view(&product_id("p")).await;
    let said = gone.unwrap_err().to_string();
    assert_eq!(said, "product can't be reached right now");
}

#[tokio::test]
async fn a_wrong_secret_is_an_outage_and_never_a_missing_thing() {
    let fake = Arc::new(Fake::default());
    let remote = remote("cart", &serve(&fake).await, "wrong");
    let id = CartId::parse("c1").unwrap();
    let contents = CartClient::new(remote)
        .contents(&Caller::Anonymous, &id)
        .await;
    assert!(
        matches!(contents, Err(Error::Unavailable { .. })),
        "{contents:?}"
    );
}
