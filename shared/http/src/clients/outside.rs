//! A client for what is not the shop's own (a payment provider, queues, who follows events), and what can be wrong with any.

use std::{sync::OnceLock, time::Duration};

use reqwest::{Client, Url};

use crate::problem::causes;

/// How long connecting may take: who is there accepts at once.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Its address is none.
    #[error("'{text}' is no base URL")]
    Url {
        /// As it was given.
        text: String,
    },
    /// The HTTP library could not be set up.
    #[error("the HTTP client can't be set up")]
    Http(#[source] reqwest::Error),
    /// The secret can't stand in a header.
    #[error("INTERNAL_TOKEN has characters that a header can't hold")]
    Token,
}

/// An HTTP client for what is not the shop's own: no proxy, no redirects.
pub(super) fn http_client(timeout: Duration) -> Result<Client, ClientError> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(ClientError::Http)
}

/// An HTTP client like that, made when it is first used: it reads the system's certificates, which takes
/// longer than all else in a start.
#[derive(Debug, Clone)]
pub struct LazyClient {
    timeout: Duration,
    made: OnceLock<Client>,
}

impl LazyClient {
    /// A client that gives up on a call after `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let made = OnceLock::new();
        Self { timeout, made }
    }

    /// The client.
    pub fn get(&self) -> Result<&Client, ClientError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = http_client(self.timeout)?;
        Ok(self.made.get_or_init(|| made))
    }
}

/// A base URL without its closing slash.
pub(super) fn base_url(text: &str) -> Result<String, ClientError> {
    match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(ClientError::Url {
            text: text.to_owned(),
        }),
    }
}

/// What went wrong, with its causes but without the URL, which may hold a secret.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "timeout"
    } else {
        "no answer"
    };
    std::error::Error::source(error).map_or_else(
        || what.to_owned(),
        |cause| format!("{what}: {}", causes(cause)),
    )
}
