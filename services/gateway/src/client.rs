//! The connections to the services: hyper's pooled client with nothing on top, because every request of the shop
//! goes through it.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// How long a service is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins, from when the request was taken in. How long it then takes is not limited: it streams.
    pub answer: Duration,
}

impl Default for Patience {
    /// API Gateway, on the other side, gives up after 30 s; the last second is for saying so in the contract's form.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(29),
        }
    }
}

/// A pooled client.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Client<HttpsConnector<HttpConnector>, Body>);

impl Connections {
    pub(crate) fn new(patience: Patience) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(patience.connect));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        // The process has installed it by now, unless this is a test; a second time is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Services are asked in the clear; functions behind an API Gateway are only there over TLS.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self(client)
    }

    /// Sends a request; the answer's body is not read yet.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}
