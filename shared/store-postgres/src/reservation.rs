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
    connection: &mut PgConnection,
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

/// Moves the order's reservation on from one state to another; `false` when it is not there, or in neither.
pub(crate) async fn enter(
    connection: &mut PgConnection,
    order: &OrderId,
    from: State,
    to: State,
    now: Timestamp,
) -> Attempt<bool> {
    let entered = sqlx::query(
        "UPDATE reservations SET state = $3, updated_at = $4 WHERE order_id = $1 AND state = $2",
    )
    .bind(order.as_str())
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(now.as_millis())
    .execute(connection)
    .await?
    .rows_affected();
    Ok(entered == 1)
}
