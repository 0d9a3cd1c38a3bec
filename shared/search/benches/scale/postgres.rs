//! The same products and queries with PostgreSQL's full-text search: any of the words, `ts_rank` with weights over a GIN
//! index, a count and facets. One process works at a query, as in the others.

use std::time::Instant;

use sqlx::{Connection, PgConnection};

use crate::{
    catalogue::{Catalogue, ROUNDS, any_word, attributes},
    judged::Outcome,
    report::{Figures, Times},
};

/// Products an insertion.
const BATCH: usize = 1_000;

/// Builds a table in the database at `url`, asks it everything and drops it again.
pub(crate) async fn measure(catalogue: &Catalogue, url: &str, count: usize) -> Outcome<Figures> {
    let mut database = PgConnection::connect(url).await?;
    for setting in [
        "SET max_parallel_workers_per_gather = 0",
        "SET work_mem = '256MB'",
        "SET maintenance_work_mem = '512MB'",
        "SET client_min_messages = error",
        "DROP TABLE IF EXISTS bothways_scale",
    ] {
        sqlx::query(setting).execute(&mut database).await?;
    }
    let (mut figures, mut times) = (Figures::default(), Times::default());
    let started = Instant::now();
    build(&mut database, catalogue, count).await?;
    figures.note("build_s", started.elapsed().as_secs_f64());
    for round in 0..=ROUNDS {
        for query in &catalogue.queries {
            let words = any_word(query, str::to_owned, " | ");
            let asked = ask(&mut database, &words);
            times.of_rows(round > 0, query, asked).await?;
        }
    }
    times.note(&mut figures);
    sqlx::query("DROP TABLE bothways_scale")
        .execute(&mut database)
        .await?;
    Ok(figures)
}

async fn build(database: &mut PgConnection, catalogue: &Catalogue, count: usize) -> Outcome<()> {
    sqlx::query(
        "CREATE UNLOGGED TABLE bothways_scale (id TEXT NOT NULL, brand TEXT, top TEXT, price BIGINT NOT NULL, texts TSVECTOR NOT NULL)",
    )
    .execute(&mut *database)
    .await?;
    for start in (0..count).step_by(BATCH) {
        insert(database, catalogue, start..(start + BATCH).min(count)).await?;
    }
    sqlx::query("CREATE INDEX ON bothways_scale USING gin (texts)")
        .execute(&mut *database)
        .await?;
    sqlx::query("VACUUM ANALYZE bothways_scale")
        .execute(&mut *database)
        .await?;
    Ok(())
}

async fn insert(
    database: &mut PgConnection,
    catalogue: &Catalogue,
    places: std::ops::Range<usize>,
) -> Outcome<()> {
    let (mut ids, mut names, mut brands, mut tops, mut prices) =
        (vec![], vec![], vec![], vec![], vec![]);
    let (mut categories, mut descriptions, mut properties) = (vec![], vec![], vec![]);
    for place in places {
        let indexed = catalogue.product(place)?;
        properties.push(attributes(&indexed));
        let draft = indexed.product.draft;
        ids.push(indexed.product.id.to_string());
        names.push(draft.name);
        brands.push(draft.brand);
        tops.push(draft.category.levels().first().cloned());
        categories.push(draft.category.levels().join(" "));
        prices.push(draft.price.amount());
        descriptions.push(draft.description);
    }
    sqlx::query(
        "INSERT INTO bothways_scale
         SELECT id, brand, top, price,
                setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', coalesce(brand, '')), 'B')
                || setweight(to_tsvector('english', category), 'C') || to_tsvector('english', description)
                || to_tsvector('english', attributes)
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
              AS given (id, name, brand, top, category, price, description, attributes)",
    )
    .bind(ids)
    .bind(names)
    .bind(brands)
    .bind(tops)
    .bind(categories)
    .bind(prices)
    .bind(descriptions)
    .bind(properties)
    .execute(database)
    .await?;
    Ok(())
}

/// Ten hits, the count, and facets by category, brand and price; how many rows that is.
async fn ask(database: &mut PgConnection, words: &str) -> Outcome<usize> {
    let rows = sqlx::query(
        "WITH found AS MATERIALIZED (
             SELECT id, brand, top, price, ts_rank(texts, asked, 1) AS score
             FROM bothways_scale, to_tsquery('english', $1) AS asked
             WHERE texts @@ asked
         )
         (SELECT 'hit' AS kind, id AS value, score::float8 AS figure FROM found ORDER BY score DESC, id LIMIT 10)
         UNION ALL SELECT 'total', NULL, COUNT(*) FROM found
         UNION ALL SELECT 'category', top, COUNT(*) FROM found GROUP BY top
         UNION ALL (SELECT 'brand', brand, COUNT(*) FROM found GROUP BY brand ORDER BY 3 DESC LIMIT 50)
         UNION ALL SELECT 'price', width_bucket(price, ARRAY[1000, 2500, 5000, 10000, 20000, 50000, 100000, 200000, 500000,
             1000000]::bigint[])::text, COUNT(*) FROM found GROUP BY 2",
    )
    .bind(words)
    .fetch_all(database)
    .await?;
    Ok(rows.len())
}
