//! Answers a request from a snapshot: find, filter, count, sort, cut out the page.

use std::cmp::Ordering;

use bothways_domain::{
    Error, Result,
    search::{Facets, SearchPage, SearchRequest, Sort},
};

use crate::{
    facets::Narrowing,
    reading::{self, Reading},
    scoring::{Found, Weights},
    snapshot::Snapshot,
    table::Table,
};

/// Scores are compared to so many parts of one, far above what summing in floating point leaves uncertain.
const SCORE_STEPS: f32 = 10_000.0;

/// A page without anything.
pub(crate) fn empty_page(request: &SearchRequest) -> SearchPage {
    SearchPage {
        query: request.query.clone(),
        corrected_query: None,
        total: 0,
        page: request.paging.page(),
        per_page: request.paging.per_page(),
        hits: Vec::new(),
        facets: Facets::default(),
    }
}

/// The page asked for. Blocks.
pub(crate) fn list(
    snapshot: &Snapshot,
    request: &SearchRequest,
    weights: &Weights,
) -> Result<SearchPage> {
    let table = &snapshot.table;
    let browsing = request.query.trim().is_empty();
    let Reading {
        terms,
        unwanted,
        corrected,
    } = if browsing {
        Reading::default()
    } else {
        reading::read(&request.query, snapshot)
    };
    let found = if browsing {
        table
            .ordinals()
            .map(|ordinal| Found {
                ordinal,
                score: 0.0,
            })
            .collect()
    } else {
        snapshot
            .scoring(weights)
            .find(&terms, &unwanted)
            .map_err(Error::internal)?
    };
    let mut narrowing = Narrowing::new(table, request);
    let mut kept: Vec<_> = found
        .into_iter()
        .filter(|found| narrowing.pass(found.ordinal))
        .collect();
    let total = kept.len() as u64;
    let order = order(table, request.sort, browsing);
    let (start, end) = page_bounds(request, kept.len());
    if end < kept.len() {
        kept.select_nth_unstable_by(end, &order);
        kept.truncate(end);
    }
    kept.sort_unstable_by(&order);
    let hits = kept[start..]
        .iter()
        .map(|found| snapshot.hit(found.ordinal))
        .collect::<Result<_>>()?;
    Ok(SearchPage {
        total,
        corrected_query: corrected,
        hits,
        facets: narrowing.finish(),
        ..empty_page(request)
    })
}

fn page_bounds(request: &SearchRequest, total: usize) -> (usize, usize) {
    let start = (request.paging.offset() as usize).min(total);
    (
        start,
        (start + request.paging.per_page() as usize).min(total),
    )
}

/// The order of a list. Among equals, what can be had comes first. Ids decide last, so that it is the same however the
/// index is laid out.
fn order(table: &Table, sort: Sort, browsing: bool) -> impl Fn(&Found, &Found) -> Ordering {
    move |a, b| {
        let price = |found: &Found| table.row(found.ordinal).price;
        let first = match sort {
            Sort::Relevance if browsing => table.by_rating(a.ordinal, b.ordinal),
            Sort::Relevance => rounded(b.score).cmp(&rounded(a.score)),
            Sort::PriceAsc => price(a).cmp(&price(b)),
            Sort::PriceDesc => price(b).cmp(&price(a)),
            Sort::Newest => table.by_age(a.ordinal, b.ordinal),
        };
        let gone = |found: &Found| !table.row(found.ordinal).availability.is_available();
        first
            .then_with(|| gone(a).cmp(&gone(b)))
            .then_with(|| table.rank(a.ordinal).cmp(&table.rank(b.ordinal)))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "scores are far below 2^63 steps"
)]
fn rounded(score: f32) -> i64 {
    (score * SCORE_STEPS).round() as i64
}
