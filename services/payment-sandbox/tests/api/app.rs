//! Starts a sandbox in this process, with books of its own, and speaks to it.

use std::{path::PathBuf, sync::Once, time::Duration};

use payment_sandbox::{Application, Settings};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tempfile::TempDir;

/// Any key will do where none is configured.
pub(crate) const KEY: &str = "sk_test_sandbox";

/// A running sandbox; it ends with the test.
pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) client: Client,
    folder: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl App {
    /// A sandbox with default settings.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A sandbox with settings of one's own.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("books/payment.db");
        let mut settings = Settings::new(format!("sqlite://{}", database.display()));
        adjust(&mut settings);
        let application = Application::build(settings).await.expect("starts");
        let url = format!("http://{}", application.address());
        tokio::spawn(application.run(std::future::pending()));
        let client = client();
        Self {
            url,
            client,
            folder,
        }
    }

    /// Where the books are.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("books/payment.db")
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, params: &[(&str, &str)]) -> Reply {
        Reply::of(self.request(Method::POST, path).form(params)).await
    }

    pub(crate) async fn post_keyed(&self, path: &str, key: &str, params: &[(&str, &str)]) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", key);
        Reply::of(request.form(params)).await
    }

    /// An intent over 12.99, unconfirmed, to be captured by hand.
    pub(crate) async fn intent(&self, payment_method: &str) -> String {
        let params = [
            ("amount", "1299"),
            ("currency", "usd"),
            ("capture_method", "manual"),
            ("payment_method", payment_method),
        ];
        let reply = self.post("/v1/payment_intents", &params).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.str("id")
    }

    /// An intent whose money is taken.
    pub(crate) async fn captured(&self) -> String {
        let id = self.intent("pm_card_visa").await;
        for step in ["confirm", "capture"] {
            let reply = self.act(&id, step).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        id
    }

    /// Confirms, captures or cancels.
    pub(crate) async fn act(&self, id: &str, what: &str) -> Reply {
        self.post(&format!("/v1/payment_intents/{id}/{what}"), &[])
            .await
    }

    pub(crate) async fn status_of(&self, id: &str) -> String {
        self.get(&format!("/v1/payment_intents/{id}"))
            .await
            .str("status")
    }

    pub(crate) async fn charges_of(&self, id: &str) -> Vec<Value> {
        let reply = self.get(&format!("/v1/charges?payment_intent={id}")).await;
        reply.json()["data"].as_array().expect("a list").clone()
    }
}

impl Reply {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn str(&self, name: &str) -> String {
        let value = self.json();
        let text = value[name].as_str();
        text.unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_owned()
    }

    pub(crate) fn replayed(&self) -> bool {
        self.headers
            .get("idempotent-replayed")
            .is_some_and(|value| value == "true")
    }

    /// Checks that this is an error of Stripe's shape, of this status, type and code (`""` for none).
    pub(crate) fn is_error(&self, status: u16, kind: &str, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json", "{self:?}");
        let error = self.json()["error"].clone();
        assert_eq!(error["type"], kind, "{self:?}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{self:?}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{self:?}"
        );
        error
    }
}

/// A client that never waits for ever.
pub(crate) fn client() -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("the first provider");
    });
    let builder = Client::builder().timeout(Duration::from_mins(1));
    builder.build().expect("a client")
}
