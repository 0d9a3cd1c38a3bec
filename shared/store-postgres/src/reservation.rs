//! Reservations as rows: what is kept for which order, and what became of it.

use bothways_domain::{id::OrderId, time::Timestamp};
use sqlx::PgConnection;

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

    pub(crate) fn as_str(self) -> &'static str {
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

/// Leaves a released reservation for one that may yet be asked for; `false` when the order has one, which then stays as it is.
pub(crate) async fn release_ahead(
    connection: &mut PgConnection,
    order: &OrderId,
    now: Timestamp,
) -> Attempt<bool> {
    let left = sqlx::query(
        "INSERT INTO reservations (order_id, state, expires_at, updated_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (order_id) DO NOTHING",
    )
    .bind(order.as_str())
    .bind(State::Released.as_str())
    .bind(now.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(left == 1)
}

/// Where the order's reservation stands, if it has one; locked until the transaction ends.
pub(crate) async fn state(
    connection: &mut PgConnection,
    order: &OrderId,
) -> Attempt<Option<State>> {
    let row = sqlx::query("SELECT state FROM reservations WHERE order_id = $1 FOR UPDATE")
        .bind(order.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| column::parsed(&row, "state", State::parse))
        .transpose()
}
