//! Who answers which path.

use std::sync::Arc;

use bothways_upstream::{Registry, Upstream};

/// Who answers what is at or below a path; the first row that fits holds.
const TABLE: &[(&str, Target)] = &[
    ("/api/search", Target::Search),
    ("/api/products", Target::Product),
    ("/media", Target::Media),
    ("/api/inventory", Target::Inventory),
    ("/api/carts", Target::Cart),
    ("/api/checkout", Target::Checkout),
    ("/api/orders", Target::Checkout),
    ("/api/users", Target::Identity),
    ("/api/sessions", Target::Identity),
    ("/api/me", Target::Identity),
    ("/.well-known/jwks.json", Target::Identity),
    // Asked of every service that tells events.
    ("/api/dead-letters", Target::Storefront),
    // The description of all of it, and a readable page of that.
    ("/api/openapi.json", Target::Storefront),
    ("/api/docs", Target::Storefront),
    // The contract has nothing else under /api, and /internal is between services only.
    ("/api", Target::Nobody),
    ("/internal", Target::Nobody),
    // Pages, their files, and the page that says there is none.
    ("", Target::Storefront),
];

/// A service behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Search,
    Product,
    Inventory,
    Media,
    Cart,
    Checkout,
    Identity,
    Storefront,
    Nobody,
}

impl Target {
    /// Every service.
    pub(crate) const SERVICES: [Self; 8] = [
        Self::Search,
        Self::Product,
        Self::Inventory,
        Self::Media,
        Self::Cart,
        Self::Checkout,
        Self::Identity,
        Self::Storefront,
    ];

    /// Who answers `path`.
    pub(crate) fn of(path: &str) -> Self {
        let fits = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_photo(path) {
            return Self::Media;
        }
        let row = TABLE.iter().find(|(prefix, _)| fits(prefix));
        row.map_or(Self::Storefront, |(_, target)| *target)
    }

    /// Its name, also for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Product => "product",
            Self::Inventory => "inventory",
            Self::Media => "media",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Identity => "identity",
            Self::Storefront => "storefront",
            Self::Nobody => "nobody",
        }
    }
}

/// Whether it is the path of a product's photo, which is not the product service's to take.
fn is_photo(path: &str) -> bool {
    let id = path.strip_prefix("/api/products/");
    let id = id.and_then(|rest| rest.strip_suffix("/photo"));
    id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// The services, each with its replicas and their state.
#[derive(Debug, Clone)]
pub struct Upstreams {
    hybrid: bool,
    search: Arc<Upstream>,
    product: Arc<Upstream>,
    inventory: Arc<Upstream>,
    media: Arc<Upstream>,
    cart: Arc<Upstream>,
    checkout: Arc<Upstream>,
    identity: Arc<Upstream>,
    storefront: Arc<Upstream>,
}

/// The error of a source of addresses.
type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Upstreams {
    /// Takes each service's address from `address`, which is asked for the name of a setting such as `CHECKOUT_URL`,
    /// unless `elsewhere` has one for `GATEWAY_ROUTE_CHECKOUT`: an API of functions, say. The upstreams are those of
    /// `registry`.
    pub fn find(
        registry: &Registry,
        address: impl Fn(&str) -> Result<String, Failure>,
        elsewhere: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let find = |target: Target| -> Result<Arc<Upstream>, Failure> {
            let (route, service) = (route(target), service(target));
            let given = elsewhere(&route);
            let is_service = given.is_none();
            let (variable, text) = if let Some(text) = given {
                (route, text)
            } else {
                let text = address(&service)?;
                (service, text)
            };
            let upstream = registry.upstream(target.name(), &text);
            let upstream = upstream.map_err(|error| format!("{variable}: {error}"))?;
            let discovery = upstream.discovery();
            if !discovery.path().is_empty() {
                return Err(format!("{variable}: nothing may follow the host and port").into());
            }
            if discovery.scheme() != "http" && is_service {
                return Err(format!("{variable}: services are at http://host:port").into());
            }
            Ok(upstream)
        };
        Ok(Self {
            hybrid: Target::SERVICES
                .iter()
                .any(|target| elsewhere(&route(*target)).is_some()),
            search: find(Target::Search)?,
            product: find(Target::Product)?,
            inventory: find(Target::Inventory)?,
            media: find(Target::Media)?,
            cart: find(Target::Cart)?,
            checkout: find(Target::Checkout)?,
            identity: find(Target::Identity)?,
            storefront: find(Target::Storefront)?,
        })
    }

    /// Whether something is asked of others than the services.
    pub fn is_hybrid(&self) -> bool {
        self.hybrid
    }

    /// Whom a target is asked of.
    pub(crate) fn get(&self, target: Target) -> Option<&Arc<Upstream>> {
        match target {
            Target::Search => Some(&self.search),
            Target::Product => Some(&self.product),
            Target::Inventory => Some(&self.inventory),
            Target::Media => Some(&self.media),
            Target::Cart => Some(&self.cart),
            Target::Checkout => Some(&self.checkout),
            Target::Identity => Some(&self.identity),
            Target::Storefront => Some(&self.storefront),
            Target::Nobody => None,
        }
    }
}

/// The setting that says where a target's service is.
fn service(target: Target) -> String {
    format!("{}_URL", target.name().to_uppercase())
}

/// The setting that leads a target's routes elsewhere.
fn route(target: Target) -> String {
    format!("GATEWAY_ROUTE_{}", target.name().to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(elsewhere: &[(&str, &str)]) -> Result<Upstreams, Failure> {
        let registry = Registry::default();
        let service = |variable: &str| Ok(format!("http://{}:80", variable.to_lowercase()));
        Upstreams::find(&registry, service, |variable| {
            let given = elsewhere.iter().find(|(known, _)| *known == variable);
            given.map(|(_, url)| (*url).to_owned())
        })
    }

    #[test]
    fn a_route_can_lead_to_functions_elsewhere() {
        let api = "https://a.execute-api.eu-central-1.amazonaws.com";
        let upstreams = find(&[("GATEWAY_ROUTE_CHECKOUT", api)]).unwrap();
        assert!(upstreams.is_hybrid());
        let scheme = |target| upstreams.get(target).unwrap().discovery().scheme();
        assert_eq!(scheme(Target::Checkout), "https");
        assert_eq!(scheme(Target::Cart), "http");
        assert!(!find(&[]).unwrap().is_hybrid());
    }

    #[test]
    fn a_route_that_leads_below_a_path_is_refused_by_name() {
        let problem = find(&[("GATEWAY_ROUTE_SEARCH", "https://a/stage")]).unwrap_err();
        assert!(problem.to_string().contains("GATEWAY_ROUTE_SEARCH"));
    }

    #[test]
    fn each_path_has_one_service() {
        for (path, target) in [
            ("/", Target::Storefront),
            ("/search", Target::Storefront),
            ("/api/openapi.json", Target::Storefront),
            ("/api/search", Target::Search),
            ("/api/search/suggest", Target::Search),
            ("/api/search/", Target::Search),
            ("/api/searching", Target::Nobody),
            ("/api/product", Target::Nobody),
            ("/api/nothing", Target::Nobody),
            ("/api", Target::Nobody),
            ("/api/", Target::Nobody),
            ("/apiary", Target::Storefront),
            ("/api/docs", Target::Storefront),
            ("/api/dead-letters/1/replay", Target::Storefront),
            ("/media", Target::Media),
            ("/media/a/card", Target::Media),
            ("/mediator", Target::Storefront),
            ("/api/products/a/photo", Target::Media),
            ("/api/products/photo", Target::Product),
            ("/api/products//photo", Target::Product),
            ("/api/products/a/b/photo", Target::Product),
            ("/api/products/a/photos", Target::Product),
            ("/.well-known/other", Target::Storefront),
            ("/products/a", Target::Storefront),
            ("/internally", Target::Storefront),
            ("/api/products", Target::Product),
            ("/api/products/import", Target::Product),
            ("/api/inventory/a", Target::Inventory),
            ("/api/carts/1/items/a", Target::Cart),
            ("/api/checkout", Target::Checkout),
            ("/api/orders", Target::Checkout),
            ("/api/users", Target::Identity),
            ("/api/me", Target::Identity),
            ("/api/products/a", Target::Product),
            ("/api/orders/1/cancel", Target::Checkout),
            ("/api/sessions/refresh", Target::Identity),
            ("/.well-known/jwks.json", Target::Identity),
            ("/internal/inventory/reserve", Target::Nobody),
            ("/internal", Target::Nobody),
        ] {
            assert_eq!(Target::of(path), target, "{path}");
        }
    }
}
