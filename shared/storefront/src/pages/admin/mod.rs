//! The administrator's pages. That somebody is one is checked here before anything is shown, and again by each use
//! case that shows or changes what only administrators may.

pub(crate) mod dead_letters;
pub(crate) mod orders;
pub(crate) mod product;
pub(crate) mod products;
pub(crate) mod stock;

use axum::response::Response;
use bothways_domain::{Error, paging::Paging};

use super::{Answer, go_to};
use crate::{cookies::NewCookies, session::Visitor};

/// Rows on a page of an administrator's list.
const ROWS: u32 = 20;

/// Lets administrators pass; a guest is sent to sign in, and everybody else told whom the page is for.
fn gate(visitor: &Visitor, here: &str) -> Answer<Option<Response>> {
    match visitor.caller.require_admin() {
        Ok(_) => Ok(None),
        Err(Error::Unauthenticated) => {
            let sign_in = format!("/login?next={here}");
            Ok(Some(go_to(&sign_in, NewCookies::default())))
        }
        Err(other) => Err(other.into()),
    }
}

/// Where a list was left and goes on.
struct Turns {
    previous: Option<String>,
    next: Option<String>,
    total: u64,
}

impl Turns {
    /// Of a list at `path` with these parameters, of which this page is shown.
    fn new(path: &str, query: &str, paging: Paging, total: u64) -> Self {
        let (page, per_page) = (paging.page(), paging.per_page());
        let to = |page: u32| {
            let mut pairs = Vec::new();
            if !query.is_empty() {
                pairs.push(("q", query.to_owned()));
            }
            pairs.push(("page", page.to_string()));
            let pairs = serde_urlencoded::to_string(pairs).unwrap_or_default();
            format!("{path}?{pairs}")
        };
        let reachable = Paging::parse(Some(page + 1), Some(per_page)).is_ok();
        let is_more = u64::from(page) * u64::from(per_page) < total;
        Self {
            previous: (page > 1).then(|| to(page - 1)),
            next: (is_more && reachable).then(|| to(page + 1)),
            total,
        }
    }
}
