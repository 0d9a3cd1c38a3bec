//! Carts and their lines.

use std::{mem, slice};

use async_trait::async_trait;
use bothways_domain::{
    Error, Money, Result,
    cart::{Cart, CartLine, CartStore, CartWrite, Put, Quantity},
    id::{CartId, OrderId, ProductId, UserId},
    inventory::StockLine,
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    Database, column,
    error::{Attempt, Failure, read, repeatable, write},
};

/// The carts of the shop.
#[derive(Debug, Clone)]
pub struct Carts {
    database: Database,
}

/// The line in a row of a cart joined with its lines; a cart without lines has one row without a line.
fn line(row: &PgRow) -> Attempt<Option<CartLine>> {
    let Some(product_id) = column::parsed_opt(row, "product_id", ProductId::parse)? else {
        return Ok(None);
    };
    let quantity = Quantity::try_from(column::count(row, "quantity")?);
    Ok(Some(CartLine {
        product_id,
        name: row.try_get("name")?,
        unit_price: column::money(row, "price_amount", "price_currency")?,
        quantity: quantity.map_err(|fault| Failure::Domain(Error::internal(fault)))?,
    }))
}

/// The cart with its lines, seen in one moment.
async fn find(connection: &mut PgConnection, id: &CartId) -> Attempt<Option<Cart>> {
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

/// The cart with its lines, locked until the transaction ends.
async fn find_to_write(connection: &mut PgConnection, id: &CartId) -> Attempt<Option<Cart>> {
    sqlx::query("SELECT 1 FROM carts WHERE id = $1 FOR UPDATE")
        .bind(id.as_str())
        .execute(&mut *connection)
        .await?;
    find(connection, id).await
}

/// The prices of lines as columns: amounts and currencies.
fn prices(lines: &[CartLine]) -> (Vec<i64>, Vec<String>) {
    let prices = lines.iter().map(|line| line.unit_price);
    let column = |price: Money| (price.amount(), price.currency().as_str().to_owned());
    prices.map(column).unzip()
}

/// A statement that writes the row of a cart as `$row` says and, if that wrote it, lines after the cart's others or in the
/// places of those with their products. It answers with a row if it did.
macro_rules! with_lines {
    ($row:literal) => {
        concat!(
            "WITH cart AS (",
            $row,
            " RETURNING id
             ), last AS (
                 SELECT COALESCE(MAX(position), 0) AS position FROM cart_lines WHERE cart_id = $1
             ), stored AS (
                 INSERT INTO cart_lines (cart_id, product_id, position, name, price_amount, price_currency, quantity)
                 SELECT cart.id, product_id, last.position + place, name, price_amount, price_currency, quantity
                 FROM cart, last, UNNEST($5::TEXT[], $6::TEXT[], $7::BIGINT[], $8::TEXT[], $9::BIGINT[])
                      WITH ORDINALITY AS new (product_id, name, price_amount, price_currency, quantity, place)
                 ON CONFLICT (cart_id, product_id) DO UPDATE
                 SET name = excluded.name, price_amount = excluded.price_amount,
                     price_currency = excluded.price_currency, quantity = excluded.quantity
             )
             SELECT 1 FROM cart"
        )
    };
}

const INSERT: &str = with_lines!(
    "INSERT INTO carts (id, owner, version, updated_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO NOTHING"
);

/// Whoever changes a cart or its lines raises its version: where that is still the one before, so is all else.
const UPDATE: &str = with_lines!(
    "UPDATE carts SET owner = $2, version = $3, updated_at = $4 WHERE id = $1 AND version = $3 - 1"
);

/// Stores `cart`, and `lines` of it; `false` when its row is not what `statement` requires, and nothing was stored.
async fn put(
    connection: &mut PgConnection,
    statement: &'static str,
    cart: &Cart,
    lines: &[CartLine],
) -> Attempt<bool> {
    let (amounts, currencies) = prices(lines);
    let quantities: Vec<i64> = (lines.iter())
        .map(|line| i64::from(line.quantity.get()))
        .collect();
    let stored = sqlx::query(statement)
        .bind(cart.id.as_str())
        .bind(cart.owner.as_ref().map(UserId::as_str))
        .bind(cart.version)
        .bind(cart.updated_at.as_millis())
        .bind(column::texts(lines, |line| line.product_id.as_str()))
        .bind(column::texts(lines, |line| line.name.as_str()))
        .bind(amounts)
        .bind(currencies)
        .bind(quantities)
        .fetch_optional(connection)
        .await?;
    Ok(stored.is_some())
}

/// Stores the row of `cart`, and takes a line out of it; `false` when its row is another than before, and nothing changed.
async fn remove(connection: &mut PgConnection, cart: &Cart, product: &ProductId) -> Attempt<bool> {
    let stored = sqlx::query(
        "WITH cart AS (
             UPDATE carts SET owner = $2, version = $3, updated_at = $4 WHERE id = $1 AND version = $3 - 1
             RETURNING id
         ), removed AS (
             DELETE FROM cart_lines USING cart WHERE cart_id = cart.id AND product_id = $5
         )
         SELECT 1 FROM cart",
    )
    .bind(cart.id.as_str())
    .bind(cart.owner.as_ref().map(UserId::as_str))
    .bind(cart.version)
    .bind(cart.updated_at.as_millis())
    .bind(product.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(stored.is_some())
}

/// Deletes a cart with its lines; whether there was one.
async fn delete(connection: &mut PgConnection, id: &CartId) -> Attempt<bool> {
    let deleted = sqlx::query("DELETE FROM carts WHERE id = $1")
        .bind(id.as_str())
        .execute(connection)
        .await?
        .rows_affected();
    Ok(deleted == 1)
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

    /// Ids are random: a cart that is there when this is tried `again` was made by an attempt whose answer was lost.
    async fn try_create(&self, cart: &Cart, again: bool) -> Attempt<()> {
        let mut lease = self.database.lease().await?;
        let made = put(&mut lease, INSERT, cart, &cart.lines).await?;
        lease.keep();
        if made || again {
            Ok(())
        } else {
            let taken = Error::Conflict("there is a cart with this id".to_owned());
            Err(Failure::Domain(taken))
        }
    }

    /// Nearly always the cart is still as it was seen, and one statement does.
    async fn try_put_line(
        &self,
        seen: &Cart,
        line: &CartLine,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Attempt<CartWrite> {
        let mut cart = seen.clone();
        if !cart.is_stale(if_version) && cart.put(line, now) == Put::Changed {
            let mut lease = self.database.lease().await?;
            let done = put(&mut lease, UPDATE, &cart, slice::from_ref(line)).await?;
            lease.keep();
            if done {
                return Ok(CartWrite::Done(cart));
            }
        }
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find_to_write(&mut transaction, &seen.id).await? else {
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
        put(&mut transaction, UPDATE, &cart, slice::from_ref(line)).await?;
        transaction.commit().await?;
        Ok(CartWrite::Done(cart))
    }

    /// As [`Self::try_put_line`].
    async fn try_remove_line(
        &self,
        seen: &Cart,
        product: &ProductId,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Attempt<CartWrite> {
        let mut cart = seen.clone();
        if !cart.is_stale(if_version) && cart.remove(product, now) {
            let mut lease = self.database.lease().await?;
            let done = remove(&mut lease, &cart, product).await?;
            lease.keep();
            if done {
                return Ok(CartWrite::Done(cart));
            }
        }
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find_to_write(&mut transaction, &seen.id).await? else {
            return Ok(CartWrite::Missing);
        };
        if cart.is_stale(if_version) {
            return Ok(CartWrite::Stale);
        }
        if cart.remove(product, now) {
            remove(&mut transaction, &cart, product).await?;
            transaction.commit().await?;
        }
        Ok(CartWrite::Done(cart))
    }

    async fn try_remember(&self, id: &CartId, lines: &[CartLine]) -> Attempt<()> {
        let (amounts, currencies) = prices(lines);
        let mut lease = self.database.lease().await?;
        // Locks the cart first, as all who write its lines do, so that no two wait for each other.
        sqlx::query(
            "WITH cart AS MATERIALIZED (SELECT id FROM carts WHERE id = $1 FOR UPDATE)
             UPDATE cart_lines SET name = new.name, price_amount = new.amount, price_currency = new.currency
             FROM cart, UNNEST($2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[])
                  AS new (product_id, name, amount, currency)
             WHERE cart_lines.cart_id = cart.id AND cart_lines.product_id = new.product_id",
        )
        .bind(id.as_str())
        .bind(column::texts(lines, |line| line.product_id.as_str()))
        .bind(column::texts(lines, |line| line.name.as_str()))
        .bind(amounts)
        .bind(currencies)
        .execute(&mut *lease)
        .await?;
        lease.keep();
        Ok(())
    }

    async fn try_delete(&self, id: &CartId) -> Attempt<bool> {
        let mut lease = self.database.lease().await?;
        let deleted = delete(&mut lease, id).await?;
        lease.keep();
        Ok(deleted)
    }

    async fn try_claim(&self, id: &CartId, user: &UserId, now: Timestamp) -> Attempt<CartWrite> {
        let mut transaction = self.database.begin().await?;
        let Some(mut cart) = find_to_write(&mut transaction, id).await? else {
            return Ok(CartWrite::Missing);
        };
        match &cart.owner {
            Some(owner) if owner == user => return Ok(CartWrite::Done(cart)),
            Some(_) => return Ok(CartWrite::Missing),
            None => cart.owner = Some(user.clone()),
        }
        cart.touch(now);
        put(&mut transaction, UPDATE, &cart, &[]).await?;
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
        // In one order, so that two merges of the same carts don't wait for each other.
        find_to_write(&mut transaction, from.min(into)).await?;
        let guest = find_to_write(&mut transaction, from).await?;
        let own = find_to_write(&mut transaction, into).await?;
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
        put(&mut transaction, UPDATE, &own, &own.lines).await?;
        delete(&mut transaction, from).await?;
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
        let noted = sqlx::query(
            "INSERT INTO cart_orders (cart_id, order_id)
             SELECT id, $2 FROM (SELECT id FROM carts WHERE id = $1 FOR UPDATE) AS cart
             ON CONFLICT DO NOTHING",
        )
        .bind(id.as_str())
        .bind(order.as_str())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if noted == 0 {
            return Ok(());
        }
        // A statement of its own: it sees the lines as they are once the cart is locked.
        sqlx::query(
            "WITH bought AS (
                 SELECT product_id, CAST(SUM(quantity) AS BIGINT) AS quantity
                 FROM UNNEST($2::TEXT[], $3::BIGINT[]) AS new (product_id, quantity)
                 GROUP BY product_id
             ), removed AS (
                 DELETE FROM cart_lines USING bought
                 WHERE cart_id = $1 AND cart_lines.product_id = bought.product_id
                   AND cart_lines.quantity <= bought.quantity
                 RETURNING cart_lines.product_id
             ), lessened AS (
                 UPDATE cart_lines SET quantity = cart_lines.quantity - bought.quantity
                 FROM bought
                 WHERE cart_id = $1 AND cart_lines.product_id = bought.product_id
                   AND cart_lines.quantity > bought.quantity
                 RETURNING cart_lines.product_id
             )
             UPDATE carts SET version = version + 1, updated_at = $4
             WHERE id = $1 AND EXISTS (SELECT 1 FROM removed UNION ALL SELECT 1 FROM lessened)",
        )
        .bind(id.as_str())
        .bind(column::texts(bought, |line| line.product_id.as_str()))
        .bind(
            bought
                .iter()
                .map(|line| i64::from(line.quantity))
                .collect::<Vec<_>>(),
        )
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl CartStore for Carts {
    async fn create(&self, cart: &Cart) -> Result<()> {
        let mut again = false;
        repeatable(move || self.try_create(cart, mem::replace(&mut again, true))).await
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
        write(move || self.try_put_line(seen, line, if_version, now)).await
    }

    async fn remove_line(
        &self,
        seen: &Cart,
        product: &ProductId,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Result<CartWrite> {
        write(move || self.try_remove_line(seen, product, if_version, now)).await
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
