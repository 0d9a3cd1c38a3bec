//! Who is looking at a page: recognised by cookies, with the access token renewed when it ran out.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use bothways_domain::{
    Caller,
    id::{CartId, OrderId, Token},
    identity::Tokens,
};

use crate::{
    Pages,
    cookies::{self, ACCESS, CART, ITEMS, MONTH, NewCookies, ORDERS, REFRESH},
    error::Failure,
};

/// How many orders a guest's browser remembers the keys of.
const REMEMBERED_ORDERS: usize = 10;

/// Somebody looking at pages.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Who it is.
    pub(crate) caller: Caller,
    /// Their cart, if they have one.
    pub(crate) cart: Option<CartId>,
    /// How many things this browser last put into it.
    pub(crate) items: u32,
    /// Keys to orders bought as a guest.
    orders: Vec<(OrderId, Token)>,
}

impl Visitor {
    /// Whether somebody is signed in.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.caller.user_id().is_some()
    }

    /// As whom to ask for an order: with its key, if this browser bought it.
    pub(crate) fn caller_for(&self, order: &OrderId) -> Caller {
        let key = self
            .orders
            .iter()
            .find(|(id, _)| id == order)
            .map(|(_, key)| key.clone());
        key.map_or_else(|| self.caller.clone(), Caller::Bearer)
    }

    /// The cookie that remembers one more order.
    pub(crate) fn remember_order(&self, cookies: &mut NewCookies, order: &OrderId, key: &Token) {
        let newest = [(order.clone(), key.clone())];
        let all = newest
            .iter()
            .chain(self.orders.iter().filter(|(id, _)| id != order));
        let texts: Vec<_> = all
            .take(REMEMBERED_ORDERS)
            .map(|(id, key)| format!("{id}:{}", key.reveal()))
            .collect();
        cookies.set(ORDERS, &texts.join("."), MONTH);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Failure::internal)
    }
}

/// Recognises the visitor before the page is made, and renews what ran out.
pub(crate) async fn recognise(
    State(pages): State<Pages>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut renewed = NewCookies::default();
    let headers = request.headers();
    let behind_tls = cookies::behind_tls(headers);
    let caller = caller(
        &pages,
        cookies::get(headers, ACCESS),
        cookies::get(headers, REFRESH),
        &mut renewed,
    )
    .await;
    let visitor = Visitor {
        caller,
        cart: cookies::get(headers, CART).and_then(CartId::parse),
        items: cookies::get(headers, ITEMS)
            .and_then(|items| items.parse().ok())
            .unwrap_or_default(),
        orders: cookies::get(headers, ORDERS)
            .map(parse_orders)
            .unwrap_or_default(),
    };
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    let own = response
        .extensions_mut()
        .remove::<NewCookies>()
        .unwrap_or_default();
    renewed.write(response.headers_mut(), behind_tls);
    own.write(response.headers_mut(), behind_tls);
    response
}

async fn caller(
    pages: &Pages,
    access: Option<&str>,
    refresh: Option<&str>,
    renewed: &mut NewCookies,
) -> Caller {
    if let Some(access) = access {
        let caller = pages.tokens.identify(Token::presented(access)).await;
        if !matches!(caller, Caller::Bearer(_)) {
            return caller;
        }
    }
    let Some(refresh) = refresh else {
        return Caller::Anonymous;
    };
    match pages.identity.renew(&Token::presented(refresh)).await {
        Ok(tokens) => {
            keep(renewed, &tokens);
            pages.tokens.identify(tokens.access_token).await
        }
        Err(error) => {
            // Out of reach, it may work the next time; refused, it never will.
            if !error.is_outage() {
                forget(renewed);
            }
            Caller::Anonymous
        }
    }
}

/// The cookies of a session.
pub(crate) fn keep(cookies: &mut NewCookies, tokens: &Tokens) {
    cookies.set(ACCESS, tokens.access_token.reveal(), tokens.expires_in);
    cookies.set(REFRESH, tokens.refresh_token.reveal(), MONTH);
}

/// The end of a session.
pub(crate) fn forget(cookies: &mut NewCookies) {
    cookies.remove(ACCESS);
    cookies.remove(REFRESH);
}

fn parse_orders(text: &str) -> Vec<(OrderId, Token)> {
    let pairs = text.split('.').filter_map(|pair| pair.split_once(':'));
    pairs
        .filter_map(|(id, key)| Some((OrderId::parse(id)?, Token::presented(key))))
        .collect()
}
