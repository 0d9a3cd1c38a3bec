//! The first page.

use std::collections::HashSet;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Money,
    paging::Paging,
    pricing::FREE_SHIPPING_FROM,
    search::{Hit, SearchRequest, Sort},
};
use futures::join;

use super::{Answer, Card, Chrome};
use crate::{Pages, error::render, format, session::Visitor};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    chrome: Chrome,
    departments: Vec<Department>,
    best: Vec<Card>,
    newest: Vec<Card>,
    /// Pictures beside the greeting.
    shelf: Vec<String>,
    /// From what sum on shipping is free.
    free_from: String,
    unavailable: bool,
}

/// How many products a row shows.
const ROW: usize = 8;
/// How many pictures the shelf has.
const SHELF: usize = 6;
/// How many products are asked for: enough that most departments find a picture among them.
const ASKED: u32 = 48;

struct Department {
    name: String,
    path: String,
    count: u64,
    picture: String,
}

/// A picture for a department: that of its first product among `hits`, or a drawing.
fn picture_of(department: &str, hits: &[Hit]) -> String {
    let hit = hits.iter().find(|hit| {
        hit.image.is_some()
            && hit
                .category
                .levels()
                .first()
                .is_some_and(|top| top == department)
    });
    format::picture(
        hit.and_then(|hit| hit.image.as_deref()),
        department,
        department,
    )
}

/// One picture of each of the departments, for as many as there is room.
fn shelf(hits: &[Hit]) -> Vec<String> {
    let mut seen = HashSet::new();
    let fresh = hits
        .iter()
        .filter(|hit| hit.image.is_some() && seen.insert(hit.category.levels().first()));
    fresh
        .filter_map(|hit| hit.image.clone())
        .take(SHELF)
        .collect()
}

/// Departments, the best rated and the newest.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    let paging = Paging::parse(Some(1), Some(ASKED))?;
    let list = |sort| SearchRequest {
        sort,
        paging,
        in_stock: Some(true),
        ..SearchRequest::default()
    };
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    let (best, newest) = (list(Sort::Relevance), list(Sort::Newest));
    let (found, newest) = join!(pages.search.search(&best), pages.search.search(&newest));
    let (departments, best, newest, shelf, unavailable) = match (found, newest) {
        (Ok(found), Ok(newest)) => {
            let departments = found.facets.category.iter().map(|facet| Department {
                name: facet.value.clone(),
                path: super::search::path(&[("category", &facet.value)]),
                count: facet.count,
                picture: picture_of(&facet.value, &found.hits),
            });
            (
                departments.collect(),
                found.hits.iter().take(ROW).map(Card::from).collect(),
                newest.hits.iter().take(ROW).map(Card::from).collect(),
                shelf(&found.hits),
                false,
            )
        }
        _ => (Vec::new(), Vec::new(), Vec::new(), Vec::new(), true),
    };
    let page: Response = render(&Home {
        chrome,
        departments,
        best,
        newest,
        shelf,
        free_from: format::price(Money::new(FREE_SHIPPING_FROM, pages.settings.currency)),
        unavailable,
    })
    .into_response();
    Ok(page)
}
