//! The query path of the search engine, from the text a shopper typed to the page.

#![no_main]

use std::sync::LazyLock;

use bothways_domain::{
    id::ProductId,
    inventory::{Availability, Popularity},
    paging::Paging,
    product::{Category, Product, ProductDraft},
    search::{
        IndexedProduct, MAX_QUERY, MAX_SUGGESTIONS, SearchApi, SearchIndex, SearchRequest, Sort,
    },
    time::Timestamp,
};
use bothways_search::{Publisher, Searcher};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

struct Shop {
    runtime: Runtime,
    searcher: Searcher,
    products: u64,
    _folder: TempDir,
}

/// A shop with the seed catalogue.
static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", folder.path().display());
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let products: Vec<_> = include_str!("../../data/products.ndjson")
        .lines()
        .map(product)
        .collect();
    let count = products.len() as u64;
    let searcher = runtime.block_on(async {
        let publisher = Publisher::open(&url).await.expect("a publisher");
        publisher
            .apply(products, Vec::new())
            .await
            .expect("a snapshot");
        Searcher::open(&url).await.expect("a searcher")
    });
    Shop {
        runtime,
        searcher,
        products: count,
        _folder: folder,
    }
});

fn product(line: &str) -> IndexedProduct {
    let mut draft: serde_json::Map<_, _> = serde_json::from_str(line).expect("a product");
    let id = draft.remove("id").expect("an id");
    let draft: ProductDraft = serde_json::from_value(draft.into()).expect("a product");
    let at = Timestamp::from_millis(0);
    IndexedProduct {
        product: Product {
            id: ProductId::parse(id.as_str().expect("an id")).expect("an id"),
            draft,
            images: None,
            created_at: at,
            updated_at: at,
        },
        availability: Availability::InStock,
        popularity: Popularity::default(),
    }
}

/// Two bytes say what else is asked for, the rest is the query.
fn request(data: &[u8]) -> SearchRequest {
    let (options, text) = data.split_at(data.len().min(2));
    let option = |place: usize| options.get(place).copied().unwrap_or(0);
    let path = if option(1) & 1 == 0 {
        vec![]
    } else {
        vec![Category::parse_path("Electronics > Audio")]
    };
    SearchRequest {
        query: String::from_utf8_lossy(text).into_owned(),
        categories: path,
        brands: if option(1) & 2 == 0 {
            vec![]
        } else {
            vec!["Velquist".to_owned()]
        },
        max_price: (option(1) & 4 != 0).then_some(5_000),
        in_stock: (option(1) & 8 != 0).then_some(true),
        sort: Sort::ALL[usize::from(option(0)) % Sort::ALL.len()],
        paging: Paging::parse(Some(u32::from(option(0) / 64) + 1), Some(7)).expect("a page"),
        ..SearchRequest::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let request = request(data);
    let shop = &*SHOP;
    shop.runtime.block_on(async {
        let Ok(page) = shop.searcher.search(&request).await else {
            assert!(
                request.query.chars().count() > MAX_QUERY,
                "only what is too long is refused"
            );
            return;
        };
        assert!(page.total <= shop.products && page.hits.len() <= 7);
        let priced: u64 = page.facets.price.iter().map(|range| range.count).sum();
        assert!(priced >= page.total && (request.max_price.is_some() || priced == page.total));
        assert_eq!(
            page,
            shop.searcher.search(&request).await.expect("the same")
        );
        if let Some(corrected) = &page.corrected_query {
            assert_ne!(*corrected, request.query);
        }
        let completed = shop
            .searcher
            .suggest(&request.query)
            .await
            .expect("suggestions");
        assert!(completed.len() <= MAX_SUGGESTIONS);
    });
});
