//! A stand-in for every use case: remembers what it was asked, and answers the same each time or fails as told.

use std::{collections::HashMap, fmt::Debug, sync::Mutex};

use async_trait::async_trait;
use bothways_domain::{
    Caller, Error, Result,
    caller::Role,
    cart::{Cart, CartApi, CartLine, CartView, Quantity},
    checkout::{CheckoutApi, CheckoutRequest, Moved, Order, OrderDesk, Placed, RecoveryReport},
    event::{
        DeadLetter, DeadLetterApi, DeadLetterSource, DeadLetters, Event, EventHandler, EventKind,
    },
    id::{CartId, EventId, IdempotencyKey, OrderId, PictureId, ProductId, Token},
    identity::{
        Credentials, IdentityApi, NewUser, Password, PublicKey, TokenVerifier, Tokens, User,
    },
    import::{Change, ImportLine, ImportReport, RejectedLine},
    inventory::{
        Availability, InventoryApi, Popularity, Reserved, Settled, Standing, StockLevel, StockLine,
    },
    media::{MediaApi, Picture, Variant},
    paging::{Page, Paging},
    product::{Images, Product, ProductApi, ProductDraft, ProductView},
    search::{FacetCount, Facets, PriceRange, SearchApi, SearchPage, SearchRequest},
};

use crate::values::{account, cart, dollars, now, order, product, product_id, tokens, user, view};

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) failing: Mutex<Option<fn() -> Error>>,
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) replayed: Mutex<bool>,
}

impl Fake {
    /// Makes every call fail like this from now on.
    pub(crate) fn fail(&self, with: Option<fn() -> Error>) {
        *self.failing.lock().unwrap() = with;
    }

    /// What was asked since the last time of asking.
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn answer<T>(&self, call: impl Debug, value: T) -> Result<T> {
        self.calls.lock().unwrap().push(format!("{call:?}"));
        match *self.failing.lock().unwrap() {
            Some(error) => Err(error()),
            None => Ok(value),
        }
    }
}

#[async_trait]
impl TokenVerifier for Fake {
    async fn identify(&self, token: Token) -> Caller {
        match token.reveal() {
            "admin" => user(Role::Admin),
            "user" => user(Role::Customer),
            _ => Caller::Bearer(token),
        }
    }
}

fn letter() -> DeadLetter {
    let id = EventId::parse("e1").unwrap();
    let event = Event::new(id, EventKind::StockChanged, "p", now());
    DeadLetter::new(event, 5, "poison".to_owned())
}

#[async_trait]
impl DeadLetterSource for Fake {
    async fn parked(&self, limit: u32) -> Result<Page<DeadLetter>> {
        let (entries, total) = (vec![letter()], 7);
        self.answer(("parked", limit), Page { entries, total })
    }
    async fn replay(&self, id: &EventId) -> Result<bool> {
        self.answer(("replay", id), true)
    }
}

#[async_trait]
impl DeadLetterApi for Fake {
    async fn list(&self, caller: &Caller, paging: Paging) -> Result<DeadLetters> {
        let letters = DeadLetters {
            dead_letters: vec![letter()],
            total: 7,
            page: paging.page(),
            per_page: paging.per_page(),
            unavailable: vec!["inventory".to_owned()],
        };
        self.answer(("list", caller, paging), letters)
    }
    async fn replay(&self, caller: &Caller, id: &EventId) -> Result<()> {
        self.answer(("replay for", caller, id), ())
    }
}

#[async_trait]
impl ProductApi for Fake {
    async fn view(&self, id: &ProductId) -> Result<Option<ProductView>> {
        let found = (id.as_str() != "none").then(|| view(id));
        self.answer(("view", id), found)
    }
    async fn views(&self, ids: &[ProductId]) -> Result<Vec<ProductView>> {
        self.answer(("views", ids), ids.iter().map(view).collect())
    }
    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        self.answer(("records", ids), ids.iter().map(product).collect())
    }
    async fn catalogue(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>> {
        self.answer(("catalogue", after, limit), vec![product(&product_id("p"))])
    }
    async fn put(
        &self,
        caller: &Caller,
        id: &ProductId,
        draft: ProductDraft,
    ) -> Result<(Change, ProductView)> {
        let change = if id.as_str() == "new" {
            Change::Created
        } else {
            Change::Updated
        };
        self.answer(("put", caller, id, draft), (change, view(id)))
    }
    async fn delete(&self, caller: &Caller, id: &ProductId) -> Result<()> {
        self.answer(("delete", caller, id), ())
    }
    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: Images,
    ) -> Result<bool> {
        let newer = picture.as_str() != "old";
        self.answer(("set_picture", id, picture, images), newer)
    }
    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport> {
        let report = report(&lines);
        self.answer(("import", caller, good(lines)), report)
    }
}

/// The lines that can land, with their numbers.
fn good<T>(lines: Vec<ImportLine<T>>) -> Vec<(u32, T)> {
    let good = lines.into_iter();
    good.filter_map(|line| Some((line.line, line.value.ok()?)))
        .collect()
}

fn report<T>(lines: &[ImportLine<T>]) -> ImportReport {
    let reject = |line: &ImportLine<T>| {
        let detail = line.value.as_ref().err()?.clone();
        Some(RejectedLine {
            line: line.line,
            detail,
        })
    };
    ImportReport {
        created: 1,
        updated: 2,
        rejected: lines.iter().filter_map(reject).collect(),
    }
}

#[async_trait]
impl MediaApi for Fake {
    async fn upload(
        &self,
        caller: &Caller,
        product: &ProductId,
        photo: Vec<u8>,
    ) -> Result<PictureId> {
        let id = PictureId::parse("picture").ok_or(Error::Forbidden)?;
        self.answer(("upload", caller, product, photo), id)
    }
    async fn picture(&self, id: &str, variant: Variant) -> Result<Option<Picture>> {
        let picture = |is_fixed| Picture {
            id: PictureId::parse("picture").unwrap(),
            content: format!("{} as WebP", variant.as_str()).into(),
            is_fixed,
        };
        let found = (id != "none").then(|| picture(id == "picture"));
        self.answer(("picture", id, variant), found)
    }
}

#[async_trait]
impl InventoryApi for Fake {
    async fn level(&self, caller: &Caller, id: &ProductId) -> Result<StockLevel> {
        let level = StockLevel::new(id.clone(), 7, 2);
        self.answer(("level", caller, id), level)
    }
    async fn set(&self, caller: &Caller, id: &ProductId, on_hand: u32) -> Result<StockLevel> {
        let level = StockLevel::new(id.clone(), on_hand, 0);
        self.answer(("set", caller, id, on_hand), level)
    }
    async fn import(
        &self,
        caller: &Caller,
        lines: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport> {
        let report = report(&lines);
        self.answer(("import", caller, good(lines)), report)
    }
    async fn availability(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Availability>> {
        let known = ids.iter().map(|id| (id.clone(), Availability::InStock));
        self.answer(("availability", ids), known.collect())
    }
    async fn standing(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Standing>> {
        let standing = Standing {
            availability: Availability::LowStock,
            popularity: Popularity::of(9),
        };
        let known = ids.iter().map(|id| (id.clone(), standing));
        self.answer(("standing", ids), known.collect())
    }
    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved> {
        let short = lines.iter().map(|line| line.product_id.clone()).collect();
        self.answer(("reserve", order, lines), Reserved::Short(short))
    }
    async fn release(&self, order: &OrderId) -> Result<()> {
        self.answer(("release", order), ())
    }
    async fn settle(&self, order: &OrderId) -> Result<Settled> {
        self.answer(("settle", order), Settled::Sold)
    }
    async fn restock(&self, order: &OrderId) -> Result<()> {
        self.answer(("restock", order), ())
    }
}

#[async_trait]
impl CartApi for Fake {
    async fn create(&self, caller: &Caller) -> Result<CartView> {
        let id = CartId::parse("c1").unwrap();
        self.answer(("create", caller), cart(&id))
    }
    async fn view(&self, caller: &Caller, id: &CartId) -> Result<Option<CartView>> {
        let found = (id.as_str() != "none").then(|| cart(id));
        self.answer(("view", caller, id), found)
    }
    async fn contents(&self, caller: &Caller, id: &CartId) -> Result<Option<Cart>> {
        let line = CartLine {
            product_id: product_id("p"),
            name: "P".to_owned(),
            unit_price: dollars(5),
            quantity: Quantity::parse(2).unwrap(),
        };
        let found = Cart {
            id: id.clone(),
            owner: caller.user_id().cloned(),
            lines: vec![line],
            version: 7,
            updated_at: now(),
        };
        self.answer(
            ("contents", caller, id),
            (id.as_str() != "none").then_some(found),
        )
    }
    async fn put_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        quantity: Quantity,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        let call = ("put_item", caller, id, product, quantity, if_version);
        self.answer(call, cart(id))
    }
    async fn remove_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        self.answer(("remove_item", caller, id, product, if_version), cart(id))
    }
    async fn delete(&self, caller: &Caller, id: &CartId) -> Result<()> {
        self.answer(("delete", caller, id), ())
    }
    async fn claim(&self, caller: &Caller, id: &CartId) -> Result<CartView> {
        self.answer(("claim", caller, id), cart(id))
    }
    async fn mine(&self, caller: &Caller) -> Result<Option<CartView>> {
        let found = cart(&CartId::parse("c1").unwrap());
        self.answer(("mine", caller), Some(found))
    }
    async fn merge(&self, caller: &Caller, guest: &CartId) -> Result<CartView> {
        self.answer(("merge", caller, guest), cart(guest))
    }
    async fn consume(&self, id: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()> {
        self.answer(("consume", id, order, lines), ())
    }
}

#[async_trait]
impl CheckoutApi for Fake {
    async fn checkout(
        &self,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        request_id: &str,
    ) -> Result<Placed> {
        let placed = Placed {
            order: order(&OrderId::parse("o1").unwrap()),
            access_token: Token::presented("secret"),
            replayed: *self.replayed.lock().unwrap(),
        };
        self.answer(("checkout", caller, key, request, request_id), placed)
    }
    async fn order(&self, caller: &Caller, id: &OrderId) -> Result<Option<Order>> {
        let found = (id.as_str() != "none").then(|| order(id));
        self.answer(("order", caller, id), found)
    }
    async fn orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        let page = Page {
            entries: vec![order(&OrderId::parse("o1").unwrap())],
            total: 31,
        };
        self.answer(("orders", caller, paging), page)
    }
    async fn all_orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        let page = Page {
            entries: vec![order(&OrderId::parse("o1").unwrap())],
            total: 99,
        };
        self.answer(("all_orders", caller, paging), page)
    }
    async fn cancel(&self, caller: &Caller, id: &OrderId) -> Result<Order> {
        self.answer(("cancel", caller, id), order(id))
    }
    async fn recover(&self) -> Result<RecoveryReport> {
        let report = RecoveryReport {
            finished: 1,
            undone: 2,
            postponed: 3,
        };
        self.answer("recover", report)
    }
}

#[async_trait]
impl OrderDesk for Fake {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        let found = (id.as_str() != "none").then(|| order(id));
        self.answer(("desk order", id), found)
    }
    async fn ship(&self, id: &OrderId) -> Result<Moved> {
        let moved = match id.as_str() {
            "none" => Moved::Missing,
            "over" => Moved::Over,
            _ => Moved::Done,
        };
        self.answer(("ship", id), moved)
    }
    async fn deliver(&self, id: &OrderId) -> Result<Moved> {
        self.answer(("deliver", id), Moved::NotYet)
    }
}

#[async_trait]
impl IdentityApi for Fake {
    async fn register(&self, user: NewUser) -> Result<User> {
        let secret = user.password.reveal().to_owned();
        self.answer(("register", user, secret), account())
    }
    async fn sign_in(&self, credentials: &Credentials) -> Result<Tokens> {
        self.answer(("sign_in", credentials), tokens())
    }
    async fn refresh(&self, token: &Token) -> Result<Tokens> {
        self.answer(("refresh", token.reveal()), tokens())
    }
    async fn renew(&self, token: &Token) -> Result<Tokens> {
        self.answer(("renew", token.reveal()), tokens())
    }
    async fn change_password(&self, caller: &Caller, current: &str, new: &Password) -> Result<()> {
        self.answer(("change_password", caller, current, new.reveal()), ())
    }
    async fn sign_out_everywhere(&self, caller: &Caller) -> Result<()> {
        self.answer(("sign_out_everywhere", caller), ())
    }
    async fn sign_out(&self, caller: &Caller) -> Result<()> {
        self.answer(("sign_out", caller), ())
    }
    async fn me(&self, caller: &Caller) -> Result<User> {
        self.answer(("me", caller), account())
    }
    async fn public_keys(&self) -> Result<Vec<PublicKey>> {
        let key = PublicKey {
            kid: "k1".to_owned(),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            x: "abc".to_owned(),
        };
        self.answer("public_keys", vec![key])
    }
}

#[async_trait]
impl SearchApi for Fake {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        let facets = Facets {
            category: vec![FacetCount {
                value: "A > B".to_owned(),
                count: 3,
            }],
            brand: Vec::new(),
            price: vec![PriceRange {
                from: 0,
                to: None,
                count: 3,
            }],
        };
        let page = SearchPage {
            query: request.query.clone(),
            corrected_query: None,
            total: 1,
            page: request.paging.page(),
            per_page: request.paging.per_page(),
            hits: vec![product(&product_id("p")).to_hit(Availability::InStock)],
            facets,
        };
        self.answer(("search", request), page)
    }
    async fn suggest(&self, prefix: &str) -> Result<Vec<String>> {
        self.answer(("suggest", prefix), vec!["kettle".to_owned()])
    }
}

#[async_trait]
impl EventHandler for Fake {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        let bad = events.iter().position(|event| event.subject == "bad");
        let failed = bad.map(|index| (index, "no".to_owned()));
        self.answer(("handle", events), failed.into_iter().collect())
    }
}
