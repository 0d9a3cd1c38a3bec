//! Products and their events.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bothways_domain::{
    Result,
    event::Event,
    id::{PictureId, ProductId},
    import::Change,
    product::{Images, Product, ProductDraft, ProductStore, Rating, Saved},
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    Database, column,
    error::{Attempt, Failure, read, write},
    outbox,
};

/// The products of the shop.
#[derive(Debug, Clone)]
pub struct Products {
    database: Database,
}

fn product(row: &PgRow) -> Attempt<Product> {
    let stars: Option<f64> = row.try_get("rating")?;
    Ok(Product {
        id: column::parsed(row, "id", ProductId::parse)?,
        draft: ProductDraft {
            name: row.try_get("name")?,
            brand: row.try_get("brand")?,
            category: column::json(row, "category")?,
            description: row.try_get("description")?,
            price: column::money(row, "price_amount", "price_currency")?,
            attributes: column::json(row, "attributes")?,
            rating: stars.and_then(Rating::parse),
        },
        images: column::json_opt(row, "images")?,
        created_at: column::time(row, "created_at")?,
        updated_at: column::time(row, "updated_at")?,
    })
}

/// What storing `incoming` over what is stored does.
fn merge(stored: &mut HashMap<ProductId, Product>, incoming: &Product) -> Saved {
    let (product, change) = match stored.get(&incoming.id) {
        Some(old) if old.draft == incoming.draft => (old.clone(), Change::Unchanged),
        Some(old) => {
            let updated = Product {
                images: old.images.clone(),
                created_at: old.created_at,
                ..incoming.clone()
            };
            (updated, Change::Updated)
        }
        None => (incoming.clone(), Change::Created),
    };
    stored.insert(product.id.clone(), product.clone());
    Saved { product, change }
}

/// Stores these products, of which those in `known` have a row that is locked.
async fn upsert(
    connection: &mut PgConnection,
    products: &BTreeMap<&ProductId, &Product>,
    known: &[&str],
) -> Attempt<()> {
    let mut columns = Columns::default();
    for product in products.values() {
        columns.push(product)?;
    }
    let stored = sqlx::query(
        "INSERT INTO products (id, name, brand, category, description, price_amount, price_currency,
                               attributes, rating, images, created_at, updated_at)
         SELECT * FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::BIGINT[],
                              $7::TEXT[], $8::TEXT[], $9::DOUBLE PRECISION[], $10::TEXT[], $11::BIGINT[],
                              $12::BIGINT[])
         ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, brand = excluded.brand, category = excluded.category,
             description = excluded.description, price_amount = excluded.price_amount,
             price_currency = excluded.price_currency, attributes = excluded.attributes,
             rating = excluded.rating, updated_at = excluded.updated_at
         WHERE products.id = ANY($13)",
    )
    .bind(columns.ids)
    .bind(columns.names)
    .bind(columns.brands)
    .bind(columns.categories)
    .bind(columns.descriptions)
    .bind(columns.amounts)
    .bind(columns.currencies)
    .bind(columns.attributes)
    .bind(columns.ratings)
    .bind(columns.images)
    .bind(columns.created)
    .bind(columns.updated)
    .bind(known)
    .execute(connection)
    .await?
    .rows_affected();
    // A product that had no row was stored by another at this moment: its row is not locked, and not written.
    if usize::try_from(stored) == Ok(products.len()) {
        Ok(())
    } else {
        Err(Failure::Raced)
    }
}

/// Products column by column, as one statement over many rows takes them.
#[derive(Default)]
struct Columns<'p> {
    ids: Vec<&'p str>,
    names: Vec<&'p str>,
    brands: Vec<Option<&'p str>>,
    categories: Vec<String>,
    descriptions: Vec<&'p str>,
    amounts: Vec<i64>,
    currencies: Vec<String>,
    attributes: Vec<String>,
    ratings: Vec<Option<f64>>,
    images: Vec<Option<String>>,
    created: Vec<i64>,
    updated: Vec<i64>,
}

impl<'p> Columns<'p> {
    fn push(&mut self, product: &'p Product) -> Attempt<()> {
        let Product { id, draft, .. } = product;
        let images = product.images.as_ref().map(serde_json::to_string);
        self.ids.push(id.as_str());
        self.names.push(&draft.name);
        self.brands.push(draft.brand.as_deref());
        self.categories
            .push(serde_json::to_string(&draft.category)?);
        self.descriptions.push(&draft.description);
        self.amounts.push(draft.price.amount());
        self.currencies
            .push(draft.price.currency().as_str().to_owned());
        self.attributes
            .push(serde_json::to_string(&draft.attributes)?);
        self.ratings.push(draft.rating.map(Rating::stars));
        self.images.push(images.transpose()?);
        self.created.push(product.created_at.as_millis());
        self.updated.push(product.updated_at.as_millis());
        Ok(())
    }
}

impl Products {
    /// The products in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_find(&self, ids: &[ProductId]) -> Attempt<Vec<Product>> {
        let query = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE id = ANY($1)",
        )
        .bind(column::texts(ids, ProductId::as_str));
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(product).collect()
    }

    async fn try_related(&self, of: &Product, limit: u32) -> Attempt<Vec<Product>> {
        let query = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE MD5(category) = MD5($1) AND category = $1 AND id <> $2
             ORDER BY rating DESC NULLS LAST, id
             LIMIT $3",
        )
        .bind(serde_json::to_string(&of.draft.category)?)
        .bind(of.id.as_str())
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(product).collect()
    }

    async fn try_with_related(
        &self,
        id: &ProductId,
        limit: u32,
    ) -> Attempt<Option<(Product, Vec<Product>)>> {
        let query = sqlx::query(
            "WITH itself AS MATERIALIZED (
                 SELECT id, name, brand, category, description, price_amount, price_currency,
                        attributes, rating, images, created_at, updated_at
                 FROM products
                 WHERE id = $1
             )
             SELECT 0 AS place, itself.* FROM itself
             UNION ALL
             SELECT 1, others.*
             FROM itself CROSS JOIN LATERAL (
                 SELECT id, name, brand, category, description, price_amount, price_currency,
                        attributes, rating, images, created_at, updated_at
                 FROM products
                 WHERE MD5(category) = MD5(itself.category) AND category = itself.category AND id <> itself.id
                 ORDER BY rating DESC NULLS LAST, id
                 LIMIT $2
             ) AS others
             ORDER BY place, rating DESC NULLS LAST, id",
        )
        .bind(id.as_str())
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        let mut products = rows.iter().map(product);
        let Some(itself) = products.next() else {
            return Ok(None);
        };
        Ok(Some((itself?, products.collect::<Attempt<_>>()?)))
    }

    async fn try_page(&self, after: Option<&ProductId>, limit: u32) -> Attempt<Vec<Product>> {
        let query = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE id > $1
             ORDER BY id
             LIMIT $2",
        )
        // Every id comes after the empty text.
        .bind(after.map_or("", ProductId::as_str))
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(product).collect()
    }

    async fn try_save(&self, products: &[(Product, Event)]) -> Attempt<Vec<Saved>> {
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE id = ANY($1)
             ORDER BY id
             FOR UPDATE",
        )
        .bind(column::texts(products, |(product, _)| product.id.as_str()))
        .fetch_all(&mut *transaction)
        .await?;
        let before = rows.iter().map(product).collect::<Attempt<Vec<_>>>()?;
        let mut after: HashMap<ProductId, Product> = before
            .iter()
            .map(|product| (product.id.clone(), product.clone()))
            .collect();
        let (mut all_saved, mut events) = (Vec::with_capacity(products.len()), Vec::new());
        for (incoming, event) in products {
            let saved = merge(&mut after, incoming);
            if saved.change != Change::Unchanged {
                events.push(event);
            }
            all_saved.push(saved);
        }
        let changed = all_saved
            .iter()
            .filter(|saved| saved.change != Change::Unchanged)
            .filter_map(|saved| after.get_key_value(&saved.product.id));
        let known = column::texts(&before, |product| product.id.as_str());
        upsert(&mut transaction, &changed.collect(), &known).await?;
        outbox::append(&mut transaction, events).await?;
        transaction.commit().await?;
        Ok(all_saved)
    }

    async fn try_set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: &Images,
        event: &Event,
    ) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let set = sqlx::query(
            "UPDATE products SET picture = $2, images = $3, updated_at = $4
             WHERE id = $1 AND (picture IS NULL OR picture < $2)",
        )
        .bind(id.as_str())
        .bind(picture.as_str())
        .bind(serde_json::to_string(images)?)
        .bind(event.time.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if set == 1 {
            outbox::append(&mut transaction, [event]).await?;
        }
        transaction.commit().await?;
        Ok(set == 1)
    }

    async fn try_delete(&self, id: &ProductId, event: &Event) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let deleted = sqlx::query("DELETE FROM products WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if deleted == 1 {
            outbox::append(&mut transaction, [event]).await?;
        }
        transaction.commit().await?;
        Ok(deleted == 1)
    }
}

#[async_trait]
impl ProductStore for Products {
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        read(move || self.try_find(ids)).await
    }

    async fn related(&self, product: &Product, limit: u32) -> Result<Vec<Product>> {
        read(move || self.try_related(product, limit)).await
    }

    async fn with_related(
        &self,
        id: &ProductId,
        limit: u32,
    ) -> Result<Option<(Product, Vec<Product>)>> {
        read(move || self.try_with_related(id, limit)).await
    }

    async fn page(&self, after: Option<&ProductId>, limit: u32) -> Result<Vec<Product>> {
        read(move || self.try_page(after, limit)).await
    }

    async fn save(&self, products: Vec<(Product, Event)>) -> Result<Vec<Saved>> {
        let products = &products;
        write(move || self.try_save(products)).await
    }

    async fn set_picture(
        &self,
        id: &ProductId,
        picture: &PictureId,
        images: &Images,
        event: Event,
    ) -> Result<bool> {
        let event = &event;
        write(move || self.try_set_picture(id, picture, images, event)).await
    }

    async fn delete(&self, id: &ProductId, event: Event) -> Result<bool> {
        let event = &event;
        write(move || self.try_delete(id, event)).await
    }
}
