//! What a shop answered to judged queries: asked now, or kept in a file.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    Outcome,
    judged::{JudgedQuery, JudgedSet},
    measures::DEPTH,
};

/// Requests under way at once.
const AT_ONCE: usize = 4;
/// How often a shop that says to come later is asked again.
const ATTEMPTS: u32 = 10;
const TIMEOUT: Duration = Duration::from_secs(30);

/// By set and query, the products found, best first.
#[derive(Debug, Default)]
pub(crate) struct Run(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Run {
    /// The answers of a shop, or those in a file.
    pub(crate) async fn of(source: &str, set: &JudgedSet) -> Outcome<Self> {
        let mut run = Self::default();
        if source.starts_with("http://") || source.starts_with("https://") {
            run.ask(source, set).await?;
        } else {
            let text = fs::read_to_string(source).map_err(|error| format!("{source}: {error}"))?;
            run.0 = serde_json::from_str(&text)?;
        }
        Ok(run)
    }

    /// Asks the shop at `shop` all queries of the set.
    pub(crate) async fn ask(&mut self, shop: &str, set: &JudgedSet) -> Outcome<()> {
        let client = client()?;
        let url = format!("{}/api/search", shop.trim_end_matches('/'));
        let answers = set.queries.iter().map(|query| {
            let (client, url) = (&client, &url);
            async move { Ok((query.id.clone(), answer(client, url, query).await?)) }
        });
        let answers: Vec<_> = futures::stream::iter(answers)
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error: Box<dyn std::error::Error + Send + Sync>| error)?;
        self.0
            .insert(set.name.clone(), answers.into_iter().collect());
        Ok(())
    }

    /// The products found for a query.
    pub(crate) fn answer(&self, set: &str, query: &str) -> Option<&[String]> {
        self.0.get(set)?.get(query).map(Vec::as_slice)
    }

    /// Writes the answers to a file.
    pub(crate) fn save(&self, file: &Path) -> Outcome<()> {
        Ok(fs::write(file, serde_json::to_vec_pretty(&self.0)?)?)
    }
}

fn client() -> Outcome<reqwest::Client> {
    // Fails where it was done before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(TIMEOUT).build()?)
}

/// The queries of the set that two shops don't answer with the same bytes.
pub(crate) async fn different(first: &str, second: &str, set: &JudgedSet) -> Outcome<Vec<String>> {
    let client = client()?;
    let mut different = Vec::new();
    for query in &set.queries {
        let mut bodies = Vec::new();
        for shop in [first, second] {
            let url = format!("{}/api/search", shop.trim_end_matches('/'));
            bodies.push(body(&client, &url, query).await?);
        }
        if bodies[0] != bodies[1] {
            different.push(query.text.clone());
        }
    }
    Ok(different)
}

async fn answer(client: &reqwest::Client, url: &str, query: &JudgedQuery) -> Outcome<Vec<String>> {
    let page: Value = serde_json::from_str(&body(client, url, query).await?)?;
    let hits = page["hits"].as_array().ok_or("an answer without hits")?;
    let ids = hits.iter().map(|hit| hit["id"].as_str().map(str::to_owned));
    ids.collect::<Option<_>>()
        .ok_or_else(|| "a hit without id".into())
}

async fn body(client: &reqwest::Client, url: &str, query: &JudgedQuery) -> Outcome<String> {
    for _ in 0..ATTEMPTS {
        let depth = DEPTH.to_string();
        let asked = [("q", query.text.as_str()), ("per_page", &depth)];
        let response = client.get(url).query(&asked).send().await?;
        let status = response.status();
        if [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(&status)
        {
            let later = response.headers().get("retry-after");
            let later = later.and_then(|value| value.to_str().ok()?.parse().ok());
            tokio::time::sleep(Duration::from_secs(later.unwrap_or(1))).await;
            continue;
        }
        let body = response.text().await?;
        if status != StatusCode::OK {
            return Err(format!("{} → {status}: {body}", query.text).into());
        }
        return Ok(body);
    }
    Err(format!("{}: the shop stays unavailable", query.text).into())
}
