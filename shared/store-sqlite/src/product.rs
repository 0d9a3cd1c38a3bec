//! Products and their events.

use std::collections::HashMap;

use async_trait::async_trait;
use bothways_domain::{
    Result,
    event::Event,
    id::{PictureId, ProductId},
    import::Change,
    product::{Images, Product, ProductDraft, ProductStore, Rating, Saved},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, read, write},
    outbox,
};

/// The products of the shop.
#[derive(Debug, Clone)]
pub struct Products {
    database: Database,
}

fn product(row: &SqliteRow) -> Attempt<Product> {
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

async fn upsert(connection: &mut SqliteConnection, product: &Product) -> Attempt<()> {
    let Product { id, draft, .. } = product;
    sqlx::query(
        "INSERT INTO products (id, name, brand, category, description, price_amount, price_currency,
                               attributes, rating, images, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, brand = excluded.brand, category = excluded.category,
             description = excluded.description, price_amount = excluded.price_amount,
             price_currency = excluded.price_currency, attributes = excluded.attributes,
             rating = excluded.rating, updated_at = excluded.updated_at",
    )
    .bind(id.as_str())
    .bind(draft.name.as_str())
    .bind(draft.brand.as_deref())
    .bind(serde_json::to_string(&draft.category)?)
    .bind(draft.description.as_str())
    .bind(draft.price.amount())
    .bind(draft.price.currency().as_str().to_owned())
    .bind(serde_json::to_string(&draft.attributes)?)
    .bind(draft.rating.map(Rating::stars))
    .bind(product.images.as_ref().map(serde_json::to_string).transpose()?)
    .bind(product.created_at.as_millis())
    .bind(product.updated_at.as_millis())
    .execute(connection)
    .await?;
    Ok(())
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
             WHERE id IN (SELECT value FROM json_each($1))",
        )
        .bind(serde_json::to_string(ids)?);
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(product).collect()
    }

    async fn try_related(&self, of: &Product, limit: u32) -> Attempt<Vec<Product>> {
        let query = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE category = $1 AND id <> $2
             ORDER BY rating DESC NULLS LAST, id
             LIMIT $3 + 0",
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
            "SELECT 0 AS place, id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE id = $1
             UNION ALL
             SELECT 1, * FROM (
                 SELECT id, name, brand, category, description, price_amount, price_currency,
                        attributes, rating, images, created_at, updated_at
                 FROM products
                 WHERE category = (SELECT category FROM products WHERE id = $1) AND id <> $1
                 ORDER BY rating DESC NULLS LAST, id
                 LIMIT $2 + 0
             )
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
             LIMIT $2 + 0",
        )
        // Every id comes after the empty text.
        .bind(after.map_or("", ProductId::as_str))
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(product).collect()
    }

    async fn try_save(&self, products: &[(Product, Event)]) -> Attempt<Vec<Saved>> {
        let ids: Vec<&ProductId> = products.iter().map(|(product, _)| &product.id).collect();
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "SELECT id, name, brand, category, description, price_amount, price_currency,
                    attributes, rating, images, created_at, updated_at
             FROM products
             WHERE id IN (SELECT value FROM json_each($1))",
        )
        .bind(serde_json::to_string(&ids)?)
        .fetch_all(&mut *transaction)
        .await?;
        let mut stored = HashMap::with_capacity(products.len());
        for row in &rows {
            let product = product(row)?;
            stored.insert(product.id.clone(), product);
        }
        let mut all_saved = Vec::with_capacity(products.len());
        for (incoming, event) in products {
            let saved = merge(&mut stored, incoming);
            if saved.change != Change::Unchanged {
                upsert(&mut transaction, &saved.product).await?;
                outbox::append(&mut transaction, [event]).await?;
            }
            all_saved.push(saved);
        }
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
