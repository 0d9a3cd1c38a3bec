//! A client of a shop's public API, as an administrator uses it to load data.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Response, header};
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
        let mut pause = FIRST_PAUSE;
        let mut problem = String::new();
        for _ in 0..ATTEMPTS {
            let token = self.token().await.map_err(ImportError::Failed)?;
            let request = self
                .http
                .post(format!("{}{}", self.base, kind.path()))
                .header(header::CONTENT_TYPE, "application/x-ndjson")
                .bearer_auth(token)
                .body(body.clone());
            let wait = match request.send().await {
                Ok(response) => match response.status() {
                    StatusCode::OK => {
                        return response
                            .json()
                            .await
                            .map_err(|e| ImportError::Failed(describe(&e)));
                    }
                    StatusCode::PAYLOAD_TOO_LARGE => return Err(ImportError::TooLarge),
                    // An access token is short-lived, an import may not be.
                    StatusCode::UNAUTHORIZED => {
                        self.token = None;
                        problem = refusal(kind.path(), response).await;
                        pause
                    }
                    status
                        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() =>
                    {
                        let asked = retry_after(&response);
                        problem = refusal(kind.path(), response).await;
                        asked.unwrap_or(pause)
                    }
                    _ => return Err(ImportError::Failed(refusal(kind.path(), response).await)),
                },
                Err(error) => {
                    problem = describe(&error);
                    pause
                }
            };
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(ImportError::Failed(format!(
            "gave up after {ATTEMPTS} attempts: {problem}"
        )))
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
