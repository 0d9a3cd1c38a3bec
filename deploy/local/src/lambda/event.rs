//! Builds the event a function gets for an HTTP request: payload format version 2.0, as
//! "Create AWS Lambda proxy integrations for HTTP APIs" documents it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::routes::{Matched, decoded};
use super::template::ACCOUNT;

/// What the gateway knows about a request beside the request itself.
pub(crate) struct Arrival<'a> {
    /// API id.
    pub(crate) api_id: &'a str,
    /// Request id, unique per request.
    pub(crate) request_id: &'a str,
    /// X-Ray trace header.
    pub(crate) trace_id: &'a str,
    /// Address of the client.
    pub(crate) source_ip: IpAddr,
    /// Port the gateway listens on.
    pub(crate) port: u16,
    /// When the request arrived.
    pub(crate) at: OffsetDateTime,
}

/// The event for a request.
pub(crate) fn build(
    parts: &Parts,
    body: &Bytes,
    matched: &Matched<'_>,
    arrival: &Arrival<'_>,
) -> Value {
    let headers = headers(&parts.headers, arrival);
    let query = parts.uri.query().unwrap_or_default();
    // API Gateway decodes the path of an HTTP API, and lambda_http encodes it again.
    let path = decoded(parts.uri.path());
    let mut event = Map::new();
    event.insert("version".to_owned(), json!("2.0"));
    event.insert("routeKey".to_owned(), json!(matched.route.key));
    event.insert("rawPath".to_owned(), json!(path));
    event.insert("rawQueryString".to_owned(), json!(query));
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), json!(cookies));
    }
    event.insert(
        "requestContext".to_owned(),
        context(parts, &path, matched, arrival, &headers),
    );
    event.insert("headers".to_owned(), json!(headers));
    if !query.is_empty() {
        event.insert(
            "queryStringParameters".to_owned(),
            json!(query_parameters(query)),
        );
    }
    if !matched.parameters.is_empty() {
        event.insert("pathParameters".to_owned(), json!(matched.parameters));
    }
    let (text, encoded) = body_text(&parts.headers, body);
    if let Some(text) = text {
        event.insert("body".to_owned(), Value::String(text));
    }
    event.insert("isBase64Encoded".to_owned(), json!(encoded));
    Value::Object(event)
}

fn context(
    parts: &Parts,
    path: &str,
    matched: &Matched<'_>,
    arrival: &Arrival<'_>,
    headers: &BTreeMap<String, String>,
) -> Value {
    let host = headers.get("host").map_or("localhost", String::as_str);
    json!({
        "accountId": ACCOUNT,
        "apiId": arrival.api_id,
        "domainName": host,
        "domainPrefix": host.split('.').next().unwrap_or_default(),
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", parts.version),
            "sourceIp": arrival.source_ip.to_string(),
            "userAgent": headers.get("user-agent").map_or("", String::as_str),
        },
        "requestId": arrival.request_id,
        "routeKey": matched.route.key,
        "stage": "$default",
        "time": common_log_time(arrival.at),
        "timeEpoch": i64::try_from(arrival.at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
    })
}

/// `12/Mar/2020:19:03:58 +0000`, the common log format.
fn common_log_time(at: OffsetDateTime) -> String {
    let format =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    at.format(format).unwrap_or_default()
}

/// Header names in lower case, values of one name joined by commas, without the cookies, which
/// have a field of their own; with what API Gateway adds.
fn headers(sent: &HeaderMap, arrival: &Arrival<'_>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for name in sent.keys().filter(|name| *name != header::COOKIE) {
        let values: Vec<_> = sent
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        headers.insert(name.as_str().to_owned(), values.join(","));
    }
    let client = arrival.source_ip.to_string();
    headers
        .entry("x-forwarded-for".to_owned())
        .and_modify(|chain| *chain = format!("{chain}, {client}"))
        .or_insert(client);
    headers.insert("x-forwarded-port".to_owned(), arrival.port.to_string());
    // The local gateway has no TLS, and saying otherwise would make cookies `Secure`.
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers
        .entry("x-amzn-trace-id".to_owned())
        .or_insert_with(|| arrival.trace_id.to_owned());
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .split(';')
                .map(|cookie| cookie.trim().to_owned())
                .filter(|cookie| !cookie.is_empty())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Decoded parameters, values of one name joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        parameters
            .entry(name)
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

/// The body as the event carries it, and whether that is base64.
fn body_text(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    if is_text(headers)
        && let Ok(text) = std::str::from_utf8(body)
    {
        return (Some(text.to_owned()), false);
    }
    (Some(STANDARD.encode(body)), true)
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let media_type = media_type.to_ascii_lowercase();
    !headers.contains_key(header::CONTENT_ENCODING)
        && (media_type.starts_with("text/")
            || [
                "application/json",
                "application/xml",
                "application/javascript",
            ]
            .contains(&media_type.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::routes::Routes;
    use crate::lambda::template::model::RouteSpec;

    fn event(request: http::Request<&'static [u8]>) -> Value {
        let routes = Routes::new(&[RouteSpec {
            method: None,
            path: "/api/carts/{proxy+}".to_owned(),
            function: "cart".to_owned(),
            timeout: std::time::Duration::from_secs(30),
        }])
        .unwrap();
        let (parts, body) = request.into_parts();
        let matched = routes
            .find(parts.method.as_str(), parts.uri.path())
            .unwrap();
        let arrival = Arrival {
            api_id: "Api",
            request_id: "id-1",
            trace_id: "Root=1",
            source_ip: IpAddr::from([192, 0, 2, 1]),
            port: 9080,
            at: OffsetDateTime::from_unix_timestamp(1_583_348_638).unwrap(),
        };
        build(&parts, &Bytes::from_static(body), &matched, &arrival)
    }

    fn request(content_type: &str, body: &'static [u8]) -> http::Request<&'static [u8]> {
        http::Request::put("/api/carts/x%20y/items?a=1&b=%C3%BC&a=2")
            .header("Host", "shop.example:9080")
            .header("User-Agent", "agent")
            .header("Content-Type", content_type)
            .header("X-Multi", "one")
            .header("X-Multi", "two")
            .header("Cookie", "a=1; b=2")
            .header("X-Forwarded-For", "198.51.100.7")
            .body(body)
            .unwrap()
    }

    #[test]
    fn a_request_becomes_the_documented_event() {
        let event = event(request(
            "application/json; charset=utf-8",
            b"{\"quantity\":1}",
        ));
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "ANY /api/carts/{proxy+}");
        assert_eq!(event["rawPath"], "/api/carts/x y/items");
        assert_eq!(event["rawQueryString"], "a=1&b=%C3%BC&a=2");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(
            event["queryStringParameters"],
            json!({"a": "1,2", "b": "ü"})
        );
        assert_eq!(event["pathParameters"], json!({"proxy": "x y/items"}));
        assert_eq!(event["headers"]["x-multi"], "one,two");
        assert_eq!(
            event["headers"]["x-forwarded-for"],
            "198.51.100.7, 192.0.2.1"
        );
        assert_eq!(event["headers"]["x-forwarded-proto"], "http");
        assert!(event["headers"].get("cookie").is_none());
        assert_eq!(event["body"], "{\"quantity\":1}");
        assert_eq!(event["isBase64Encoded"], false);
        let context = &event["requestContext"];
        assert_eq!(context["stage"], "$default");
        assert_eq!(context["time"], "04/Mar/2020:19:03:58 +0000");
        assert_eq!(context["timeEpoch"], 1_583_348_638_000_i64);
        assert_eq!(context["http"]["method"], "PUT");
        assert_eq!(context["http"]["protocol"], "HTTP/1.1");
        assert_eq!(context["http"]["sourceIp"], "192.0.2.1");
        assert_eq!(context["http"]["userAgent"], "agent");
        assert_eq!(context["requestId"], "id-1");
    }

    #[test]
    fn bodies_that_are_not_text_travel_as_base64() {
        let jpeg = event(request("image/jpeg", b"\xff\xd8\xff"));
        assert_eq!(jpeg["body"], STANDARD.encode(b"\xff\xd8\xff"));
        assert_eq!(jpeg["isBase64Encoded"], true);
        assert_eq!(
            event(request("application/x-www-form-urlencoded", b"a=1"))["isBase64Encoded"],
            true
        );
        assert_eq!(event(request("text/csv", b"a,1"))["isBase64Encoded"], false);
        let empty = event(request("application/json", b""));
        assert!(empty.get("body").is_none());
        assert_eq!(empty["isBase64Encoded"], false);
    }
}
