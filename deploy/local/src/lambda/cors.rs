//! Cross-origin requests as API Gateway answers them when `CorsConfiguration` is set
//! ("Configure CORS for HTTP APIs"): preflights never reach a function, and CORS headers a function
//! sets are replaced.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::template::model::CorsSpec;

/// The answer to a preflight request; `None` when this is not one.
pub(crate) fn preflight(spec: &CorsSpec, method: &Method, headers: &HeaderMap) -> Option<Response> {
    let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if method != Method::OPTIONS || !asks {
        return None;
    }
    let origin = headers.get(header::ORIGIN)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(allowed) = allowed_origin(spec, origin) {
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        set_list(
            answer,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &spec.allow_methods,
        );
        set_list(
            answer,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &spec.allow_headers,
        );
        if let Some(seconds) = spec.max_age {
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
        set_credentials(answer, spec);
    }
    Some(response)
}

/// Sets the headers of an actual response.
pub(crate) fn decorate(spec: &CorsSpec, origin: Option<&HeaderValue>, response: &mut Response) {
    let headers = response.headers_mut();
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        headers.remove(name);
    }
    if let Some(allowed) = origin.and_then(|origin| allowed_origin(spec, origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        set_list(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            &spec.expose_headers,
        );
        set_credentials(headers, spec);
    }
}

fn allowed_origin(spec: &CorsSpec, origin: &HeaderValue) -> Option<HeaderValue> {
    let text = origin.to_str().ok()?;
    if spec.allow_origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    let schemes = ["http://*", "https://*"];
    let matches = spec.allow_origins.iter().any(|allowed| {
        allowed.eq_ignore_ascii_case(text)
            || (schemes.contains(&allowed.as_str())
                && text.starts_with(allowed.trim_end_matches('*')))
    });
    matches.then(|| origin.clone())
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Some(value) = (!values.is_empty())
        .then(|| HeaderValue::try_from(values.join(",")).ok())
        .flatten()
    {
        headers.insert(name, value);
    }
}

fn set_credentials(headers: &mut HeaderMap, spec: &CorsSpec) {
    if spec.allow_credentials {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> CorsSpec {
        CorsSpec {
            allow_origins: vec!["https://shop.example".to_owned()],
            allow_methods: vec!["GET".to_owned(), "PUT".to_owned()],
            expose_headers: vec!["etag".to_owned()],
            max_age: Some(600),
            ..CorsSpec::default()
        }
    }

    fn asking(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::ORIGIN, HeaderValue::from_static(origin)),
            (
                header::ACCESS_CONTROL_REQUEST_METHOD,
                HeaderValue::from_static("PUT"),
            ),
        ])
    }

    #[test]
    fn a_preflight_is_answered_for_an_allowed_origin_only() {
        let response =
            preflight(&spec(), &Method::OPTIONS, &asking("https://shop.example")).unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(
            response.headers()["access-control-allow-methods"],
            "GET,PUT"
        );
        assert_eq!(response.headers()["access-control-max-age"], "600");
        let other = preflight(&spec(), &Method::OPTIONS, &asking("https://evil.example")).unwrap();
        assert!(other.headers().is_empty());
        assert!(preflight(&spec(), &Method::GET, &asking("https://shop.example")).is_none());
    }

    #[test]
    fn cors_headers_of_a_function_are_replaced() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        decorate(&spec(), None, &mut response);
        assert!(response.headers().is_empty());
        let origin = HeaderValue::from_static("https://shop.example");
        decorate(&spec(), Some(&origin), &mut response);
        assert_eq!(response.headers()["access-control-expose-headers"], "etag");
    }
}
