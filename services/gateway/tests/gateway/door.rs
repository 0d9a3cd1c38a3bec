//! Starts a gateway with services behind it, and speaks to it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::Router;
use bothways_runtime::Service;
use bothways_upstream::{Policy, Registry, UpstreamState};
use gateway::{Gateway, Limits, Patience, Upstreams};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};

use crate::upstream;

/// What is configured for each service.
const SERVICES: [(&str, &str); 8] = [
    ("SEARCH_URL", "search"),
    ("PRODUCT_URL", "product"),
    ("INVENTORY_URL", "inventory"),
    ("MEDIA_URL", "media"),
    ("CART_URL", "cart"),
    ("CHECKOUT_URL", "checkout"),
    ("IDENTITY_URL", "identity"),
    ("STOREFRONT_URL", "storefront"),
];

/// A gateway to be.
pub(crate) struct Plan {
    upstreams: BTreeMap<&'static str, String>,
    pub(crate) limits: Limits,
    pub(crate) patience: Patience,
    pub(crate) policy: Policy,
}

/// A running gateway; it ends with the test.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    registry: Registry,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Plan {
    /// Every service is one that says what it was asked; no limit on rates.
    pub(crate) async fn new() -> Self {
        let mut upstreams = BTreeMap::new();
        for (variable, name) in SERVICES {
            let address = serve(upstream::echo(name)).await;
            upstreams.insert(variable, format!("http://{address}"));
        }
        let limits = Limits {
            per_second: 0,
            burst: 0,
            trusted_proxies: Vec::new(),
        };
        Self {
            upstreams,
            limits,
            patience: Patience::default(),
            policy: Policy::default(),
        }
    }

    /// Another service in a service's place.
    pub(crate) fn with(self, variable: &'static str, address: SocketAddr) -> Self {
        self.with_all(variable, &[address])
    }

    /// Replicas in a service's place.
    pub(crate) fn with_all(self, variable: &'static str, addresses: &[SocketAddr]) -> Self {
        let urls: Vec<_> = addresses
            .iter()
            .map(|address| format!("http://{address}"))
            .collect();
        self.at(variable, urls.join(","))
    }

    /// A service wherever this says.
    pub(crate) fn at(mut self, variable: &'static str, address: String) -> Self {
        let replaced = self.upstreams.insert(variable, address);
        assert!(replaced.is_some(), "{variable}");
        self
    }

    pub(crate) async fn start(self) -> Door {
        let registry = Registry::new(self.policy);
        let find = |variable: &str| Ok(self.upstreams[variable].clone());
        let upstreams = Upstreams::find(&registry, find, |_| None).expect("addresses");
        let gateway = Gateway::new(upstreams, self.limits, self.patience);
        let service = Service::default().health(gateway.health());
        let service = service.front(move || gateway.door(&[]));
        let (listener, address) = listener().await;
        tokio::spawn(service.serve("gateway", listener));
        Door {
            address,
            client: client(),
            registry,
        }
    }
}

impl Door {
    /// How the gateway finds a service to be.
    pub(crate) fn state(&self, service: &str) -> UpstreamState {
        let states = self.registry.states().into_iter();
        let mut named = states.filter(|state| state.name == service);
        named.next().expect("a service")
    }

    pub(crate) async fn start() -> Self {
        Plan::new().await.start().await
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.ask(Method::GET, path)).await
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

    /// A JSON answer of status 200.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("text")
    }

    /// Checks that this is a problem of the contract, of this status and type, that gives nothing away.
    pub(crate) fn is_problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_str(&self.text).expect("JSON");
        assert_eq!(problem["type"], format!("/problems/{name}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(
            !detail.is_empty() && !detail.contains("127.0.0.1"),
            "{detail}"
        );
        problem
    }
}

/// Serves on any free port, for as long as the test runs.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let (listener, address) = listener().await;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// An address that nobody listens on, and nobody else gets, for as long as the socket is kept.
pub(crate) fn nobody() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a port");
    (socket.local_addr().expect("an address"), socket)
}

fn client() -> Client {
    // The gateway may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().timeout(Duration::from_secs(30));
    builder
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}
