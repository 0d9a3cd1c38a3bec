//! Finding products.

use askama::Template;
use axum::{extract::State, response::IntoResponse as _};
use bothways_domain::{
    Currency, Money,
    paging::MAX_DEPTH,
    product::Category,
    search::{SearchPage, SearchRequest, Sort},
};
use bothways_http::{
    extract::Query,
    search::{query_pairs, search_request},
};

use super::{Answer, Card, Chrome, go_to, price_range};
use crate::{Pages, cookies::NewCookies, error::render, format, session::Visitor};

/// The search page with these parameters.
pub(crate) fn path(pairs: &[(&str, &str)]) -> String {
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    if query.is_empty() {
        "/search".to_owned()
    } else {
        format!("/search?{query}")
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    chrome: Chrome,
    /// What is listed, when nothing was asked for.
    heading: String,
    corrected: Option<String>,
    total: u64,
    cards: Vec<Card>,
    trail: Vec<Link>,
    categories: Vec<Link>,
    brands: Vec<Link>,
    prices: Vec<Link>,
    stock: Link,
    sorts: Vec<Link>,
    /// The filters in use; each link takes one away.
    chips: Vec<Link>,
    /// What the form of the price range has to keep.
    kept: Vec<(&'static str, String)>,
    from: String,
    to: String,
    previous: Option<String>,
    next: Option<String>,
    page: u32,
    pages: u64,
}

/// A way to narrow, widen or reorder the result.
struct Link {
    label: String,
    count: Option<u64>,
    path: String,
    chosen: bool,
}

/// A page of results.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    let request = search_request(&query)?;
    if let Some(narrowed) = typed_range(&query, &request) {
        return Ok(go_to(&link(&narrowed, 1), NewCookies::default()));
    }
    let found = pages.search.search(&request).await?;
    let per_page = u64::from(request.paging.per_page());
    let deepest = found.total.min(u64::from(MAX_DEPTH));
    let page = request.paging.page();
    let turn = |to: u32| with_page(&request, to);
    let search = Search {
        chrome: Chrome::new(&pages, Some(&visitor), &request.query),
        heading: heading(&request),
        corrected: found.corrected_query.clone(),
        total: found.total,
        cards: found.hits.iter().map(Card::from).collect(),
        trail: trail(&request),
        categories: categories(&request, &found),
        brands: brands(&request, &found),
        prices: prices(&request, &found, pages.settings.currency),
        stock: stock(&request),
        sorts: sorts(&request),
        chips: chips(&request, pages.settings.currency),
        kept: kept(&request),
        from: price_range::show(request.min_price),
        to: price_range::show(request.max_price),
        previous: (page > 1).then(|| turn(page - 1)),
        next: (u64::from(page) * per_page < deepest
            && (u64::from(page) + 1) * per_page <= u64::from(MAX_DEPTH))
        .then(|| turn(page + 1)),
        page,
        pages: deepest.div_ceil(per_page).max(1),
    };
    Ok(render(&search).into_response())
}

/// What is listed: a category, or everything.
fn heading(request: &SearchRequest) -> String {
    let category = request.categories.first();
    let level = category.and_then(|category| category.levels().last());
    level.map_or_else(|| "Everything".to_owned(), Clone::clone)
}

/// The request with the price range that was typed, if one was.
fn typed_range(query: &Query, request: &SearchRequest) -> Option<SearchRequest> {
    let typed = |name| query.text(name).and_then(price_range::parse);
    if query.text("from").is_none() && query.text("to").is_none() {
        return None;
    }
    let (mut from, mut to) = (typed("from"), typed("to"));
    if let (Some(least), Some(most)) = (from, to)
        && least > most
    {
        (from, to) = (to, from);
    }
    Some(SearchRequest {
        min_price: from,
        max_price: to,
        ..request.clone()
    })
}

/// All of the request but its price range and page.
fn kept(request: &SearchRequest) -> Vec<(&'static str, String)> {
    let mut pairs = query_pairs(request);
    pairs.retain(|(name, _)| !matches!(*name, "min_price" | "max_price" | "page" | "per_page"));
    pairs
}

/// The filters in use, but for the category, which has its trail.
fn chips(request: &SearchRequest, currency: Currency) -> Vec<Link> {
    let chip = |label: String, path| Link {
        label,
        count: None,
        path,
        chosen: true,
    };
    let money = |amount| format::price(Money::new(amount, currency));
    let mut chips: Vec<Link> = request
        .brands
        .iter()
        .map(|brand| {
            let without = changed(request, |r| r.brands.retain(|other| other != brand));
            chip(brand.clone(), without)
        })
        .collect();
    let range = match (request.min_price, request.max_price) {
        (None, None) => None,
        (Some(from), None) => Some(format!("{} and up", money(from))),
        (None, Some(to)) => Some(format!("up to {}", money(to))),
        (Some(from), Some(to)) => Some(format!("{} to {}", money(from), money(to))),
    };
    if let Some(range) = range {
        let without = changed(request, |r| (r.min_price, r.max_price) = (None, None));
        chips.push(chip(range, without));
    }
    if request.in_stock == Some(true) {
        let without = changed(request, |r| r.in_stock = None);
        chips.push(chip("In stock".to_owned(), without));
    }
    chips
}

/// The link to a request, without what is as usual.
fn link(request: &SearchRequest, page: u32) -> String {
    let mut pairs = query_pairs(request);
    pairs.retain(|(name, value)| match *name {
        "sort" => *value != Sort::default().as_str(),
        "page" => false,
        "per_page" => request.paging.per_page() != bothways_domain::paging::DEFAULT_PER_PAGE,
        _ => true,
    });
    if page > 1 {
        pairs.push(("page", page.to_string()));
    }
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    path(&pairs)
}

fn with_page(request: &SearchRequest, page: u32) -> String {
    link(request, page)
}

/// The link to the first page of a changed request.
fn changed(request: &SearchRequest, change: impl FnOnce(&mut SearchRequest)) -> String {
    let mut request = request.clone();
    change(&mut request);
    link(&request, 1)
}

/// From everything down to the chosen category.
fn trail(request: &SearchRequest) -> Vec<Link> {
    let Some(chosen) = request.categories.first() else {
        return Vec::new();
    };
    let everything = Link {
        label: "Everything".to_owned(),
        count: None,
        path: changed(request, |r| r.categories.clear()),
        chosen: false,
    };
    let levels = chosen
        .levels()
        .iter()
        .enumerate()
        .map(|(depth, level)| Link {
            label: level.clone(),
            count: None,
            path: changed(request, |r| r.categories = vec![chosen.prefix(depth + 1)]),
            chosen: depth + 1 == chosen.levels().len(),
        });
    std::iter::once(everything).chain(levels).collect()
}

fn categories(request: &SearchRequest, found: &SearchPage) -> Vec<Link> {
    let facet = found.facets.category.iter().map(|facet| {
        let category = Category::parse_path(&facet.value);
        Link {
            label: category.levels().last().cloned().unwrap_or_default(),
            count: Some(facet.count),
            path: changed(request, |r| r.categories = vec![category.clone()]),
            chosen: false,
        }
    });
    facet.collect()
}

fn brands(request: &SearchRequest, found: &SearchPage) -> Vec<Link> {
    let facet = found.facets.brand.iter().take(15).map(|facet| {
        let chosen = request.brands.contains(&facet.value);
        let path = changed(request, |r| {
            if chosen {
                r.brands.retain(|brand| *brand != facet.value);
            } else {
                r.brands.push(facet.value.clone());
            }
        });
        Link {
            label: facet.value.clone(),
            count: Some(facet.count),
            path,
            chosen,
        }
    });
    facet.collect()
}

fn prices(request: &SearchRequest, found: &SearchPage, currency: Currency) -> Vec<Link> {
    let money = |amount| format::price(Money::new(amount, currency));
    let facet = found.facets.price.iter().map(|range| {
        let last = range.to.map(|to| to - 1);
        let chosen = request.min_price == Some(range.from) && request.max_price == last;
        let label = match range.to {
            Some(to) => format!("{} to {}", money(range.from), money(to)),
            None => format!("{} and up", money(range.from)),
        };
        let path = changed(request, |r| {
            (r.min_price, r.max_price) = if chosen {
                (None, None)
            } else {
                (Some(range.from), last)
            };
        });
        Link {
            label,
            count: Some(range.count),
            path,
            chosen,
        }
    });
    facet.collect()
}

fn stock(request: &SearchRequest) -> Link {
    let chosen = request.in_stock == Some(true);
    let path = changed(request, |r| r.in_stock = (!chosen).then_some(true));
    Link {
        label: "In stock only".to_owned(),
        count: None,
        path,
        chosen,
    }
}

fn sorts(request: &SearchRequest) -> Vec<Link> {
    let label = |sort| match sort {
        Sort::Relevance => "Best match",
        Sort::PriceAsc => "Cheapest",
        Sort::PriceDesc => "Dearest",
        Sort::Newest => "Newest",
    };
    let link = |sort| Link {
        label: label(sort).to_owned(),
        count: None,
        path: changed(request, |r| r.sort = sort),
        chosen: request.sort == sort,
    };
    Sort::ALL.map(link).into()
}
