//! Where the replicas of a service are.

use std::{io, net::SocketAddr, time::Duration};

/// How old what a name server said may get.
pub(crate) const REFRESH: Duration = Duration::from_secs(2);

/// Why a setting names no endpoints.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{0}' is no address: http://host:port, several separated by commas, or dns+http://host:port"
)]
pub struct AddressError(String);

/// How the endpoints of a service are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    scheme: String,
    path: String,
    places: Places,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// These hosts and ports.
    Fixed(Vec<String>),
    /// Every address the name has.
    Name { host: String, port: u16 },
}

impl Discovery {
    /// Understands `http://host:port`, several of them separated by commas, or `dns+http://host:port`, which is every
    /// address of the name. A path all of them share may follow.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(url) = text.trim().strip_prefix("dns+") {
            let (scheme, authority, path) = split(url).ok_or_else(wrong)?;
            let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
            let places = Places::Name {
                host: host.to_owned(),
                port: port.parse().map_err(|_| wrong())?,
            };
            return Ok(Self::new(scheme, path, places));
        }
        let urls: Option<Vec<_>> = text.split(',').map(|url| split(url.trim())).collect();
        let urls = urls.ok_or_else(wrong)?;
        let (scheme, _, path) = *urls.first().ok_or_else(wrong)?;
        if urls.iter().any(|url| (url.0, url.2) != (scheme, path)) {
            return Err(wrong());
        }
        let fixed = urls.iter().map(|url| url.1.to_owned()).collect();
        Ok(Self::new(scheme, path, Places::Fixed(fixed)))
    }

    fn new(scheme: &str, path: &str, places: Places) -> Self {
        Self {
            scheme: scheme.to_owned(),
            path: path.to_owned(),
            places,
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The path below which the service answers, without its closing slash; mostly empty.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The endpoints that never change.
    pub(crate) fn fixed(&self) -> Option<&[String]> {
        match &self.places {
            Places::Fixed(fixed) => Some(fixed),
            Places::Name { .. } => None,
        }
    }

    /// Asks for the endpoints as they are now, in order.
    pub(crate) async fn resolve(&self) -> io::Result<Vec<String>> {
        match &self.places {
            Places::Fixed(fixed) => Ok(fixed.clone()),
            Places::Name { host, port } => {
                let found = tokio::net::lookup_host((host.as_str(), *port)).await?;
                let mut found: Vec<SocketAddr> = found.collect();
                found.sort_unstable();
                found.dedup();
                Ok(found.iter().map(ToString::to_string).collect())
            }
        }
    }
}

/// The scheme, host and port, and path of a URL.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let odd = |c: char| c.is_whitespace() || "?#@\\".contains(c);
    let host = authority.rsplit_once(':').map_or(authority, |pair| pair.0);
    let valid = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !authority.contains(odd)
        && !path.contains(odd);
    valid.then_some((scheme, authority, path.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> Vec<String> {
        let found = Discovery::parse(text).expect("an address");
        found.fixed().expect("fixed").to_vec()
    }

    #[test]
    fn an_address_is_one_endpoint_and_a_list_several() {
        assert_eq!(fixed("http://product:8080"), ["product:8080"]);
        assert_eq!(fixed("http://[::1]:80/"), ["[::1]:80"]);
        assert_eq!(fixed("http://a:1, http://b:2"), ["a:1", "b:2"]);
        let below = Discovery::parse("https://a:1/x/y/,https://b:1/x/y").expect("addresses");
        assert_eq!((below.scheme(), below.path()), ("https", "/x/y"));
    }

    #[test]
    fn what_is_no_address_is_refused_and_named() {
        for wrong in [
            "",
            "product",
            "product:8080",
            "ftp://a:1",
            "http://",
            "http://:80",
            "http://a:1,",
            "http://a:1,https://b:1",
            "http://a:1/x,http://b:1/y",
            "dns+http://a",
            "dns+http://a:b",
            "http://user@a:1",
            "http://a b:1",
        ] {
            let refused = Discovery::parse(wrong).expect_err(wrong);
            assert!(refused.to_string().contains(wrong));
        }
    }

    #[tokio::test]
    async fn a_name_is_every_address_it_has() {
        let found = Discovery::parse("dns+http://localhost:8080").expect("an address");
        assert!(found.fixed().is_none());
        let addresses = found.resolve().await.expect("localhost has addresses");
        assert!(
            addresses.contains(&"127.0.0.1:8080".to_owned()),
            "{addresses:?}"
        );
    }
}
