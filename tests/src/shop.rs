//! A shop under test: its URL, and a client for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    ask::{Ask, Reply},
    buyer::{Cart, Checkout, User},
    control::Control,
    ledger::Ledger,
    poll::{SOON, eventually},
    post_office::PostOffice,
    product::ProductBuilder,
};

/// What is known about a shop from outside.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `microservices` or `serverless`: the label of its tests.
    pub architecture: String,
    /// Its base URL, without a trailing slash.
    pub url: String,
    /// The first administrator's address.
    pub admin_email: String,
    /// The first administrator's password.
    pub admin_password: String,
    /// Base URL and secret key of its payment provider, where the suite may look at it.
    pub payment: Option<(String, String)>,
    /// The launcher's control API, where there is one.
    pub control: Option<Control>,
    /// The folder its checkout looks for failpoints in.
    pub failpoints: Option<std::path::PathBuf>,
    /// The mail server its receipts go to, where the suite runs it.
    pub post_office: Option<PostOffice>,
}

/// A shop under test. Cheap to clone.
#[derive(Clone)]
pub struct Shop(Arc<Inner>);

struct Inner {
    access: Access,
    client: reqwest::Client,
    admin: Mutex<Option<(String, Instant)>>,
}

impl Shop {
    /// A client for the shop at `access`.
    pub fn new(access: Access) -> Self {
        let client = client();
        Self(Arc::new(Inner {
            access,
            client,
            admin: Mutex::default(),
        }))
    }

    /// The label of its tests.
    pub fn architecture(&self) -> &str {
        &self.0.access.architecture
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.0.access.url
    }

    /// Everything known about it.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// A request to a path of the shop.
    pub fn ask(&self, method: &Method, path: &str) -> Ask {
        Ask::new(
            &self.0.client,
            method,
            &format!("{}{path}", self.url()),
            path,
        )
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(&Method::GET, path)
    }

    /// `POST path`.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(&Method::POST, path)
    }

    /// `PUT path`.
    pub fn put(&self, path: &str) -> Ask {
        self.ask(&Method::PUT, path)
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Ask {
        self.ask(&Method::DELETE, path)
    }

    /// An access token of the administrator, kept until it gets old.
    pub async fn admin(&self) -> String {
        let mut kept = self.0.admin.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return token.clone();
        }
        let access = &self.0.access;
        let body = json!({ "email": access.admin_email, "password": access.admin_password });
        let session = self
            .post("/api/sessions")
            .json(&body)
            .send()
            .await
            .expect(200);
        let token = text(&session["access_token"]);
        let life = Duration::from_secs(session["expires_in"].as_u64().unwrap_or(60) / 2);
        *kept = Some((token.clone(), Instant::now() + life));
        token
    }

    /// Starts a product of its own.
    pub fn product(&self) -> ProductBuilder {
        ProductBuilder::new(self.clone())
    }

    /// Registers somebody new and signs them in.
    pub async fn user(&self) -> User {
        User::register(self).await
    }

    /// Opens a guest's cart.
    pub async fn cart(&self) -> Cart {
        Cart::open(self).await
    }

    /// A guest's cart with these products in it.
    pub async fn cart_of(&self, items: &[(&str, i64)]) -> Cart {
        let cart = self.cart().await;
        for (product, quantity) in items {
            cart.put(product, *quantity).await.expect(200);
        }
        cart
    }

    /// Starts buying a cart, with everything filled in.
    pub fn checkout(&self, cart: &str) -> Checkout {
        Checkout::new(self.clone(), cart)
    }

    /// Buys one of a product with a new cart; the answer of the first request that wasn't as it should be, or the
    /// checkout's. No answer at all is an `Err`.
    pub async fn try_buy(&self, product: &str) -> Result<Reply, String> {
        let opened = self.post("/api/carts").try_send().await?;
        if opened.status != 201 {
            return Ok(opened);
        }
        let cart = text(&opened.value()["id"]);
        let item = format!("/api/carts/{cart}/items/{product}");
        let put = self.put(&item).json(&json!({ "quantity": 1 }));
        let put = put.try_send().await?;
        if put.status != 200 {
            return Ok(put);
        }
        self.checkout(&cart).try_send().await
    }

    /// What inventory says about a product.
    pub async fn stock(&self, product: &str) -> Value {
        let path = format!("/api/inventory/{product}");
        self.get(&path)
            .bearer(&self.admin().await)
            .send()
            .await
            .expect(200)
    }

    /// Sets what is on hand.
    pub async fn restock(&self, product: &str, on_hand: i64) {
        let path = format!("/api/inventory/{product}");
        let body = json!({ "on_hand": on_hand });
        self.put(&path)
            .bearer(&self.admin().await)
            .json(&body)
            .send()
            .await
            .expect(200);
    }

    /// Waits until `on_hand` are in stock and none of them is reserved.
    pub async fn settles_at(&self, product: &str, on_hand: i64) {
        self.settles_within(SOON, product, on_hand).await;
    }

    /// Waits up to `within` until `on_hand` are in stock and none of them is reserved.
    pub async fn settles_within(&self, within: Duration, product: &str, on_hand: i64) {
        eventually(
            within,
            &format!("{on_hand} of {product} on hand, none reserved"),
            async || {
                let stock = self.stock(product).await;
                let settled = stock["on_hand"] == on_hand && stock["reserved"] == 0;
                if settled {
                    Ok(())
                } else {
                    Err(stock.to_string())
                }
            },
        )
        .await;
    }

    /// The payment provider's books. Only for cases that are run where it is known.
    pub fn ledger(&self) -> Ledger {
        let (url, key) = self
            .0
            .access
            .payment
            .clone()
            .expect("this case needs the payment provider");
        Ledger::new(self.0.client.clone(), url, key)
    }

    /// The mail server receipts go to. Only for cases that are run where the suite has one.
    pub fn post_office(&self) -> PostOffice {
        let office = self.0.access.post_office.clone();
        office.expect("this case needs the mail server")
    }

    /// The launcher's control API. Only for cases that are run where there is one.
    pub fn control(&self) -> Control {
        self.0
            .access
            .control
            .clone()
            .expect("this case needs the launcher")
    }

    /// Kills whatever answers for this part: its process, or every instance of its function.
    pub async fn kill(&self, part: &str) {
        let control = self.control();
        match self.architecture() {
            "serverless" => control.kill_instances(part).await,
            architecture => control.order(architecture, part, "crash").await,
        }
    }
}

/// A client that follows no redirect, keeps no cookie and knows no proxy.
pub(crate) fn client() -> reqwest::Client {
    // Another test of this process may have installed the provider already: then it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .pool_idle_timeout(Duration::from_secs(5))
        .build()
        .expect("a client")
}

/// A JSON string's text; anything else fails the test.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a string: {value}"))
        .to_owned()
}
