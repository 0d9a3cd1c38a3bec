//! A folder with snapshots, somebody who publishes and somebody who searches.

use std::path::{Path, PathBuf};

use bothways_domain::{
    Currency, Money,
    id::ProductId,
    inventory::{Availability, Popularity},
    paging::Paging,
    product::{Category, Product, ProductDraft, Rating},
    search::{IndexedProduct, SearchApi, SearchIndex, SearchPage, SearchRequest},
    time::Timestamp,
};
use bothways_search::{Publisher, PublisherOptions, Searcher, SearcherOptions};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) publisher: Publisher,
    pub(crate) searcher: Searcher,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = publisher(folder.path()).await;
        let searcher = searcher(folder.path()).await;
        Self {
            folder,
            publisher,
            searcher,
        }
    }

    pub(crate) async fn with(products: Vec<IndexedProduct>) -> Self {
        let world = Self::new().await;
        world.put(products).await;
        world
    }

    /// Publishes and waits until it is searched.
    pub(crate) async fn put(&self, products: Vec<IndexedProduct>) {
        self.publisher.apply(products, Vec::new()).await.unwrap();
        self.searcher.refresh().await.unwrap();
    }

    pub(crate) async fn remove(&self, names: &[&str]) {
        self.publisher
            .apply(Vec::new(), names.iter().map(|name| id(name)).collect())
            .await
            .unwrap();
        self.searcher.refresh().await.unwrap();
    }

    pub(crate) async fn search(&self, request: SearchRequest) -> SearchPage {
        self.searcher.search(&request).await.unwrap()
    }

    pub(crate) async fn find(&self, query: &str) -> Vec<String> {
        ids(&self.search(asking(query)).await)
    }

    pub(crate) fn url(&self) -> String {
        url(self.folder.path())
    }

    pub(crate) fn store(&self) -> PathBuf {
        store(self.folder.path()).join("format-4")
    }
}

fn store(folder: &Path) -> PathBuf {
    folder.join("snapshots")
}

fn url(folder: &Path) -> String {
    format!("file://{}", store(folder).display())
}

pub(crate) async fn publisher(folder: &Path) -> Publisher {
    let options = PublisherOptions {
        folder: Some(folder.join("work")),
        ..PublisherOptions::default()
    };
    Publisher::open_with(&url(folder), options).await.unwrap()
}

pub(crate) async fn searcher(folder: &Path) -> Searcher {
    let options = SearcherOptions {
        folder: Some(folder.join("cache")),
        ..SearcherOptions::default()
    };
    Searcher::open_with(&url(folder), options).await.unwrap()
}

pub(crate) fn id(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}

pub(crate) fn ids(page: &SearchPage) -> Vec<String> {
    page.hits.iter().map(|hit| hit.id.to_string()).collect()
}

pub(crate) fn asking(query: &str) -> SearchRequest {
    SearchRequest {
        query: query.to_owned(),
        ..SearchRequest::default()
    }
}

pub(crate) fn paging(page: u32, per_page: u32) -> Paging {
    Paging::parse(Some(page), Some(per_page)).unwrap()
}

/// A product in stock for 10.00, described in the order id, name, brand, category.
pub(crate) fn product(id_text: &str, name: &str, brand: &str, category: &str) -> IndexedProduct {
    let at = Timestamp::from_millis(1_000);
    let draft = ProductDraft {
        name: name.to_owned(),
        brand: (!brand.is_empty()).then(|| brand.to_owned()),
        category: Category::parse_path(category),
        description: String::new(),
        price: Money::new(1_000, Currency::USD),
        attributes: std::collections::BTreeMap::new(),
        rating: None,
    };
    let product = Product {
        id: id(id_text),
        draft,
        images: None,
        created_at: at,
        updated_at: at,
    };
    IndexedProduct {
        product,
        availability: Availability::InStock,
        popularity: Popularity::default(),
    }
}

/// Changes to a product, one after the other.
pub(crate) trait But: Sized {
    fn but(self, change: impl FnOnce(&mut IndexedProduct)) -> Self;

    fn at(self, price: i64) -> Self {
        self.but(|indexed| indexed.product.draft.price = Money::new(price, Currency::USD))
    }

    fn rated(self, stars: f64) -> Self {
        self.but(|indexed| indexed.product.draft.rating = Rating::parse(stars))
    }

    fn being(self, availability: Availability) -> Self {
        self.but(|indexed| indexed.availability = availability)
    }

    fn sold(self, units: u32) -> Self {
        self.but(|indexed| indexed.popularity = Popularity::of(units))
    }

    fn since(self, milliseconds: i64) -> Self {
        self.but(|indexed| indexed.product.created_at = Timestamp::from_millis(milliseconds))
    }
}

impl But for IndexedProduct {
    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Some hundred different products of a few brands and categories.
pub(crate) fn assortment(count: usize) -> Vec<IndexedProduct> {
    let things = [
        "mouse",
        "keyboard",
        "hub",
        "cable",
        "toner",
        "laptop bag",
        "battery",
    ];
    let traits = ["wireless", "black", "compact", "silver", "gaming"];
    let brands = ["Acme", "Borealis", "", "Corvid"];
    let categories = [
        "Input > Mice",
        "Input > Keyboards",
        "Cables > USB",
        "Printing",
        "",
    ];
    let make = |number: usize| {
        let name = format!(
            "{} {} {} {number}",
            traits[number % 5],
            traits[number * 7 % 3],
            things[number * 3 % 7]
        );
        let made = product(
            &format!("p{number:04}"),
            &name,
            brands[number % 4],
            categories[number * 2 % 5],
        );
        let made = made
            .at(i64::try_from(number * 137 % 9_000).unwrap())
            .since(i64::try_from(number).unwrap());
        made.but(|indexed| {
            indexed.product.draft.description =
                format!("A {} for every day", things[number % 7]).repeat(number % 4);
        })
    };
    (0..count).map(make).collect()
}
