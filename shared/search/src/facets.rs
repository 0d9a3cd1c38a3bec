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

/// The place of a price among the ranges.
pub(crate) fn price_range(price: i64) -> u8 {
    let place = PRICES.partition_point(|from| *from <= price);
    u8::try_from(place.saturating_sub(1)).unwrap_or(0)
}

/// Counts while products pass by.
pub(crate) struct Narrowing<'a> {
    table: &'a Table,
    request: &'a SearchRequest,
    /// Whether any of the filters is set that a facet has.
    filtered: bool,
    within: Vec<bool>,
    among: Vec<bool>,
    categories: Vec<u64>,
    brands: Vec<u64>,
    prices: [u64; PRICES.len()],
}

impl<'a> Narrowing<'a> {
    /// Prepares the filters of a request.
    pub(crate) fn new(table: &'a Table, request: &'a SearchRequest) -> Self {
        let chosen = !request.categories.is_empty() || !request.brands.is_empty();
        Self {
            table,
            request,
            filtered: chosen || request.min_price.is_some() || request.max_price.is_some(),
            within: table.tree.within(&request.categories),
            among: table.brands_among(&request.brands),
            categories: vec![0; table.tree.len()],
            // The last is for products without a brand.
            brands: vec![0; table.brand_names().len() + 1],
            prices: [0; PRICES.len()],
        }
    }

    /// Counts the product in every facet whose other filters it passes; whether it passes all.
    pub(crate) fn pass(&mut self, ordinal: Ordinal) -> bool {
        let (table, request) = (self.table, self.request);
        let traits = table.traits(ordinal);
        if request
            .in_stock
            .is_some_and(|wanted| wanted != traits.available)
        {
            return false;
        }
        let node = traits.category as usize;
        let brand = (traits.brand as usize).min(self.brands.len() - 1);
        let range = usize::from(traits.price_range);
        if !self.filtered {
            self.categories[node] += 1;
            self.brands[brand] += 1;
            self.prices[range] += 1;
            return true;
        }
        let price = table.row(ordinal).price;
        let in_category = request.categories.is_empty() || self.within[node];
        let of_brand = request.brands.is_empty() || (traits.brand != NO_BRAND && self.among[brand]);
        let in_price = request.min_price.is_none_or(|min| price >= min)
            && request.max_price.is_none_or(|max| price <= max);
        if of_brand && in_price {
            self.categories[node] += 1;
        }
        if in_category && in_price {
            self.brands[brand] += 1;
        }
        if in_category && of_brand {
            self.prices[range] += 1;
        }
        in_category && of_brand && in_price
    }

    /// The counts, most first, bounded.
    pub(crate) fn finish(self) -> Facets {
        let brand = self.brand_facet();
        let mut category = self
            .table
            .tree
            .facet(&self.request.categories, self.categories);
        category.truncate(CATEGORIES);
        let ends = PRICES[1..].iter().copied().map(Some).chain([None]);
        let ranges = PRICES.into_iter().zip(ends).zip(self.prices);
        let price = ranges.map(|((from, to), count)| PriceRange { from, to, count });
        Facets {
            category,
            brand,
            price: price.filter(|range| range.count > 0).collect(),
        }
    }
    /// The brands of most products, and those that are chosen: these stay listed, so that they can be unchosen.
    fn brand_facet(&self) -> Vec<FacetCount> {
        let counted = self.table.brand_names().iter().zip(&self.brands);
        let mut counted: Vec<_> = counted.filter(|(_, count)| **count > 0).collect();
        let order =
            |a: &(&String, &u64), b: &(&String, &u64)| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0));
        if counted.len() > BRANDS {
            // Only what is listed needs an order.
            counted.select_nth_unstable_by(BRANDS, order);
            let chosen = counted.split_off(BRANDS).into_iter();
            let chosen = chosen.filter(|(name, _)| self.request.brands.contains(name));
            counted.extend(chosen);
        }
        counted.sort_unstable_by(order);
        let listed = counted.into_iter().map(|(name, count)| FacetCount {
            value: name.clone(),
            count: *count,
        });
        listed.collect()
    }
}
