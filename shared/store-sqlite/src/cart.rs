//! Carts and their lines.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    cart::{Cart, CartLine, CartStore, CartWrite, Put, Quantity},
    id::{CartId, OrderId, ProductId, UserId},
    inventory::StockLine,
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, Failure, read, write},
};

/// The carts of the shop.
#[derive(Debug, Clone)]
pub struct Carts {
    database: Database,
}

/// The line in a row of a cart joined with its lines; a cart without lines has one row without a line.
fn line(row: &SqliteRow) -> Attempt<Option<CartLine>> {
    let Some(product_id) = column::parsed_opt(row, "product_id", ProductId::parse)? else {
        return Ok(None);
    };
    let quantity = Quantity::try_from(column::count(row, "quantity")?);
    Ok(Some(CartLine {
        product_id,
        name: row.try_get("name")?,
        unit_price: column::money(row, "price_amount", "price_currency")?,
        quantity: quantity
            .map_err(|fault| Failure::Domain(bothways_domain::Error::internal(fault)))?,
    }))
}

/// The cart with its lines, seen in one moment.
async fn find(connection: &mut SqliteConnection, id: &CartId) -> Attempt<Option<Cart>> {
    let rows = sqlx::query(
        "SELECT carts.id, carts.owner, carts.version, carts.updated_at,
                cart_lines.product_id, cart_lines.name, cart_lines.price_amount,
                cart_lines.price_currency, cart_lines.quantity
         FROM carts LEFT JOIN cart_lines ON cart_lines.cart_id = carts.id
         WHERE carts.id = $1
         ORDER BY cart_lines.position",
    )
    .bind(id.as_str())
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let lines = rows.iter().filter_map(|row| line(row).transpose());
    Ok(Some(Cart {
        id: column::parsed(first, "id", CartId::parse)?,
        owner: column::parsed_opt(first, "owner", UserId::parse)?,
        lines: lines.collect::<Attempt<_>>()?,
        version: first.try_get("version")?,
        updated_at: column::time(first, "updated_at")?,
    }))
}

async fn put(
    connection: &mut SqliteConnection,
    cart: &CartId,
    line: &CartLine,
    position: i64,
) -> Attempt<()> {
    sqlx::query(
        "INSERT INTO cart_lines (cart_id, product_id, position, name, price_amount, price_currency, quantity)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (cart_id, product_id) DO UPDATE
         SET name = excluded.name, price_amount = excluded.price_amount,
             price_currency = excluded.price_currency, quantity = excluded.quantity",
    )
    .bind(cart.as_str())
    .bind(line.product_id.as_str())
    .bind(position)
    .bind(line.name.as_str())
    .bind(line.unit_price.amount())
    .bind(line.unit_price.currency().as_str().to_owned())
    .bind(i64::from(line.quantity.get()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the next line of a cart goes.
async fn next_position(connection: &mut SqliteConnection, cart: &CartId) -> Attempt<i64> {
    let row = sqlx::query(
        "SELECT COALESCE(MAX(position), 0) + 1 AS next FROM cart_lines WHERE cart_id = $1",
    )
    .bind(cart.as_str())
    .fetch_one(connection)
    .await?;
    Ok(row.try_get("next")?)
}

async fn remove(
    connection: &mut SqliteConnection,
    cart: &CartId,
    product: &ProductId,
) -> Attempt<()> {
    sqlx::query("DELETE FROM cart_lines WHERE cart_id = $1 AND product_id = $2")
        .bind(cart.as_str())
        .bind(product.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes a cart with its lines; whether there was one.
async fn delete(connection: &mut SqliteConnection, id: &CartId) -> Attempt<bool> {
    let deleted = sqlx::query("DELETE FROM carts WHERE id = $1")
        .bind(id.as_str())
        .execute(connection)
        .await?
        .rows_affected();
    Ok(deleted == 1)
}

/// Stores the row of a cart that changed.
async fn update(connection: &mut SqliteConnection, cart: &Cart) -> Attempt<()> {
    sqlx::query("UPDATE carts SET owner = $2, version = $3, updated_at = $4 WHERE id = $1")
        .bind(cart.id.as_str())
        .bind(cart.owner.as_ref().map(UserId::as_str))
        .bind(cart.version)
        .bind(cart.updated_at.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

impl Carts {
    /// The carts in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_find(&self, id: &CartId) -> Attempt<Option<Cart>> {
        let mut lease = self.database.lease().await?;
        let cart = find(&mut lease, id).await?;
        lease.keep();
        Ok(cart)
    }

    async fn try_create(&self, cart: &Cart) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("INSERT INTO carts (id, owner, version, updated_at) VALUES ($1, $2, $3, $4)")
            .bind(cart.id.as_str())
            .bind(cart.owner.as_ref().map(UserId::as_str))
            .bind(cart.version)
            .bind(cart.updated_at.as_millis())
            .execute(&mut *transaction)
            .await?;
        for (position, line) in (1..).zip(&cart.lines) {
            put(&mut transaction, &cart.id, line, position).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn try_put_line(
        &self,
        id: &CartId,
        line: &CartLine,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Attempt<CartWrite> {
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find(&mut transaction, id).await? else {
            return Ok(CartWrite::Missing);
        };
        if cart.is_stale(if_version) {
            return Ok(CartWrite::Stale);
        }
        match cart.put(line, now) {
            Put::Changed => {}
            Put::Unchanged => return Ok(CartWrite::Done(cart)),
            Put::Full => return Ok(CartWrite::Full),
        }
        let position = next_position(&mut transaction, id).await?;
        put(&mut transaction, id, line, position).await?;
        update(&mut transaction, &cart).await?;
        transaction.commit().await?;
        Ok(CartWrite::Done(cart))
    }

    async fn try_remove_line(
        &self,
        id: &CartId,
        product: &ProductId,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Attempt<CartWrite> {
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find(&mut transaction, id).await? else {
            return Ok(CartWrite::Missing);
        };
        if cart.is_stale(if_version) {
            return Ok(CartWrite::Stale);
        }
        if cart.remove(product, now) {
            remove(&mut transaction, id, product).await?;
            update(&mut transaction, &cart).await?;
            transaction.commit().await?;
        }
        Ok(CartWrite::Done(cart))
    }

    async fn try_remember(&self, id: &CartId, lines: &[CartLine]) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        for line in lines {
            sqlx::query(
                "UPDATE cart_lines SET name = $3, price_amount = $4, price_currency = $5
                 WHERE cart_id = $1 AND product_id = $2",
            )
            .bind(id.as_str())
            .bind(line.product_id.as_str())
            .bind(line.name.as_str())
            .bind(line.unit_price.amount())
            .bind(line.unit_price.currency().as_str().to_owned())
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn try_delete(&self, id: &CartId) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let deleted = delete(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(deleted)
    }

    async fn try_claim(&self, id: &CartId, user: &UserId, now: Timestamp) -> Attempt<CartWrite> {
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find(&mut transaction, id).await? else {
            return Ok(CartWrite::Missing);
        };
        match &cart.owner {
            Some(owner) if owner == user => return Ok(CartWrite::Done(cart)),
            Some(_) => return Ok(CartWrite::Missing),
            None => cart.owner = Some(user.clone()),
        }
        cart.touch(now);
        update(&mut transaction, &cart).await?;
        transaction.commit().await?;
        Ok(CartWrite::Done(cart))
    }

    async fn try_of_user(&self, user: &UserId) -> Attempt<Option<CartId>> {
        let query = sqlx::query(
            "SELECT carts.id FROM carts
             WHERE carts.owner = $1
             ORDER BY EXISTS (SELECT 1 FROM cart_lines WHERE cart_lines.cart_id = carts.id) DESC,
                      carts.updated_at DESC, carts.id
             LIMIT 1",
        )
        .bind(user.as_str());
        let row = self.database.fetch_optional(query).await?;
        row.map(|row| column::parsed(&row, "id", CartId::parse))
            .transpose()
    }

    async fn try_merge(
        &self,
        from: &CartId,
        into: &CartId,
        user: &UserId,
        now: Timestamp,
    ) -> Attempt<CartWrite> {
        let mut transaction = self.database.begin().await?;
        let guest = find(&mut transaction, from).await?;
        let own = find(&mut transaction, into).await?;
        let (Some(guest), Some(mut own)) = (guest, own) else {
            return Ok(CartWrite::Missing);
        };
        let may = guest.owner.as_ref().is_none_or(|owner| owner == user);
        if !may || own.owner.as_ref() != Some(user) || guest.id == own.id {
            return Ok(CartWrite::Missing);
        }
        if !own.absorb(&guest.lines, now) {
            return Ok(CartWrite::Full);
        }
        let mut position = next_position(&mut transaction, into).await?;
        for line in &own.lines {
            put(&mut transaction, into, line, position).await?;
            position += 1;
        }
        delete(&mut transaction, from).await?;
        update(&mut transaction, &own).await?;
        transaction.commit().await?;
        Ok(CartWrite::Done(own))
    }

    async fn try_consume(
        &self,
        id: &CartId,
        order: &OrderId,
        bought: &[StockLine],
        now: Timestamp,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find(&mut transaction, id).await? else {
            return Ok(());
        };
        let noted = sqlx::query(
            "INSERT INTO cart_orders (cart_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(id.as_str())
        .bind(order.as_str())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if noted == 0 {
            return Ok(());
        }
        let mut changed = false;
        for StockLine {
            product_id,
            quantity,
        } in bought
        {
            let Some(line) = cart.lines.iter_mut().find(|l| l.product_id == *product_id) else {
                continue;
            };
            changed = true;
            match Quantity::try_from(line.quantity.get().saturating_sub(*quantity)) {
                Ok(left) => {
                    line.quantity = left;
                    // The line is there already, so its position stays.
                    put(&mut transaction, id, line, 0).await?;
                }
                Err(_) => remove(&mut transaction, id, product_id).await?,
            }
        }
        if changed {
            cart.touch(now);
            update(&mut transaction, &cart).await?;
        }
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl CartStore for Carts {
    async fn create(&self, cart: &Cart) -> Result<()> {
        write(move || self.try_create(cart)).await
    }

    async fn find(&self, id: &CartId) -> Result<Option<Cart>> {
        read(move || self.try_find(id)).await
    }

    async fn put_line(
        &self,
        seen: &Cart,
        line: &CartLine,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Result<CartWrite> {
        write(move || self.try_put_line(&seen.id, line, if_version, now)).await
    }

    async fn remove_line(
        &self,
        seen: &Cart,
        product: &ProductId,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Result<CartWrite> {
        write(move || self.try_remove_line(&seen.id, product, if_version, now)).await
    }

    async fn remember(&self, id: &CartId, lines: &[CartLine]) -> Result<()> {
        write(move || self.try_remember(id, lines)).await
    }

    async fn delete(&self, id: &CartId) -> Result<bool> {
        write(move || self.try_delete(id)).await
    }

    async fn claim(&self, id: &CartId, user: &UserId, now: Timestamp) -> Result<CartWrite> {
        write(move || self.try_claim(id, user, now)).await
    }

    async fn of_user(&self, user: &UserId) -> Result<Option<CartId>> {
        read(move || self.try_of_user(user)).await
    }

    async fn merge(
        &self,
        from: &CartId,
        into: &CartId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<CartWrite> {
        write(move || self.try_merge(from, into, user, now)).await
    }

    async fn consume(
        &self,
        id: &CartId,
        order: &OrderId,
        lines: &[StockLine],
        now: Timestamp,
    ) -> Result<()> {
        write(move || self.try_consume(id, order, lines, now)).await
    }
}
