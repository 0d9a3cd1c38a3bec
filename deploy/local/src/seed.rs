//! Filling an empty shop through its public API.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::binaries::workspace;
use crate::import;
use crate::shop_client::ShopClient;
use crate::state::ShopState;

/// How long search may take to show what was seeded.
const VISIBLE: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(50);

/// What to seed with.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) products: PathBuf,
    stock: Option<PathBuf>,
}

impl Seed {
    /// The project's own catalogue.
    pub(crate) fn own() -> Self {
        let data = workspace().join("data");
        Self {
            products: data.join("products.ndjson"),
            stock: Some(data.join("stock.ndjson")),
        }
    }

    /// The user's products; none of them is in stock until somebody says so.
    pub(crate) fn from_file(products: PathBuf) -> Self {
        Self {
            products,
            stock: None,
        }
    }
}

/// Seeds a shop unless it has this seed already, and waits until search shows it. How many products
/// the shop shows.
pub(crate) async fn sow(seed: &Seed, shop: &ShopState, folder: &Path) -> Result<u64, String> {
    let mut client = ShopClient::new(&shop.url, &shop.admin_email, &shop.admin_password)?;
    let marker = folder.join("seed");
    let digest = digest(seed).await?;
    let shown = client.products_in_search().await.unwrap_or(0);
    if shown > 0 && std::fs::read_to_string(&marker).is_ok_and(|sown| sown == digest) {
        return Ok(shown);
    }
    // Stock first: a product then enters the index with its availability.
    let mut rejected = Vec::new();
    if let Some(stock) = &seed.stock {
        rejected.extend(import::quiet(stock, &mut client).await?.0.rejected);
    }
    let (summary, looked) = import::quiet(&seed.products, &mut client).await?;
    let expected = looked.entries - u64::try_from(summary.rejected.len()).unwrap_or(0);
    rejected.extend(summary.rejected);
    if let Some((line, reason)) = rejected.first() {
        let count = rejected.len();
        return Err(format!(
            "the seed has {count} lines the shop rejects, the first line {line}: {reason}"
        ));
    }
    let shown = visible(&client, expected).await?;
    std::fs::write(&marker, digest).map_err(|error| format!("{}: {error}", marker.display()))?;
    Ok(shown)
}

async fn digest(seed: &Seed) -> Result<String, String> {
    let mut digest = import::look(&seed.products).await?.digest;
    if let Some(stock) = &seed.stock {
        digest.push_str(&import::look(stock).await?.digest);
    }
    Ok(digest)
}

async fn visible(client: &ShopClient, expected: u64) -> Result<u64, String> {
    let began = Instant::now();
    loop {
        let shown = client.products_in_search().await;
        match shown {
            Ok(shown) if shown >= expected => return Ok(shown),
            _ if began.elapsed() < VISIBLE => tokio::time::sleep(LOOK).await,
            Ok(shown) => return Err(format!("search shows {shown} of {expected} products")),
            Err(error) => return Err(error),
        }
    }
}
