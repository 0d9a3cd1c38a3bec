//! What happens to headers on their way through.

use std::net::IpAddr;

use bothways_http::header::{CALLER_AUTHORIZATION, STOPPING, UNTOUCHED};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What services say among themselves; a stranger can't, and is not told.
const INTERNAL: [HeaderName; 3] = [CALLER_AUTHORIZATION, STOPPING, UNTOUCHED];

/// Whether a header goes no further: it is about one connection (RFC 9110, section 7.6.1), asks the next hop for a 100
/// (nobody has to wait for one: the body is asked for at once), or is the services' own.
fn ends_here(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "expect"
    ) || INTERNAL.contains(name)
}

/// Who asks over a connection.
#[derive(Debug)]
pub struct Client {
    pub(crate) address: IpAddr,
    /// The address, as it is passed on.
    text: HeaderValue,
    /// Whether what it says of others is believed.
    trusted: bool,
}

impl Client {
    pub(crate) fn of(peer: IpAddr, trusted: &[IpAddr]) -> Self {
        let address = peer.to_canonical();
        let text = HeaderValue::from_str(&address.to_string());
        Self {
            address,
            text: text.unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            trusted: trusted.contains(&address),
        }
    }

    /// The chain of those who passed a request on, with this one at its end.
    fn chain(&self, headers: &HeaderMap) -> HeaderValue {
        let before = headers.get(FORWARDED_FOR).filter(|_| self.trusted);
        let Some(before) = before.and_then(|value| value.to_str().ok()) else {
            return self.text.clone();
        };
        let chain = HeaderValue::from_str(&format!("{before}, {}", self.address));
        chain.unwrap_or_else(|_| self.text.clone())
    }
}

/// Removes what ends here, the headers that `Connection` names included.
pub(crate) fn remove_what_ends_here(headers: &mut HeaderMap) {
    let ending = headers.keys().filter(|name| ends_here(name));
    let mut ending: Vec<HeaderName> = ending.cloned().collect();
    if ending.is_empty() {
        return;
    }
    let named = headers.get_all(header::CONNECTION).iter();
    let named = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        // What it mostly says is no header that there would be.
        .filter(|name| !["keep-alive", "close"].contains(name))
        .filter_map(|name| name.parse().ok());
    ending.extend(named);
    for name in ending {
        headers.remove(name);
    }
}

/// Tells the service who asks, and of whom.
pub(crate) fn describe_client(headers: &mut HeaderMap, client: &Client) {
    if !client.trusted {
        // The standard's form of the same (RFC 7239), which nobody here would check.
        headers.remove(header::FORWARDED);
    }
    headers.insert(FORWARDED_FOR, client.chain(headers));
    if !(client.trusted && headers.contains_key(FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !(client.trusted && headers.contains_key(FORWARDED_HOST)) {
        match headers.get(header::HOST).cloned() {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
}

/// The client the rate limit counts: the nearest address that is not a trusted proxy's.
pub(crate) fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let chain = headers
        .get(FORWARDED_FOR)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let parse = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical())
    };
    let mut addresses = chain.split(',').rev().map_while(parse);
    addresses
        .find(|address| !trusted.contains(address))
        .unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_ends_here() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close, X-Hop"));
        headers.insert("x-hop", HeaderValue::from_static("1"));
        headers.insert("x-end", HeaderValue::from_static("1"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        for name in INTERNAL {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        remove_what_ends_here(&mut headers);
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-end"]
        );
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let (peer, proxy): (IpAddr, IpAddr) = ([10, 0, 0, 9].into(), [127, 0, 0, 1].into());
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("1.1.1.1, 10.0.0.9"));
        assert_eq!(client_address(&headers, peer, &[proxy]), peer);
        assert_eq!(client_address(&headers, proxy, &[proxy]), peer);
        describe_client(&mut headers, &Client::of(peer, &[proxy]));
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.9");
        describe_client(&mut headers, &Client::of(proxy, &[proxy]));
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.9, 127.0.0.1");
    }
}
