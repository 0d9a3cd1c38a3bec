//! Reservations as rows: what is kept for which order, and what became of it.

use bothways_domain::{
    id::{OrderId, ProductId},
    time::Timestamp,
};
use sqlx::SqliteConnection;

use crate::{column, error::Attempt};

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Held,
    Released,
    Settled,
    Restocked,
}

impl State {
    const ALL: [Self; 4] = [Self::Held, Self::Released, Self::Settled, Self::Restocked];

    fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Settled => "settled",
            Self::Restocked => "restocked",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Makes a reservation in `state`; `false` when the order has one, which then stays as it is.
pub(crate) async fn open(
    connection: &mut SqliteConnection,
    order: &OrderId,
    state: State,
    now: Timestamp,
    expires_at: Timestamp,
) -> Attempt<bool> {
    let opened = sqlx::query(
        "INSERT INTO reservations (order_id, state, expires_at, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (order_id) DO NOTHING",
    )
    .bind(order.as_str())
    .bind(state.as_str())
    .bind(expires_at.as_millis())
    .bind(now.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(opened == 1)
}

/// Where the order's reservation stands, if it has one.
pub(crate) async fn state(
    connection: &mut SqliteConnection,
    order: &OrderId,
) -> Attempt<Option<State>> {
    let row = sqlx::query("SELECT state FROM reservations WHERE order_id = $1")
        .bind(order.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| column::parsed(&row, "state", State::parse))
        .transpose()
}

/// Moves the order's reservation on to `state`.
pub(crate) async fn enter(
    connection: &mut SqliteConnection,
    order: &OrderId,
    state: State,
    now: Timestamp,
) -> Attempt<()> {
    sqlx::query("UPDATE reservations SET state = $2, updated_at = $3 WHERE order_id = $1")
        .bind(order.as_str())
        .bind(state.as_str())
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// What the orders reserved, together, in the order of the products' ids.
pub(crate) async fn lines(
    connection: &mut SqliteConnection,
    orders: &[OrderId],
) -> Attempt<Vec<(ProductId, u32)>> {
    let rows = sqlx::query(
        "SELECT product_id, CAST(SUM(quantity) AS BIGINT) AS units
         FROM reservation_lines
         WHERE order_id IN (SELECT value FROM json_each($1))
         GROUP BY product_id
         ORDER BY product_id",
    )
    .bind(serde_json::to_string(orders)?)
    .fetch_all(connection)
    .await?;
    let line = |row| {
        let product = column::parsed(row, "product_id", ProductId::parse)?;
        Ok((product, column::count(row, "units")?))
    };
    rows.iter().map(line).collect()
}
