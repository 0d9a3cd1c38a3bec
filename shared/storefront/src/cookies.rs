//! Cookies: read from requests, written to responses.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

/// The guest's or user's cart.
pub(crate) const CART: &str = "cart";
/// How many things were in the cart when this browser last changed it, for the badge in the head of each page.
pub(crate) const ITEMS: &str = "items";
/// The access token of a signed-in user.
pub(crate) const ACCESS: &str = "access";
/// What gets the next access token.
pub(crate) const REFRESH: &str = "refresh";
/// A guest's keys to orders, newest first, as `id:key` joined by dots.
pub(crate) const ORDERS: &str = "orders";

/// A month, in seconds.
pub(crate) const MONTH: u32 = 30 * 24 * 60 * 60;

/// The value of a request's cookie.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(known, value)| *known == name && !value.is_empty())
        .map(|(_, value)| value)
        .next()
}

/// Cookies to be set by a response.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewCookies(Vec<String>);

impl NewCookies {
    /// Sets a cookie for so many seconds. No script can read it, and other sites' forms don't send it.
    pub(crate) fn set(&mut self, name: &str, value: &str, seconds: u32) {
        self.0.push(format!(
            "{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}"
        ));
    }

    /// Removes a cookie.
    pub(crate) fn remove(&mut self, name: &str) {
        self.set(name, "", 0);
    }

    /// Adds them to a response; behind TLS they are for TLS only.
    pub(crate) fn write(self, headers: &mut HeaderMap, behind_tls: bool) {
        for cookie in self.0 {
            let cookie = if behind_tls {
                cookie + "; Secure"
            } else {
                cookie
            };
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                headers.append(SET_COOKIE, value);
            }
        }
    }
}

/// Whether the browser came over TLS, as the proxy in front says.
pub(crate) fn behind_tls(headers: &HeaderMap) -> bool {
    headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}
