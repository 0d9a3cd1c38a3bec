//! People who shop all the time, and notice every request that fails.

use std::cell::{Cell, RefCell};

use bothways_tests::{Product, RECOVERY, Reply, Shop, eventually};
use serde_json::json;

/// The services a shopper's request may meet.
pub(crate) const SERVICES: [&str; 8] = [
    "storefront",
    "search",
    "product",
    "inventory",
    "cart",
    "checkout",
    "identity",
    "media",
];
/// Who asks at the same time.
pub(crate) const SHOPPERS: usize = 4;

/// What became of the requests of those who shop all the time.
#[derive(Default)]
pub(crate) struct Load {
    over: Cell<bool>,
    answered: Cell<usize>,
    bought: Cell<usize>,
    failed: RefCell<Vec<String>>,
}

impl Load {
    /// Shops until it is over.
    pub(crate) async fn shop(&self, shop: &Shop, product: &Product) {
        while !self.over.get() {
            if self.buy(shop, product).await.is_some() {
                self.bought.set(self.bought.get() + 1);
            }
        }
    }

    /// Looks around and buys one; `None` when a request failed.
    async fn buy(&self, shop: &Shop, product: &Product) -> Option<()> {
        for path in [
            "/".to_owned(),
            format!("/products/{}", product.id),
            "/api/search?q=a".to_owned(),
            "/.well-known/jwks.json".to_owned(),
            product.path(),
        ] {
            self.note(shop.get(&path).try_send().await)?;
        }
        let missing = shop.get("/media/none/card").try_send().await;
        self.note_of(404, missing)?;
        let cart = self.note(shop.post("/api/carts").try_send().await)?;
        let id = cart.value()["id"].as_str().unwrap_or_default().to_owned();
        let item = format!("/api/carts/{id}/items/{}", product.id);
        let one = json!({ "quantity": 1 });
        self.note(shop.put(&item).json(&one).try_send().await)?;
        self.note(shop.get(&format!("/api/carts/{id}")).try_send().await)?;
        self.note_of(201, shop.checkout(&id).try_send().await)?;
        Some(())
    }

    fn note(&self, answer: Result<Reply, String>) -> Option<Reply> {
        self.judge(|status| status < 300, answer)
    }

    fn note_of(&self, expected: u16, answer: Result<Reply, String>) -> Option<Reply> {
        self.judge(|status| status == expected, answer)
    }

    fn judge(
        &self,
        expected: impl Fn(u16) -> bool,
        answer: Result<Reply, String>,
    ) -> Option<Reply> {
        let judged = answer.and_then(|reply| {
            if expected(reply.status) {
                Ok(reply)
            } else {
                Err(reply.summary())
            }
        });
        match judged {
            Ok(reply) => {
                self.answered.set(self.answered.get() + 1);
                Some(reply)
            }
            Err(failure) => {
                self.failed.borrow_mut().push(failure);
                None
            }
        }
    }

    /// Waits until so many more have bought.
    pub(crate) async fn goes_on(&self, more: usize) {
        let goal = self.bought.get() + more;
        eventually(RECOVERY, "people buy", async || {
            if self.bought.get() >= goal {
                Ok(())
            } else {
                let failed = self.failed.borrow();
                Err(format!("{} of {goal}; {failed:?}", self.bought.get()))
            }
        })
        .await;
    }

    /// Has it end when whoever is about to buy has bought.
    pub(crate) fn end(&self) {
        self.over.set(true);
    }

    /// How many have bought.
    pub(crate) fn bought(&self) -> usize {
        self.bought.get()
    }

    /// No request failed, of at least so many.
    pub(crate) fn failed_never(&self, at_least: usize) {
        assert_eq!(*self.failed.borrow(), Vec::<String>::new());
        assert!(self.answered.get() >= at_least, "{}", self.answered.get());
    }
}
