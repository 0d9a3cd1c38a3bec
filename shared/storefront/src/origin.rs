//! Keeps forms of other sites from acting here: a browser says where a request comes from, and only this
//! shop's own pages may change anything.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::error::Failure;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Refuses what changes something unless it comes from this shop's pages (or from no browser at all).
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    tracing::warn!("a form of another site was refused");
    Failure::new(
        StatusCode::FORBIDDEN,
        "This form was not sent from this shop.",
    )
    .into_response()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(&FETCH_SITE), text(&ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = text(&FORWARDED_HOST)
                .or_else(|| text(&HOST))
                .unwrap_or_default();
            origin
                .split_once("://")
                .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
        // A browser says at least one of them with what changes anything.
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_from_here(&headers)
    }

    #[test]
    fn only_this_shops_own_forms_act() {
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(!allowed(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://a"),
            ("host", "a")
        ]));
        assert!(!allowed(&[("sec-fetch-site", "same-site")]));
        assert!(allowed(&[("origin", "http://a:1"), ("host", "a:1")]));
        assert!(!allowed(&[("origin", "http://b:1"), ("host", "a:1")]));
        assert!(!allowed(&[("origin", "null"), ("host", "a:1")]));
        assert!(allowed(&[
            ("origin", "https://shop"),
            ("host", "inner"),
            ("x-forwarded-host", "shop")
        ]));
        assert!(allowed(&[]));
    }
}
