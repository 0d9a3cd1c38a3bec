//! Shoppers: people with accounts, carts, and buying.

use serde_json::{Value, json};

use crate::{
    ask::{Ask, Reply},
    shop::{Shop, text},
    unique,
};

/// Somebody who registered and signed in.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// What they act with.
    pub access_token: String,
    /// What they renew it with.
    pub refresh_token: String,
}

impl User {
    pub(crate) async fn register(shop: &Shop) -> Self {
        let (email, password) = (unique::email(), format!("secret {}", unique::word()));
        let body = json!({ "email": email, "password": password, "name": "Robin Trial" });
        let user = shop.post("/api/users").json(&body).send().await.expect(201);
        let mut user = Self {
            id: text(&user["id"]),
            email,
            password,
            access_token: String::new(),
            refresh_token: String::new(),
        };
        let session = user.sign_in(shop).await.expect(200);
        user.access_token = text(&session["access_token"]);
        user.refresh_token = text(&session["refresh_token"]);
        user
    }

    /// Opens another session.
    pub async fn sign_in(&self, shop: &Shop) -> Reply {
        self.signing_in(shop).send().await
    }

    /// The request that opens another session.
    pub fn signing_in(&self, shop: &Shop) -> Ask {
        let body = json!({ "email": self.email, "password": self.password });
        shop.post("/api/sessions").json(&body)
    }
}

/// A cart.
pub struct Cart {
    shop: Shop,
    /// Its id.
    pub id: String,
    /// The API's path of it.
    pub path: String,
    /// Whose token goes with every request about it.
    pub bearer: Option<String>,
}

impl Cart {
    pub(crate) async fn open(shop: &Shop) -> Self {
        let cart = shop.post("/api/carts").send().await.expect(201);
        let id = text(&cart["id"]);
        Self {
            shop: shop.clone(),
            path: format!("/api/carts/{id}"),
            id,
            bearer: None,
        }
    }

    /// Makes it this user's.
    pub async fn claimed_by(mut self, user: &User) -> Self {
        let path = format!("{}/claim", self.path);
        self.shop
            .post(&path)
            .bearer(&user.access_token)
            .send()
            .await
            .expect(200);
        self.bearer = Some(user.access_token.clone());
        self
    }

    /// The path of one item in it.
    pub fn item(&self, product: &str) -> String {
        format!("{}/items/{product}", self.path)
    }

    fn signed(&self, ask: Ask) -> Ask {
        match &self.bearer {
            Some(token) => ask.bearer(token),
            None => ask,
        }
    }

    /// Sets how many of a product are in it.
    pub async fn put(&self, product: &str, quantity: i64) -> Reply {
        let ask = self
            .shop
            .put(&self.item(product))
            .json(&json!({ "quantity": quantity }));
        self.signed(ask).send().await
    }

    /// The cart as it is now.
    pub async fn read(&self) -> Value {
        self.get().await.expect(200)
    }

    /// The answer about the cart as it is now.
    pub async fn get(&self) -> Reply {
        self.signed(self.shop.get(&self.path)).send().await
    }
}

/// A shipping address that is complete.
pub fn address() -> Value {
    json!({
        "name": "Robin Trial",
        "line1": "1 Test Street",
        "city": "Springfield",
        "postal_code": "12345",
        "country": "US",
    })
}

/// A checkout being put together; it can be sent again, as a client that retries does.
#[derive(Clone)]
#[must_use]
pub struct Checkout {
    shop: Shop,
    /// The body that is sent.
    pub body: Value,
    /// The idempotency key that is sent.
    pub key: Option<String>,
    bearer: Option<String>,
}

impl Checkout {
    pub(crate) fn new(shop: Shop, cart: &str) -> Self {
        let body = json!({
            "cart_id": cart,
            "email": unique::email(),
            "shipping_address": address(),
            "payment_method": "pm_card_visa",
        });
        Self {
            shop,
            body,
            key: Some(unique::key()),
            bearer: None,
        }
    }

    /// Under this key.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// At this shop, which is the same one at another address.
    pub fn at(mut self, shop: &Shop) -> Self {
        self.shop = shop.clone();
        self
    }

    /// Without any key.
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// With this member of the body.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.body[member] = value.into();
        self
    }

    /// Without this member of the body.
    pub fn without(mut self, member: &str) -> Self {
        if let Some(members) = self.body.as_object_mut() {
            members.remove(member);
        }
        self
    }

    /// Paid like this.
    pub fn pay_with(self, method: &str) -> Self {
        self.with("payment_method", method)
    }

    /// By this user.
    pub fn by(mut self, user: &User) -> Self {
        self.bearer = Some(user.access_token.clone());
        self
    }

    fn ask(&self) -> Ask {
        let mut ask = self.shop.post("/api/checkout").json(&self.body);
        if let Some(key) = &self.key {
            ask = ask.header("idempotency-key", key);
        }
        if let Some(token) = &self.bearer {
            ask = ask.bearer(token);
        }
        ask
    }

    /// Sends it.
    pub async fn send(&self) -> Reply {
        self.ask().send().await
    }

    /// Sends it; no answer at all is an `Err`.
    pub async fn try_send(&self) -> Result<Reply, String> {
        self.ask().try_send().await
    }

    /// Sends it and expects to have bought.
    pub async fn buy(&self) -> Order {
        Order::from(&self.send().await.expect(201))
    }

    /// Sends it, as a patient client does, until the answer is one that stays: no lost
    /// connection, no 429, no 5xx, no other attempt still running. `Err` is the latest of those.
    pub async fn attempt_final(&self) -> Result<Reply, String> {
        let reply = self.try_send().await?;
        let passing =
            matches!(reply.status, 429 | 500..) || reply.is_problem("request-in-progress");
        if passing {
            Err(reply.summary())
        } else {
            Ok(reply)
        }
    }
}

/// An order that was placed.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// A guest's key to it.
    pub access_token: String,
    /// The answer to the checkout.
    pub body: Value,
}

impl Order {
    /// The API's path of it.
    pub fn path(&self) -> String {
        format!("/api/orders/{}", self.id)
    }

    /// What is charged, in minor units.
    pub fn total(&self) -> i64 {
        self.body["total"]["amount"].as_i64().unwrap_or_default()
    }

    /// The order as it is now, read with its access token.
    pub async fn read(&self, shop: &Shop) -> Value {
        shop.get(&self.path())
            .bearer(&self.access_token)
            .send()
            .await
            .expect(200)
    }

    /// Cancels it with its access token.
    pub async fn cancel(&self, shop: &Shop) -> Reply {
        shop.post(&format!("{}/cancel", self.path()))
            .bearer(&self.access_token)
            .send()
            .await
    }
}

impl From<&Value> for Order {
    fn from(body: &Value) -> Self {
        Self {
            id: text(&body["id"]),
            access_token: text(&body["access_token"]),
            body: body.clone(),
        }
    }
}
