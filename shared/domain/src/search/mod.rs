//! Search: how shoppers find products. The engine is behind [`SearchApi`]; this is its language.

mod indexer;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use indexer::Indexer;

use crate::{
    Error, Money, Result,
    error::Violations,
    id::ProductId,
    inventory::{Availability, Popularity},
    paging::Paging,
    product::{Category, Rating},
};

/// The most characters of a query that are looked at; a longer one is refused.
pub const MAX_QUERY: usize = 500;
/// The most values one facet can be filtered by.
pub const MAX_FILTER_VALUES: usize = 50;
/// The most suggestions given.
pub const MAX_SUGGESTIONS: usize = 10;

/// A product as an entry of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hit {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// Its brand, if it has one.
    pub brand: Option<String>,
    /// From broad to narrow.
    pub category: Category,
    /// Today's price of one.
    pub price: Money,
    /// The path of its card picture, once made.
    pub image: Option<String>,
    /// Whether it can be had.
    pub availability: Availability,
    /// Average stars, if rated.
    pub rating: Option<Rating>,
}

/// In which order products are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Best match first; without a query, best rated first.
    #[default]
    Relevance,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// Newest first.
    Newest,
}

impl Sort {
    /// All orders.
    pub const ALL: [Self; 4] = [
        Self::Relevance,
        Self::PriceAsc,
        Self::PriceDesc,
        Self::Newest,
    ];

    /// The name it is asked for by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::PriceAsc => "price_asc",
            Self::PriceDesc => "price_desc",
            Self::Newest => "newest",
        }
    }

    /// The order of that name.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|sort| sort.as_str() == name);
        found.ok_or_else(|| {
            Error::invalid(
                "?sort",
                "sort is relevance, price_asc, price_desc or newest",
            )
        })
    }
}

/// What a shopper asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// Words; empty is browsing.
    pub query: String,
    /// Any of these paths, each with all below it.
    pub categories: Vec<Category>,
    /// Any of these brands, exactly.
    pub brands: Vec<String>,
    /// At least this many minor units.
    pub min_price: Option<i64>,
    /// At most this many minor units.
    pub max_price: Option<i64>,
    /// Only what is in stock (or, with `Some(false)`, only what is not).
    pub in_stock: Option<bool>,
    /// The order.
    pub sort: Sort,
    /// The page.
    pub paging: Paging,
}

impl SearchRequest {
    /// Checks what the types don't.
    pub fn check(&self) -> Result<()> {
        let mut broken = Violations::default();
        let short = self.query.chars().count() <= MAX_QUERY;
        broken.require(
            short,
            "?q",
            format!("a query has up to {MAX_QUERY} characters"),
        );
        let few = self.categories.len() <= MAX_FILTER_VALUES;
        broken.require(
            few,
            "?category",
            format!("at most {MAX_FILTER_VALUES} categories"),
        );
        let few = self.brands.len() <= MAX_FILTER_VALUES;
        broken.require(few, "?brand", format!("at most {MAX_FILTER_VALUES} brands"));
        broken.require(
            self.min_price.is_none_or(|p| p >= 0),
            "?min_price",
            "prices are not negative",
        );
        broken.require(
            self.max_price.is_none_or(|p| p >= 0),
            "?max_price",
            "prices are not negative",
        );
        if let (Some(min), Some(max)) = (self.min_price, self.max_price) {
            broken.require(min <= max, "?min_price", "min_price is above max_price");
        }
        broken.finish()
    }
}

/// One value of a facet and how many products have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FacetCount {
    /// The value; a category is a path such as `Printing > Toner & drums`.
    pub value: String,
    /// Products with it.
    pub count: u64,
}

/// A range of prices and how many products fall into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PriceRange {
    /// From this many minor units.
    pub from: i64,
    /// Up to, but not including, this many; open at the top.
    pub to: Option<i64>,
    /// Products in it.
    pub count: u64,
}

/// The facets of a result. Each one's counts ignore the filter on that same facet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Facets {
    /// The level below the chosen path, or the top level.
    pub category: Vec<FacetCount>,
    /// Brands, most frequent first.
    pub brand: Vec<FacetCount>,
    /// Ranges of prices that hold anything.
    pub price: Vec<PriceRange>,
}

/// A page of search results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SearchPage {
    /// The query as asked.
    pub query: String,
    /// What was searched instead, when words were misspelt.
    pub corrected_query: Option<String>,
    /// Products found in all.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// Entries on a page.
    pub per_page: u32,
    /// The products of this page.
    pub hits: Vec<Hit>,
    /// Counts to narrow the result by.
    pub facets: Facets,
}

/// What the rest of the shop can ask of search.
#[async_trait]
pub trait SearchApi: Send + Sync {
    /// Finds products.
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage>;

    /// Completes a prefix, best first, at most [`MAX_SUGGESTIONS`].
    async fn suggest(&self, prefix: &str) -> Result<Vec<String>>;
}

/// A product as the index keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedProduct {
    /// The product.
    pub product: crate::product::Product,
    /// Its availability.
    pub availability: Availability,
    /// How well it sells.
    pub popularity: Popularity,
}

/// The writing side of the index. One indexer at a time.
#[async_trait]
pub trait SearchIndex: Send + Sync {
    /// Makes the index hold exactly this of the named products: those in `present` as given, those in `absent`
    /// not at all; publishes a snapshot before it returns.
    async fn apply(&self, present: Vec<IndexedProduct>, absent: Vec<ProductId>) -> Result<()>;

    /// Takes in products for a first snapshot that a later [`SearchIndex::apply`] publishes, so that nobody searches half
    /// a catalogue. What is taken in and not published is lost when the process ends.
    async fn stage(&self, present: Vec<IndexedProduct>) -> Result<()>;

    /// Whether there is nothing published that could be built upon.
    async fn is_empty(&self) -> Result<bool>;
}
