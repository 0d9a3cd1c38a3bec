//! The HTTP client that `object_store` calls S3 with. Its own is made, and reads the system's certificates, when a store
//! is opened, which a function's start would wait for; this one is made with the first call. HTTP/1.1 only, as S3 is.

use std::{error::Error as _, io, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use reqwest::{Body, Client, Request, Url};

/// What `object_store`'s own client waits at most, too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes clients that connect when they are first asked for anything.
#[derive(Debug)]
pub(crate) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        Ok(HttpClient::new(Lazy {
            plain: plain.as_deref() == Some("true"),
            client: OnceLock::new(),
        }))
    }
}

#[derive(Debug)]
struct Lazy {
    /// Whether HTTP without TLS will do.
    plain: bool,
    client: OnceLock<Client>,
}

impl Lazy {
    fn client(&self) -> reqwest::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .https_only(!self.plain)
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl HttpService for Lazy {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let client = self.client().map_err(error)?;
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string());
        let url = url.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(match body.as_bytes() {
            Some(whole) => whole.clone().into(),
            None => Body::wrap(body),
        });
        let response = client.execute(request).await.map_err(error)?;
        let (parts, body) = ::http::Response::<Body>::from(response).into_parts();
        let body = HttpResponseBody::new(body.map_err(error));
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// What went wrong, as the store's retries tell errors apart: those of the way there are worth another try.
fn error(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else if let Some(kind) = broken_off(&error) {
        kind
    } else if error.is_request() || error.is_body() {
        HttpErrorKind::Request
    } else {
        HttpErrorKind::Unknown
    };
    // Retries tell the URL themselves, where it is no secret.
    HttpError::new(kind, error.without_url())
}

/// Whether the system says that the connection ended in between.
fn broken_off(error: &reqwest::Error) -> Option<HttpErrorKind> {
    let mut source = error.source();
    while let Some(cause) = source {
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => return Some(HttpErrorKind::Timeout),
            Some(
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => return Some(HttpErrorKind::Interrupted),
            _ => source = cause.source(),
        }
    }
    None
}
