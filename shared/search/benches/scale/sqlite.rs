//! The same products and queries with SQLite's full-text search: any of the words, BM25 with weights, a count and facets.

use std::{path::Path, time::Instant};

use bothways_domain::search::IndexedProduct;
use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    catalogue::{Catalogue, ROUNDS, any_word, attributes},
    judged::Outcome,
    report::{Figures, Times},
};

/// Builds a database in `folder` and asks it everything.
pub(crate) async fn measure(
    catalogue: &Catalogue,
    folder: &Path,
    count: usize,
) -> Outcome<Figures> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("products.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        // 1 GiB, and as much mapped: nothing is read twice.
        .pragma("cache_size", "-1048576")
        .pragma("mmap_size", "1073741824")
        .pragma("temp_store", "memory");
    let mut database = SqliteConnection::connect_with(&options).await?;
    let (mut figures, mut times) = (Figures::default(), Times::default());
    let started = Instant::now();
    build(&mut database, catalogue, count).await?;
    figures.note("build_s", started.elapsed().as_secs_f64());
    for round in 0..=ROUNDS {
        for query in &catalogue.queries {
            let words = any_word(query, |word| format!("\"{word}\""), " OR ");
            let asked = ask(&mut database, &words);
            times.of_rows(round > 0, query, asked).await?;
        }
    }
    times.note(&mut figures);
    Ok(figures)
}

async fn build(
    database: &mut SqliteConnection,
    catalogue: &Catalogue,
    count: usize,
) -> Outcome<()> {
    sqlx::query(
        "CREATE TABLE products (number INTEGER PRIMARY KEY, id TEXT NOT NULL, brand TEXT, top TEXT, price BIGINT NOT NULL)",
    )
    .execute(&mut *database)
    .await?;
    sqlx::query(
        "CREATE VIRTUAL TABLE texts USING fts5(name, brand, category, description, attributes, content='',
             tokenize='porter unicode61 remove_diacritics 2')",
    )
    .execute(&mut *database)
    .await?;
    let mut transaction = database.begin().await?;
    for place in 0..count {
        insert(&mut transaction, place, &catalogue.product(place)?).await?;
    }
    sqlx::query("INSERT INTO texts (texts) VALUES ('optimize')")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("ANALYZE").execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

async fn insert(
    database: &mut SqliteConnection,
    place: usize,
    indexed: &IndexedProduct,
) -> Outcome<()> {
    let (product, draft) = (&indexed.product, &indexed.product.draft);
    let number = i64::try_from(place)?;
    sqlx::query("INSERT INTO products (number, id, brand, top, price) VALUES ($1, $2, $3, $4, $5)")
        .bind(number)
        .bind(product.id.as_str())
        .bind(draft.brand.as_deref())
        .bind(draft.category.levels().first())
        .bind(draft.price.amount())
        .execute(&mut *database)
        .await?;
    sqlx::query(
        "INSERT INTO texts (rowid, name, brand, category, description, attributes) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number)
    .bind(&draft.name)
    .bind(draft.brand.as_deref())
    .bind(draft.category.levels().join(" "))
    .bind(&draft.description)
    .bind(attributes(indexed))
    .execute(&mut *database)
    .await?;
    Ok(())
}

/// Ten hits, the count, and facets by category, brand and price; how many rows that is.
async fn ask(database: &mut SqliteConnection, words: &str) -> Outcome<usize> {
    let rows = sqlx::query(
        "WITH found AS MATERIALIZED (
             SELECT p.id, p.brand, p.top, p.price, bm25(texts, 8.0, 4.0, 2.0, 1.0, 1.0) AS score
             FROM texts JOIN products p ON p.number = texts.rowid
             WHERE texts MATCH $1
         )
         SELECT * FROM (SELECT 'hit' AS kind, id AS value, score AS figure FROM found ORDER BY score, id LIMIT 10)
         UNION ALL SELECT 'total', NULL, COUNT(*) FROM found
         UNION ALL SELECT 'category', top, COUNT(*) FROM found GROUP BY top
         UNION ALL SELECT * FROM (SELECT 'brand', brand, COUNT(*) FROM found GROUP BY brand ORDER BY 3 DESC LIMIT 50)
         UNION ALL SELECT 'price', (price >= 1000) + (price >= 2500) + (price >= 5000) + (price >= 10000) + (price >= 20000)
             + (price >= 50000) + (price >= 100000) + (price >= 200000) + (price >= 500000) + (price >= 1000000) AS range,
             COUNT(*) FROM found GROUP BY range",
    )
    .bind(words)
    .fetch_all(database)
    .await?;
    Ok(rows.len())
}
