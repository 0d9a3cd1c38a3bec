//! What happens to headers on their way through.

use std::net::IpAddr;

use bothways_http::header::CALLER_AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers about one connection, which end at it (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// Removes what ends at this connection, the headers that `Connection` names included.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named
        .iter()
        .chain(&HOP_BY_HOP)
        .chain([&header::TRANSFER_ENCODING])
    {
        headers.remove(name);
    }
}

/// Tells the service who asks, and of whom.
pub(crate) fn describe_client(headers: &mut HeaderMap, peer: IpAddr, peer_is_trusted: bool) {
    // Services speak among themselves by it; a stranger can't.
    headers.remove(CALLER_AUTHORIZATION);
    if !peer_is_trusted {
        // The standard's form of the same (RFC 7239), which nobody here would check.
        headers.remove(header::FORWARDED);
    }
    let before = headers
        .get(FORWARDED_FOR)
        .filter(|_| peer_is_trusted)
        .and_then(|value| value.to_str().ok());
    let chain = before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}"));
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    if !(peer_is_trusted && headers.contains_key(FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !(peer_is_trusted && headers.contains_key(FORWARDED_HOST)) {
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
        remove_hop_by_hop(&mut headers);
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
        describe_client(&mut headers, peer, false);
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.9");
    }
}
