//! The list of products.

use askama::Template;
use axum::{extract::State, response::IntoResponse as _};
use bothways_domain::{
    paging::Paging,
    search::{SearchPage, SearchRequest},
};
use bothways_http::extract::Query;

use super::{
    super::{Answer, Card, Chrome},
    ROWS, Turns, gate,
};
use crate::{Pages, error::render, session::Visitor};

#[derive(Template)]
#[template(path = "admin_products.html")]
struct Products {
    chrome: Chrome,
    tab: &'static str,
    query: String,
    rows: Vec<(String, Card)>,
    unavailable: bool,
    turns: Turns,
    deleted: bool,
}

/// What search has for an administrator's list, and whether it could be asked.
pub(super) async fn find(
    pages: &Pages,
    query: &Query,
) -> Answer<(String, Paging, Option<SearchPage>)> {
    let page = query.parsed("page", "a page number")?;
    let paging = Paging::parse(page, Some(ROWS))?;
    let text: String = query.text("q").unwrap_or_default().to_owned();
    let request = SearchRequest {
        query: text.clone(),
        paging,
        ..SearchRequest::default()
    };
    let found = pages.search.search(&request).await;
    Ok((text, paging, found.ok()))
}

/// Lists products, newest changes within seconds.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin")? {
        return Ok(instead);
    }
    let (text, paging, found) = find(&pages, &query).await?;
    let unavailable = found.is_none();
    let total = found.as_ref().map_or(0, |found| found.total);
    let hits = found.map(|found| found.hits).unwrap_or_default();
    let page = Products {
        chrome: Chrome::new(&pages, Some(&visitor), ""),
        tab: "products",
        turns: Turns::new("/admin", &text, paging, total),
        query: text,
        rows: hits
            .iter()
            .map(|hit| (hit.id.to_string(), Card::from(hit)))
            .collect(),
        unavailable,
        deleted: query.text("deleted").is_some(),
    };
    Ok(render(&page).into_response())
}
