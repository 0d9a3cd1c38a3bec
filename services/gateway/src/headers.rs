//! What happens to headers on their way through.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

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

/// Headers by which services speak among themselves; a stranger can't.
const INTERNAL: [HeaderName; 1] = [HeaderName::from_static("x-caller-authorization")];

/// Removes what ends at this connection, the headers that `Connection` names included.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP).chain([&header::TRANSFER_ENCODING]) {
        headers.remove(name);
    }
}

/// Tells the service who asks, and of whom.
pub(crate) fn describe_client(headers: &mut HeaderMap, peer: IpAddr, peer_is_trusted: bool) {
    for name in &INTERNAL {
        headers.remove(name);
    }
    let before = headers.get(FORWARDED_FOR).filter(|_| peer_is_trusted).and_then(|value| value.to_str().ok());
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
    let chain = headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut addresses = chain.split(',').rev().map_while(|text| text.trim().parse().ok());
    addresses.find(|address| !trusted.contains(address)).unwrap_or(peer)
}

/// Continues the client's trace with a span of this hop, or begins one (W3C Trace Context, version 00).
pub(crate) fn continue_trace(headers: &mut HeaderMap) {
    let span: u64 = rand::random::<u64>().max(1);
    let parent = headers.get(TRACE_PARENT).and_then(|value| value.to_str().ok()).and_then(parse_trace);
    let (trace, flags) = parent.unwrap_or_else(|| (format!("{:032x}", rand::random::<u128>().max(1)), "01".to_owned()));
    if let Ok(value) = HeaderValue::from_str(&format!("00-{trace}-{span:016x}-{flags}")) {
        headers.insert(TRACE_PARENT, value);
    }
}

/// Trace id and flags of a valid `traceparent`.
fn parse_trace(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return None };
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_some = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = *version == "00" && is_hex(trace, 32) && is_some(trace) && is_hex(span, 16) && is_some(span) && is_hex(flags, 2);
    valid.then(|| ((*trace).to_owned(), (*flags).to_owned()))
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
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-end"]);
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

    #[test]
    fn a_trace_goes_on_and_a_broken_one_is_replaced() {
        let mut headers = HeaderMap::new();
        let trace = "0af7651916cd43dd8448eb211c80319c";
        headers.insert(TRACE_PARENT, HeaderValue::from_str(&format!("00-{trace}-b7ad6b7169203331-01")).unwrap());
        continue_trace(&mut headers);
        let value = headers[TRACE_PARENT].to_str().unwrap().to_owned();
        assert!(value.starts_with(&format!("00-{trace}-")) && !value.contains("b7ad6b7169203331"), "{value}");
        headers.insert(TRACE_PARENT, HeaderValue::from_static("00-zz-1-01"));
        continue_trace(&mut headers);
        assert!(parse_trace(headers[TRACE_PARENT].to_str().unwrap()).is_some());
    }
}
