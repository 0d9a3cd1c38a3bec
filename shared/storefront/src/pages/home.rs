//! The first page.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    paging::Paging,
    search::{SearchRequest, Sort},
};

use super::{Answer, Card, Chrome};
use crate::{Pages, error::render, session::Visitor};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    chrome: Chrome,
    departments: Vec<Department>,
    best: Vec<Card>,
    newest: Vec<Card>,
    unavailable: bool,
}

struct Department {
    name: String,
    path: String,
    count: u64,
}

/// Departments, the best rated and the newest.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    let paging = Paging::parse(Some(1), Some(8))?;
    let list = |sort| SearchRequest {
        sort,
        paging,
        in_stock: Some(true),
        ..SearchRequest::default()
    };
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    let found = pages.search.search(&list(Sort::Relevance)).await;
    let newest = pages.search.search(&list(Sort::Newest)).await;
    let (departments, best, newest, unavailable) = match (found, newest) {
        (Ok(found), Ok(newest)) => {
            let departments = found.facets.category.iter().map(|facet| Department {
                name: facet.value.clone(),
                path: super::search::path(&[("category", &facet.value)]),
                count: facet.count,
            });
            (
                departments.collect(),
                found.hits.iter().map(Card::from).collect(),
                newest.hits.iter().map(Card::from).collect(),
                false,
            )
        }
        _ => (Vec::new(), Vec::new(), Vec::new(), true),
    };
    let page: Response = render(&Home {
        chrome,
        departments,
        best,
        newest,
        unavailable,
    })
    .into_response();
    Ok(page)
}
