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
    let mut narrowing = Narrowing::new(table, request);
    let mut best = Best::new(last_place(request), order(table, request.sort, browsing));
    let mut consider = |found: Found| {
        if narrowing.pass(found.ordinal) {
            best.consider(found);
        }
    };
    if browsing {
        for ordinal in table.ordinals() {
            consider(Found { ordinal, score: 0 });
        }
    } else {
        let scoring = snapshot.scoring(weights);
        scoring
            .find(&terms, &unwanted, consider)
            .map_err(Error::internal)?;
    }
    let total = best.seen;
    let kept = best.finish();
    let start = (request.paging.offset() as usize).min(kept.len());
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

/// How many products come up to the end of the page.
fn last_place(request: &SearchRequest) -> usize {
    request.paging.offset() as usize + request.paging.per_page() as usize
}

/// Keeps the first of many, without an order among the rest.
struct Best<F> {
    limit: usize,
    order: F,
    /// No more than twice the limit.
    kept: Vec<Found>,
    /// Whoever does not come before it is not among the first.
    last: Option<Found>,
    seen: u64,
}

impl<F: Fn(&Found, &Found) -> Ordering> Best<F> {
    fn new(limit: usize, order: F) -> Self {
        Self {
            limit: limit.max(1),
            order,
            kept: Vec::new(),
            last: None,
            seen: 0,
        }
    }

    fn consider(&mut self, found: Found) {
        self.seen += 1;
        if self
            .last
            .is_some_and(|last| (self.order)(&found, &last).is_gt())
        {
            return;
        }
        self.kept.push(found);
        if self.kept.len() == 2 * self.limit {
            self.kept
                .select_nth_unstable_by(self.limit - 1, &self.order);
            self.kept.truncate(self.limit);
            self.last = self.kept.last().copied();
        }
    }

    /// The first, in order.
    fn finish(mut self) -> Vec<Found> {
        self.kept.sort_unstable_by(&self.order);
        self.kept.truncate(self.limit);
        self.kept
    }
}

/// The order of a list. Among equals, what can be had comes first. Ids decide last, so that it is the same however the
/// index is laid out.
fn order(table: &Table, sort: Sort, browsing: bool) -> impl Fn(&Found, &Found) -> Ordering {
    move |a, b| {
        let price = |found: &Found| table.row(found.ordinal).price;
        let first = match sort {
            Sort::Relevance if browsing => table.by_rating(a.ordinal, b.ordinal),
            Sort::Relevance => b.score.cmp(&a.score),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn best_of(limit: usize, scores: &[i64]) -> (u64, Vec<i64>) {
        let mut best = Best::new(limit, |a: &Found, b: &Found| b.score.cmp(&a.score));
        for (ordinal, score) in (0..).zip(scores) {
            let score = *score;
            best.consider(Found { ordinal, score });
        }
        let seen = best.seen;
        (
            seen,
            best.finish().into_iter().map(|found| found.score).collect(),
        )
    }

    #[test]
    fn the_best_are_kept_in_order_and_all_are_counted() {
        let scores: Vec<_> = (0..1_000).map(|n| n * 7_919 % 1_009).collect();
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        for limit in [1, 2, 10, 499, 500, 999, 1_000] {
            assert_eq!(best_of(limit, &scores), (1_000, sorted[..limit].to_vec()));
        }
        assert_eq!(best_of(5_000, &scores), (1_000, sorted));
        assert_eq!(best_of(0, &[]), (0, vec![]));
    }
}
