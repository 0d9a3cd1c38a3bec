//! What a shopper does, step by step, and what becomes of it.

use std::time::Duration;

use bothways_tests::{
    Ask, Cart, Order, Product, RECOVERY, Reply, Shop, User, eventually, money, photo,
};
use image::ImageFormat;
use tokio::time::{Instant, sleep, timeout};

use super::watch::Verdict;

/// How long who waits for news waits for an answer: longer than a service that is 2 s slow takes.
const PATIENCE: Duration = Duration::from_secs(4);

/// Something a shopper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Opens the home page.
    Home,
    /// Searches.
    Search,
    /// Reads a product's page.
    Product,
    /// Looks into the cart.
    Cart,
    /// Puts something into a new cart and buys it.
    Buy,
    /// Signs in.
    SignIn,
    /// Reads their orders.
    Orders,
    /// Sees a photo.
    Photo,
}

impl Step {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Home,
        Self::Search,
        Self::Product,
        Self::Cart,
        Self::Buy,
        Self::SignIn,
        Self::Orders,
        Self::Photo,
    ];
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// It is as ever.
    Works,
    /// It works and says what is missing.
    Less,
    /// It is refused in the contract's form: 503 or 504.
    Refused,
    /// Anything else.
    Fails,
}

/// Somebody with an account, a cart and a product to look at.
pub(crate) struct Shopper {
    shop: Shop,
    product: Product,
    user: User,
    cart: Cart,
    picture: String,
}

impl Shopper {
    /// Somebody new, with a product and a photo of it that are new, too.
    pub(crate) async fn new(shop: &Shop) -> Self {
        let product = shop.product().price(1_000).stock(1_000_000).create().await;
        let red = photo::file(photo::plain(90, 60, photo::RED), ImageFormat::Png);
        let images = product.photograph(shop, "image/png", red).await;
        let user = shop.user().await;
        let cart = shop.cart_of(&[(&product.id, 1)]).await;
        let picture = images["card"].as_str().expect("a picture").to_owned();
        Self {
            shop: shop.clone(),
            product,
            user,
            cart,
            picture,
        }
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.shop
    }

    /// Takes a step; with what it was seen by, in words.
    pub(crate) async fn take(&self, step: Step) -> (Seen, String) {
        let answer = match step {
            Step::Buy => self.shop.try_buy(&self.product.id).await,
            step => self.ask(step).try_send().await,
        };
        match answer {
            Ok(reply) => (judge(step, &reply), reply.summary()),
            Err(error) => (Seen::Fails, error),
        }
    }

    fn ask(&self, step: Step) -> Ask {
        let shop = &self.shop;
        match step {
            Step::Home => shop.get("/"),
            Step::Search => shop.get("/api/search").query(&[("q", &self.product.word)]),
            Step::Product => shop.get(&format!("/products/{}", self.product.id)),
            Step::Cart | Step::Buy => shop.get(&format!("/api/carts/{}", self.cart.id)),
            Step::SignIn => self.user.signing_in(shop),
            Step::Orders => shop.get("/api/orders").bearer(&self.user.access_token),
            Step::Photo => shop.get(&self.picture),
        }
    }

    /// Buys one, which has to work.
    pub(crate) async fn order(&self) -> Order {
        let reply = self.shop.try_buy(&self.product.id).await;
        Order::from(&reply.expect("an answer").expect(201))
    }

    /// Changes the product's price; whether that was taken.
    async fn reprice(&self, price: i64) -> bool {
        let product = self.product.with("price", money(price));
        let asked = timeout(PATIENCE, product.try_put(&self.shop)).await;
        asked.is_ok_and(|answer| answer.is_ok_and(|reply| reply.status == 200))
    }

    /// Whether search shows this price.
    pub(crate) async fn search_shows(&self, price: i64) -> bool {
        let asked = timeout(PATIENCE, self.ask(Step::Search).try_send()).await;
        let shown = |reply: Reply| reply.value()["hits"][0]["price"] == money(price);
        asked.is_ok_and(|answer| answer.is_ok_and(shown))
    }

    /// Changes the price; whether and when search shows it.
    pub(crate) async fn finds_news(&self, price: i64, until: Instant) -> Verdict {
        let mut taken = false;
        while Instant::now() < until {
            taken = taken || self.reprice(price).await;
            if taken && self.search_shows(price).await {
                return Verdict::Works;
            }
            sleep(Duration::from_millis(200)).await;
        }
        if taken {
            Verdict::Later
        } else {
            Verdict::Refused
        }
    }

    async fn is_shipped(&self, order: &Order) -> bool {
        let asked = self.shop.get(&order.path()).bearer(&order.access_token);
        let asked = timeout(PATIENCE, asked.try_send()).await;
        let shipped = |reply: Reply| {
            let status = &reply.value()["status"];
            status == "shipped" || status == "delivered"
        };
        asked.is_ok_and(|answer| answer.is_ok_and(shipped))
    }

    /// When an order that is due ships.
    pub(crate) async fn sees_parcel(&self, order: &Order, until: Instant) -> Verdict {
        while Instant::now() < until {
            if self.is_shipped(order).await {
                return Verdict::Works;
            }
            sleep(Duration::from_millis(200)).await;
        }
        Verdict::Later
    }

    /// What was to happen later does now: search shows the price, and the order ships.
    pub(crate) async fn catches_up(&self, price: i64, order: &Order) {
        eventually(RECOVERY, "search shows the price", async || {
            let shown = self.reprice(price).await && self.search_shows(price).await;
            shown.then_some(()).ok_or_else(String::new)
        })
        .await;
        eventually(RECOVERY, "the order ships", async || {
            let shipped = self.is_shipped(order).await;
            shipped.then_some(()).ok_or_else(String::new)
        })
        .await;
    }
}

/// Whether an answer has everything it should have.
fn is_whole(step: Step, reply: &Reply) -> bool {
    match step {
        Step::Home => reply.text().contains("/products/"),
        Step::Search => reply.value()["total"] == 1,
        Step::Product => reply.text().contains("In stock"),
        Step::Cart => {
            let item = &reply.value()["items"][0];
            item["availability"] == "in_stock" && !item["name"].is_null()
        }
        Step::Buy => reply.value()["status"] == "confirmed",
        Step::SignIn | Step::Orders | Step::Photo => true,
    }
}

fn judge(step: Step, reply: &Reply) -> Seen {
    let expected = if step == Step::Buy { 201 } else { 200 };
    match reply.status {
        503 | 504 => Seen::Refused,
        status if status != expected => Seen::Fails,
        _ if is_whole(step, reply) => Seen::Works,
        _ => Seen::Less,
    }
}
