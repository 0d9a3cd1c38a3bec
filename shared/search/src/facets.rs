//! Filters and the counts that narrow a result further, in one pass over the products found.

use bothways_domain::search::{FacetCount, Facets, PriceRange, SearchRequest};

use crate::table::{NO_BRAND, Ordinal, Table};

/// How many brands are listed; chosen ones come in addition.
const BRANDS: usize = 50;
/// How many categories are listed.
const CATEGORIES: usize = 100;
/// Where ranges of prices begin, in minor units: steps shoppers think in, the same for every result.
const PRICES: [i64; 11] = [
    0, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
];

/// Counts while products pass by.
pub(crate) struct Narrowing<'a> {
    table: &'a Table,
    request: &'a SearchRequest,
    within: Vec<bool>,
    among: Vec<bool>,
    categories: Vec<u64>,
    brands: Vec<u64>,
    prices: [u64; PRICES.len()],
}

impl<'a> Narrowing<'a> {
    /// Prepares the filters of a request.
    pub(crate) fn new(table: &'a Table, request: &'a SearchRequest) -> Self {
        Self {
            table,
            request,
            within: table.tree.within(&request.categories),
            among: table.brands_among(&request.brands),
            categories: vec![0; table.tree.len()],
            brands: vec![0; table.brand_names().len()],
            prices: [0; PRICES.len()],
        }
    }

    /// Counts the product in every facet whose other filters it passes; whether it passes all.
    pub(crate) fn pass(&mut self, ordinal: Ordinal) -> bool {
        let (table, request) = (self.table, self.request);
        let row = table.row(ordinal);
        if request
            .in_stock
            .is_some_and(|wanted| wanted != row.availability.is_available())
        {
            return false;
        }
        let node = table.category(ordinal) as usize;
        let brand = table.brand(ordinal);
        let in_category = request.categories.is_empty() || self.within[node];
        let of_brand =
            request.brands.is_empty() || (brand != NO_BRAND && self.among[brand as usize]);
        let in_price = request.min_price.is_none_or(|min| row.price >= min)
            && request.max_price.is_none_or(|max| row.price <= max);
        if of_brand && in_price {
            self.categories[node] += 1;
        }
        if in_category && in_price && brand != NO_BRAND {
            self.brands[brand as usize] += 1;
        }
        if in_category && of_brand {
            let range = PRICES.partition_point(|from| *from <= row.price);
            self.prices[range.saturating_sub(1)] += 1;
        }
        in_category && of_brand && in_price
    }

    /// The counts, most first, bounded.
    pub(crate) fn finish(self) -> Facets {
        let mut category = self
            .table
            .tree
            .facet(&self.request.categories, self.categories);
        category.truncate(CATEGORIES);
        let names = self.table.brand_names();
        let counted = names
            .iter()
            .zip(&self.brands)
            .filter(|(_, count)| **count > 0);
        let mut brand: Vec<_> = counted
            .map(|(name, count)| FacetCount {
                value: name.clone(),
                count: *count,
            })
            .collect();
        brand.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        let mut place = 0;
        brand.retain(|entry| {
            place += 1;
            // What is chosen stays listed, so that it can be unchosen.
            place <= BRANDS || self.request.brands.contains(&entry.value)
        });
        let ends = PRICES[1..].iter().copied().map(Some).chain([None]);
        let ranges = PRICES.into_iter().zip(ends).zip(self.prices);
        let price = ranges.map(|((from, to), count)| PriceRange { from, to, count });
        Facets {
            category,
            brand,
            price: price.filter(|range| range.count > 0).collect(),
        }
    }
}
