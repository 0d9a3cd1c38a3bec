//! A client of a shop's public API, as an administrator uses it to load data.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use reqwest::{RequestBuilder, Response, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ndjson::Kind;

/// How often a request is tried before giving up.
const ATTEMPTS: u32 = 10;
/// First pause between two attempts; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A shop, and who asks it.
pub(crate) struct ShopClient {
    http: reqwest::Client,
    base: String,
    email: String,
    password: String,
    token: Option<String>,
}

/// What a shop answers to an import.
#[derive(Debug, Deserialize)]
pub(crate) struct ImportAnswer {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) rejected: Vec<RejectedLine>,
}

/// A line the shop did not take; its number within the request, from 1.
#[derive(Debug, Deserialize)]
pub(crate) struct RejectedLine {
    pub(crate) line: u64,
    pub(crate) detail: String,
}

/// A page of dead letters.
#[derive(Debug, Deserialize)]
pub(crate) struct DeadLetterPage {
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) total: u64,
    /// Parts of the shop whose dead letters are missing here.
    pub(crate) unavailable: Vec<String>,
}

/// An event that was given up on.
#[derive(Debug, Deserialize)]
pub(crate) struct DeadLetter {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) occurred_at: String,
    pub(crate) attempts: u32,
    pub(crate) reason: String,
}

/// Why an import request failed.
#[derive(Debug)]
pub(crate) enum ImportError {
    /// The body is more than this shop takes at once.
    TooLarge,
    /// Anything else, for people.
    Failed(String),
}

impl ShopClient {
    /// A client that signs in when it first has to.
    pub(crate) fn new(base: &str, email: &str, password: &str) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(2))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
            token: None,
        })
    }

    /// How many products search finds without a query.
    pub(crate) async fn products_in_search(&self) -> Result<u64, String> {
        let url = format!("{}/api/search?per_page=1", self.base);
        let response = self
            .http
            .get(url)
            .send()
            .await
            .map_err(|error| describe(&error))?;
        if !response.status().is_success() {
            return Err(refusal("/api/search", response).await);
        }
        let body: Value = response.json().await.map_err(|error| describe(&error))?;
        body["total"]
            .as_u64()
            .ok_or_else(|| "search named no total".to_owned())
    }

    /// Sends lines to an import.
    pub(crate) async fn import(
        &mut self,
        kind: Kind,
        body: String,
    ) -> Result<ImportAnswer, ImportError> {
        let url = format!("{}{}", self.base, kind.path());
        let answered = self.persistently(kind.path(), |http| {
            http.post(&url)
                .header(header::CONTENT_TYPE, "application/x-ndjson")
                .body(body.clone())
        });
        let response = answered.await.map_err(ImportError::Failed)?;
        match response.status() {
            StatusCode::OK => response
                .json()
                .await
                .map_err(|error| ImportError::Failed(describe(&error))),
            StatusCode::PAYLOAD_TOO_LARGE => Err(ImportError::TooLarge),
            _ => Err(ImportError::Failed(refusal(kind.path(), response).await)),
        }
    }

    /// Which of at most 100 products have pictures; products the shop doesn't have are not named.
    pub(crate) async fn pictured(
        &mut self,
        ids: &[&str],
    ) -> Result<BTreeMap<String, bool>, String> {
        let url = format!("{}/api/products", self.base);
        let ids = ids.join(",");
        let answered = self.persistently("/api/products", |http| {
            http.get(&url).query(&[("ids", ids.as_str())])
        });
        let response = answered.await?;
        if !response.status().is_success() {
            return Err(refusal("/api/products", response).await);
        }
        let body: Value = response.json().await.map_err(|error| describe(&error))?;
        let products = body["products"].as_array().into_iter().flatten();
        Ok(products
            .filter_map(|product| {
                Some((
                    product["id"].as_str()?.to_owned(),
                    !product["images"].is_null(),
                ))
            })
            .collect())
    }

    /// Uploads a product's photo. A product that is gone by now needs none.
    pub(crate) async fn put_photo(&mut self, id: &str, png: Bytes) -> Result<(), String> {
        let path = format!("/api/products/{id}/photo");
        let url = format!("{}{path}", self.base);
        let answered = self.persistently(&path, |http| {
            http.put(&url)
                .header(header::CONTENT_TYPE, "image/png")
                .body(png.clone())
        });
        let response = answered.await?;
        match response.status() {
            StatusCode::ACCEPTED => Ok(()),
            StatusCode::NOT_FOUND if self.pictured(&[id]).await?.is_empty() => Ok(()),
            _ => Err(refusal(&path, response).await),
        }
    }

    /// A page of up to 100 dead letters, oldest first.
    pub(crate) async fn dead_letters(&mut self, page: u32) -> Result<DeadLetterPage, String> {
        let path = "/api/dead-letters";
        let url = format!("{}{path}?per_page=100&page={page}", self.base);
        let response = self.persistently(path, |http| http.get(&url)).await?;
        if !response.status().is_success() {
            return Err(refusal(path, response).await);
        }
        response.json().await.map_err(|error| describe(&error))
    }

    /// Sends a dead letter on its way again; `false` when there is no such.
    pub(crate) async fn replay(&mut self, id: &str) -> Result<bool, String> {
        let path = format!("/api/dead-letters/{id}/replay");
        let url = format!("{}{path}", self.base);
        let response = self.persistently(&path, |http| http.post(&url)).await?;
        match response.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(refusal(&path, response).await),
        }
    }

    /// Makes a request as the administrator, again and again while the shop is busy, restarting or
    /// can't be reached; any other answer is the caller's.
    async fn persistently(
        &mut self,
        path: &str,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Response, String> {
        let mut pause = FIRST_PAUSE;
        let mut problem = String::new();
        for _ in 0..ATTEMPTS {
            let token = self.token().await?;
            let wait = match request(&self.http).bearer_auth(token).send().await {
                Ok(response) => {
                    let status = response.status();
                    if status == StatusCode::UNAUTHORIZED {
                        // An access token is short-lived, an import may not be.
                        self.token = None;
                    } else if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                        return Ok(response);
                    }
                    let asked = retry_after(&response);
                    problem = refusal(path, response).await;
                    asked.unwrap_or(pause)
                }
                Err(error) => {
                    problem = describe(&error);
                    pause
                }
            };
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(format!("gave up after {ATTEMPTS} attempts: {problem}"))
    }

    async fn token(&mut self) -> Result<String, String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let response = self
            .http
            .post(format!("{}/api/sessions", self.base))
            .json(&json!({ "email": self.email, "password": self.password }))
            .send()
            .await
            .map_err(|error| describe(&error))?;
        if !response.status().is_success() {
            return Err(format!(
                "signing in as {}: {}",
                self.email,
                refusal("", response).await
            ));
        }
        let session: Value = response.json().await.map_err(|error| describe(&error))?;
        let token = session["access_token"]
            .as_str()
            .ok_or("the session has no access token")?
            .to_owned();
        self.token = Some(token.clone());
        Ok(token)
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Status and detail of an answer that is not what was hoped for.
async fn refusal(path: &str, response: Response) -> String {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    let detail = ["detail", "title", "message"]
        .iter()
        .find_map(|key| problem[key].as_str());
    format!(
        "{path} answered {status}: {}",
        detail.unwrap_or(body.trim())
    )
}

/// An error with what caused it: reqwest's own text alone rarely says.
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
