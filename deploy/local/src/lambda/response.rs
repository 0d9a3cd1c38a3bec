//! Turns what a function returned into an HTTP response: payload format version 2.0, and
//! API Gateway's own answers for what never got that far.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

/// An answer of API Gateway itself, with the body an HTTP API gives.
pub(crate) fn own(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::BAD_REQUEST => "Bad Request",
        StatusCode::NOT_FOUND => "Not Found",
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::TOO_MANY_REQUESTS => "Too Many Requests",
        StatusCode::SERVICE_UNAVAILABLE => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let mut response = Response::new(Body::from(format!(r#"{{"message":"{message}"}}"#)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Maps a function's result. Without a `statusCode` the whole result is the body of a 200; what
/// isn't a response at all is API Gateway's 500.
pub(crate) fn from_function(payload: &Bytes) -> Response {
    let Ok(result) = serde_json::from_slice::<Value>(payload) else {
        return own(StatusCode::INTERNAL_SERVER_ERROR);
    };
    match result {
        Value::Object(map) if map.contains_key("statusCode") => {
            formatted(map).unwrap_or_else(|| own(StatusCode::INTERNAL_SERVER_ERROR))
        }
        Value::String(text) => inferred(text),
        other => inferred(other.to_string()),
    }
}

fn inferred(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// A result with a `statusCode`; `None` when one of its fields is not what it has to be.
fn formatted(mut result: Map<String, Value>) -> Option<Response> {
    let status = match result.get("statusCode")? {
        Value::String(text) => text.parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    let body = match result.remove("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if result.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            Bytes::from(STANDARD.decode(text).ok()?)
        }
        Some(Value::String(text)) => Bytes::from(text),
        Some(_) => return None,
    };
    let has_body = !body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    if let Some(Value::Object(sent)) = result.get("headers") {
        for (name, value) in sent {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            // API Gateway frames the body itself.
            if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
                headers.append(name, HeaderValue::try_from(header_text(value)?).ok()?);
            }
        }
    }
    if let Some(Value::Array(cookies)) = result.get("cookies") {
        for cookie in cookies {
            headers.append(
                header::SET_COOKIE,
                HeaderValue::try_from(cookie.as_str()?).ok()?,
            );
        }
    }
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
    }
    Some(response)
}

fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn mapped(payload: &'static str) -> (StatusCode, http::HeaderMap, Bytes) {
        let (parts, body) = from_function(&Bytes::from_static(payload.as_bytes())).into_parts();
        (
            parts.status,
            parts.headers,
            body.collect().await.unwrap().to_bytes(),
        )
    }

    #[tokio::test]
    async fn a_formatted_result_is_mapped_field_by_field() {
        let (status, headers, body) = mapped(
            r#"{"statusCode":201,"headers":{"Location":"/a","content-length":"99","x-n":1},
                "multiValueHeaders":{},"cookies":["a=1; Path=/","b=2"],"body":"aGk=","isBase64Encoded":true}"#,
        )
        .await;
        assert_eq!(status, 201);
        assert_eq!(headers["location"], "/a");
        assert_eq!(headers["x-n"], "1");
        assert!(!headers.contains_key("content-length"));
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(body.as_ref(), b"hi");
    }

    #[tokio::test]
    async fn a_result_without_status_code_is_the_body_of_a_200() {
        let (status, headers, body) = mapped(r#"{"message":"Hello"}"#).await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(body.as_ref(), br#"{"message":"Hello"}"#);
        assert_eq!(mapped(r#""Hello""#).await.2.as_ref(), b"Hello");
    }

    #[tokio::test]
    async fn what_is_not_a_response_is_a_500_of_the_gateway() {
        for payload in [
            "not json",
            r#"{"statusCode":"abc"}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"body":"%%","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
        ] {
            let (status, _, body) = mapped(payload).await;
            assert_eq!(status, 500, "{payload}");
            assert_eq!(body.as_ref(), br#"{"message":"Internal Server Error"}"#);
        }
    }
}
