//! `GET /api/search` and `GET /api/search/suggest`.

use std::sync::Arc;

use axum::{Json, Router, extract::State};
use bothways_domain::{
    Error, Result,
    error::Violations,
    product::Category,
    search::{MAX_QUERY, SearchApi, SearchPage, SearchRequest, Sort},
};
use serde::{Deserialize, Serialize};

use crate::{Answer, extract::Query, problem::document, routes::routes};

type Api = Arc<dyn SearchApi>;

/// The routes of search.
pub fn router(api: Arc<dyn SearchApi>) -> Router {
    routes().with_state(api)
}

routes!(routes, described -> Api {
    [search]
    [suggest]
});

/// Completions of what is being typed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Suggestions {
    /// At most ten, best first.
    pub(crate) suggestions: Vec<String>,
}

/// Finds products
///
/// Without `q` this is browsing. Values of one facet widen the result, facets narrow each other, and a facet's
/// counts ignore the filter on itself. A misspelt query finds what was probably meant, and says so.
#[utoipa::path(
    get,
    path = "/api/search",
    tag = "search",
    operation_id = "search_products",
    params(
        ("q" = Option<String>, Query, description = "Words"),
        ("category" = Option<Vec<String>>, Query, description = "Paths such as `Printing > Toner & drums`, each with all below it"),
        ("brand" = Option<Vec<String>>, Query, description = "Brands, exactly"),
        ("min_price" = Option<i64>, Query, minimum = 0, description = "In minor units"),
        ("max_price" = Option<i64>, Query, minimum = 0, description = "In minor units"),
        ("in_stock" = Option<bool>, Query, description = "Only what is (or is not) in stock"),
        ("sort" = Option<Sort>, Query, description = "The order; `relevance` unless given"),
        ("page" = Option<u32>, Query, minimum = 1, description = "The page; `page * per_page` is at most 10 000"),
        ("per_page" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Hits on a page; 24 unless given"),
    ),
    responses((status = 200, description = "A page of hits, with facets", body = SearchPage), document::BadQuery)
)]
async fn search(State(api): State<Api>, query: Query) -> Answer<Json<SearchPage>> {
    let request = search_request(&query)?;
    Ok(Json(api.search(&request).await?))
}

/// Completes what is being typed
#[utoipa::path(
    get,
    path = "/api/search/suggest",
    tag = "search",
    operation_id = "suggest",
    params(("q" = Option<String>, Query, description = "The beginning")),
    responses((status = 200, description = "At most ten completions", body = Suggestions), document::BadQuery)
)]
async fn suggest(State(api): State<Api>, query: Query) -> Answer<Json<Suggestions>> {
    let prefix = query.text("q").unwrap_or_default();
    if prefix.chars().count() > MAX_QUERY {
        let detail = format!("a query has up to {MAX_QUERY} characters");
        return Err(Error::invalid("?q", detail).into());
    }
    let suggestions = api.suggest(prefix).await?;
    Ok(Json(Suggestions { suggestions }))
}

/// The search a query string asks for, with every rule checked. The storefront's search page takes the same.
pub fn search_request(query: &Query) -> Result<SearchRequest> {
    let mut broken = Violations::default();
    let min_price = broken.take(query.parsed("min_price", "a whole number of minor units"));
    let max_price = broken.take(query.parsed("max_price", "a whole number of minor units"));
    let in_stock = broken.take(query.parsed("in_stock", "true or false"));
    let sort = query.text("sort").map_or(Ok(Sort::default()), Sort::parse);
    let sort = broken.take(sort);
    let paging = broken.take(query.paging());
    let categories = query.all("category").map(Category::parse_path);
    let request = SearchRequest {
        query: query.text("q").unwrap_or_default().to_owned(),
        categories: categories
            .filter(|category| !category.levels().is_empty())
            .collect(),
        brands: query.all("brand").map(str::to_owned).collect(),
        min_price: min_price.flatten(),
        max_price: max_price.flatten(),
        in_stock: in_stock.flatten(),
        sort: sort.unwrap_or_default(),
        paging: paging.unwrap_or_default(),
    };
    broken.take(request.check());
    broken.finish()?;
    Ok(request)
}

/// The query parameters that ask for this search: what [`search_request`] reads.
pub fn query_pairs(request: &SearchRequest) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("sort", request.sort.as_str().to_owned()),
        ("page", request.paging.page().to_string()),
        ("per_page", request.paging.per_page().to_string()),
    ];
    if !request.query.is_empty() {
        pairs.push(("q", request.query.clone()));
    }
    let categories = request.categories.iter().map(ToString::to_string);
    pairs.extend(categories.map(|category| ("category", category)));
    pairs.extend(request.brands.iter().map(|brand| ("brand", brand.clone())));
    pairs.extend(
        request
            .min_price
            .map(|price| ("min_price", price.to_string())),
    );
    pairs.extend(
        request
            .max_price
            .map(|price| ("max_price", price.to_string())),
    );
    pairs.extend(request.in_stock.map(|only| ("in_stock", only.to_string())));
    pairs
}
